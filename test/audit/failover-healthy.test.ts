import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultPolicy } from '../../src/audit/policy.js';
import { failoverRules } from '../../src/audit/rules/failover/index.js';
import { auditFiles } from '../../src/audit/run.js';
import { parseTarget } from '../../src/audit/target.js';
import { parseInventory } from '../../src/inventory/load.js';
import type { Severity } from '../../src/model/audit.js';

/** A fleet in which failovers work, in one of the many ways in which such fleets are written. */
interface Healthy {
  readonly redis: number;
  readonly sentinels: 3 | 5;
  readonly master: number;
  readonly port: number;
  readonly target: string;
  readonly bind: 'own' | 'own-and-loopback' | 'loopback-first' | 'every' | 'none';
  readonly password: 'none' | 'requirepass' | 'user' | 'rewritten';
  readonly users: boolean;
  readonly announced: boolean;
  readonly renamed: boolean;
  readonly started: boolean;
  readonly names: boolean;
  readonly oldNames: boolean;
  readonly declared: boolean;
  /** Which of the files are given, by their place. */
  readonly given: readonly boolean[];
}

const healthy: fc.Arbitrary<Healthy> = fc.record({
  redis: fc.integer({ min: 2, max: 5 }),
  sentinels: fc.constantFrom(3, 5),
  master: fc.nat({ max: 4 }),
  port: fc.constantFrom(6379, 7000),
  target: fc.constantFrom('redis-4.0.14', 'redis-5.0.14', 'redis-6.0.20', 'redis-6.2.14', 'redis-7.0.15', 'valkey-8.1'),
  bind: fc.constantFrom('own', 'own-and-loopback', 'loopback-first', 'every', 'none'),
  password: fc.constantFrom('none', 'requirepass', 'user', 'rewritten'),
  users: fc.boolean(),
  announced: fc.boolean(),
  renamed: fc.boolean(),
  started: fc.boolean(),
  names: fc.boolean(),
  oldNames: fc.boolean(),
  declared: fc.boolean(),
  given: fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }),
});

const secret = '7f3ac61b90e84d2fa5c1';
const since = (fleet: Healthy, major: number, minor = 0) => {
  const version = parseTarget(fleet.target)?.compatible;
  if (version === undefined) throw new Error(fleet.target);
  return version.major > major || (version.major === major && version.minor >= minor);
};
const own = (at: number) => `10.0.10.${at + 1}`;
/** The address by which the nodes speak of each other. */
const spoken = (fleet: Healthy, at: number) => (fleet.announced ? `192.168.10.${at + 1}` : own(at));
const idOf = (at: number) => String(at + 1).repeat(40);
const masterOf = (fleet: Healthy) => fleet.master % fleet.redis;

function bindLine(fleet: Healthy, at: number): string[] {
  const lines = {
    own: [`bind ${own(at)}`],
    'own-and-loopback': [`bind ${own(at)} 127.0.0.1`],
    'loopback-first': [`bind 127.0.0.1 ${own(at)}`],
    every: ['bind 0.0.0.0'],
    none: [],
  };
  return [
    ...lines[fleet.bind],
    ...(fleet.announced && fleet.bind === 'own' ? [`bind ${own(at)} 192.168.10.${at + 1}`] : []),
  ];
}

function loginLines(fleet: Healthy): string[] {
  const acl = since(fleet, 6);
  const channels = since(fleet, 6, 2) ? ' &*' : '';
  const user = `user default on >${secret} ~*${channels} +@all`;
  if (fleet.password === 'none') return ['protected-mode no'];
  if (fleet.password === 'requirepass' || !acl) return [`requirepass ${secret}`, `masterauth ${secret}`];
  if (fleet.password === 'user') return [user, `masterauth ${secret}`];
  return [`requirepass "${secret}"`, `masterauth "${secret}"`, user.replace('>', '#')];
}

function userLines(fleet: Healthy): string[] {
  if (!fleet.users || !since(fleet, 6) || fleet.password === 'none') return [];
  const channels = since(fleet, 6, 2) ? ' allchannels' : '';
  const config = since(fleet, 7) ? '+config|rewrite +client|kill' : '+config +client';
  return [
    `user watch on >${secret}${channels} +multi +slaveof +ping +exec +subscribe ${config} +role +publish +info`,
    `user copy on >${secret} +psync +replconf +ping`,
    'masteruser copy',
  ];
}

function redisFile(fleet: Healthy, at: number): string {
  const follows = fleet.oldNames || !since(fleet, 5) ? 'slaveof' : 'replicaof';
  const announce = since(fleet, 5) ? 'replica-announce-ip' : 'slave-announce-ip';
  return [
    `port ${fleet.port}`,
    ...bindLine(fleet, at),
    ...(at === masterOf(fleet) ? [] : [`${follows} ${spoken(fleet, masterOf(fleet))} ${fleet.port}`]),
    ...(fleet.announced ? [`${announce} ${spoken(fleet, at)}`] : []),
    ...loginLines(fleet),
    ...userLines(fleet),
    ...(fleet.renamed && since(fleet, 5) ? ['rename-command CONFIG c0nf1g', 'rename-command FLUSHALL ""'] : []),
    '',
  ].join('\n');
}

function sentinelFile(fleet: Healthy, at: number): string {
  const all = Array.from({ length: fleet.sentinels }, (_, index) => index);
  const nodes = Array.from({ length: fleet.redis }, (_, index) => index);
  const master = spoken(fleet, masterOf(fleet));
  const users = userLines(fleet).length > 0;
  const known = since(fleet, 5) ? 'known-replica' : 'known-slave';
  return [
    'port 26379',
    ...(fleet.bind === 'none' ? [] : [`bind ${own(at)}`]),
    'protected-mode no',
    `sentinel monitor shop ${master} ${fleet.port} ${Math.floor(fleet.sentinels / 2) + 1}`,
    ...(fleet.announced ? [`sentinel announce-ip ${spoken(fleet, at)}`] : []),
    ...(fleet.names && since(fleet, 6, 2) ? ['sentinel resolve-hostnames yes'] : []),
    ...(fleet.password === 'none' ? [] : [`sentinel auth-pass shop ${secret}`]),
    ...(users ? ['sentinel auth-user shop watch'] : []),
    ...(fleet.renamed && since(fleet, 5) ? ['sentinel rename-command shop CONFIG c0nf1g'] : []),
    ...(fleet.started
      ? [
          `sentinel myid ${idOf(at)}`,
          'sentinel config-epoch shop 3',
          ...nodes
            .filter((node) => node !== masterOf(fleet))
            .map((node) => `sentinel ${known} shop ${spoken(fleet, node)} ${fleet.port}`),
          ...all
            .filter((other) => other !== at)
            .map((other) => `sentinel known-sentinel shop ${spoken(fleet, other)} 26379 ${idOf(other)}`),
        ]
      : []),
    '',
  ].join('\n');
}

function filesOf(fleet: Healthy): readonly (readonly [path: string, text: string])[] {
  const redis = Array.from(
    { length: fleet.redis },
    (_, at) => [`h${at + 1}/redis.conf`, redisFile(fleet, at)] as const,
  );
  const sentinels = Array.from(
    { length: fleet.sentinels },
    (_, at) => [`h${at + 1}/sentinel.conf`, sentinelFile(fleet, at)] as const,
  );
  return [...redis, ...sentinels];
}

function declaration(fleet: Healthy): string {
  const hosts = Array.from({ length: Math.max(fleet.redis, fleet.sentinels) }, (_, at) => {
    const runs = [at < fleet.redis ? `redis: { port: ${fleet.port} }` : '', at < fleet.sentinels ? 'sentinel' : ''];
    const list = runs.filter((one) => one !== '').map((one) => (one.includes(':') ? `{ ${one} }` : one));
    return `  h${at + 1}: { address: ${own(at)}, runs: [${list.join(', ')}] }\n`;
  });
  return `name: shop\ngroup: shop\nhosts:\n${hosts.join('')}`;
}

function worst(
  fleet: Healthy,
  files: readonly (readonly [string, string])[],
  ...severities: readonly Severity[]
): readonly string[] {
  const given = files.map(([path, text]) => ({ path, named: false, content: { text } }));
  const declared = fleet.declared
    ? parseInventory('fleet.yaml', declaration(fleet), { uid: 0, mode: 0o600 }, 0)
    : undefined;
  const judging = { rules: failoverRules, policy: defaultPolicy, today: '2026-11-21' };
  return auditFiles(given, declared, parseTarget(fleet.target), '', judging)
    .flatMap(({ findings }) => findings)
    .filter(({ severity }) => severities.includes(severity))
    .map(({ rule, file, message }) => `${rule} ${file}: ${message}`);
}

describe('fleets in which failovers work', () => {
  it('have nothing at error or warning, however they are written', () => {
    fc.assert(
      fc.property(healthy, (fleet) => {
        expect(worst(fleet, filesOf(fleet), 'error', 'warning')).toEqual([]);
      }),
      { numRuns: 300 },
    );
  }, 60_000);

  it('have nothing at error when only some of their files are given', () => {
    fc.assert(
      fc.property(healthy, (fleet) => {
        const files = filesOf(fleet).filter((_file, at) => fleet.given[at]);
        expect(
          worst(fleet, files, ...(fleet.declared ? (['error', 'warning'] as const) : (['error'] as const))),
        ).toEqual([]);
      }),
      { numRuns: 400 },
    );
  }, 60_000);
});
