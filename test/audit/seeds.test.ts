import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { allRules } from '../../src/audit/rules/index.js';
import { startProblems } from '../../src/audit/starts/start-problems.js';
import { parseTarget, type Target } from '../../src/audit/target.js';
import { auditOf } from './audit-of.js';

const root = 'test/audit/seeds';

/** A fleet of an article: the version that it installs, and what the audit of its files must say, no more and no less. */
interface Seed {
  readonly target: string;
  /** `FILE:LINE rule` of every line that stops a server, by file. */
  readonly starts: readonly string[];
  /** Every other rule that fails. */
  readonly rules: readonly string[];
}

/** Five machines; the replicas log everything; quorum 2 of 5 sentinels, two seconds of silence are a death. */
const fiveHosts = [
  'dangerous-commands-open',
  'down-after-too-low',
  'loglevel-debug',
  'maxmemory-unset',
  'min-replicas-unset',
  'repl-nodelay',
  'running-vs-peers',
  'sentinel-quorum-below-majority',
  'tcp-keepalive-off',
  'weak-password',
];

/** What the article shows of its files, taken as the whole files: before 6.2 that means no snapshots. */
const fourHosts = [
  'bind-wildcard',
  'dangerous-commands-open',
  'failover-timeout-too-low',
  'latency-monitor-off',
  'logfile-lost',
  'masterauth-missing-on-master',
  'maxmemory-unset',
  'min-replicas-unset',
  'persistence-off-on-candidate',
  'save-missing',
  'weak-password',
];

const oneNetwork = [
  'bind-wildcard',
  'dangerous-commands-open',
  'latency-monitor-off',
  'maxmemory-unset',
  'min-replicas-unset',
  'replicaof-hostname',
  'sentinel-no-auth',
  'tls-off',
  'weak-password',
];

/** Two of the articles show no config file: `compose` and `helm` hold the values that they give. */
const seeds: Readonly<Record<string, Seed>> = {
  'stn-master/printed': {
    target: 'redis-2.8.4',
    starts: [
      ...['pv1', 'pv2', 'pv3'].map((host) => `${host}/redis.conf:6 inline-comment`),
      ...['pv2', 'pv3'].map((host) => `${host}/redis.conf:7 inline-comment`),
      ...['pv1', 'pv2', 'pv3', 'pvha1', 'pvha2'].flatMap((host) =>
        [6, 8, 10].map((line) => `${host}/sentinel.conf:${line} inline-comment`),
      ),
    ],
    rules: fiveHosts,
  },
  'stn-master/corrected': { target: 'redis-2.8.4', starts: [], rules: fiveHosts },
  // The recovery by hand, with one of five sentinels forgotten.
  'stn-master/recovered': {
    target: 'redis-2.8.4',
    starts: [],
    rules: [...fiveHosts, 'sentinel-monitors-non-master', 'sentinel-views-disagree'],
  },
  'compose/corrected': {
    target: 'redis-7.2',
    starts: [],
    rules: ['sentinel-majority-on-one-host', 'sentinel-monitors-loopback', 'sentinel-no-auth'],
  },
  'helm/corrected': {
    target: 'redis-6.0.3',
    starts: [],
    rules: [
      'dangerous-commands-open',
      'latency-monitor-off',
      'maxmemory-unset',
      'min-replicas-unset',
      'no-password-exposed',
      'sentinel-no-auth',
      'sentinel-two-host-loss',
    ],
  },
  'myprimary/printed': {
    target: 'redis-7.2',
    starts: [
      ...[1, 2].map((n) => `slave/slave-${n}.conf:1 inline-comment`),
      ...[1, 2, 3].map((n) => `sentinel/sentinel-${n}.conf:1 inline-comment`),
    ],
    rules: oneNetwork,
  },
  'myprimary/corrected': {
    target: 'redis-7.2',
    starts: [],
    rules: [...oneNetwork, 'sentinel-majority-on-one-host'],
  },
  'redis-cluster/printed': {
    target: 'redis-3.2.12',
    starts: [
      'redis_master01/redis.conf:2 inline-comment',
      ...[1, 2, 3].flatMap((n) => [
        `redis_slave0${n}/redis.conf:8 placeholder-value`,
        `redis_slave0${n}/redis.conf:11 placeholder-value`,
        `redis_slave0${n}/sentinel.conf:7 placeholder-value`,
        `redis_slave0${n}/sentinel.conf:7 sentinel-unknown-master-name`,
      ]),
    ],
    rules: [
      ...fourHosts,
      'masterauth-mismatch',
      'password-quoting',
      'requirepass-differs',
      'sentinel-auth-pass-missing',
    ],
  },
  'redis-cluster/corrected': { target: 'redis-3.2.12', starts: [], rules: fourHosts },
};

describe('a fleet as articles describe it', () => {
  it.each(Object.entries(seeds))('%s: exactly these rules fail', async (path, { target, rules, starts }) => {
    const reports = await auditOf(join(root, path), allRules, target);
    expect(reports).toHaveLength(1);
    const found = new Set(reports.flatMap(({ findings }) => findings.map(({ rule }) => rule)));
    const stopping = starts.map((line) => line.split(' ')[1] ?? '');
    expect([...found].sort()).toEqual([...new Set([...rules, ...stopping])].sort());
  });

  it.each(Object.entries(seeds))('%s: exactly these lines stop a server', (path, { target, starts }) => {
    const version = parseTarget(target);
    if (version === undefined) throw new Error(`${target} is no version`);
    expect(stopped(path, version)).toEqual([...starts].sort());
  });

  it('takes the names of its own version, and would find them old on a newer server', async () => {
    const later = await auditOf(join(root, 'stn-master/corrected'), allRules, 'redis-7.2');
    const now = await auditOf(join(root, 'stn-master/corrected'), allRules, 'redis-2.8.4');
    const old = (reports: typeof now) => reports.flatMap(({ findings }) => findings).filter(isOld).length;
    expect([old(now), old(later)]).toEqual([0, 3]);
  });

  it('is loglevel debug on both replicas, side by side with the master', async () => {
    const [report] = await auditOf(join(root, 'stn-master/corrected'), allRules, 'redis-2.8.4');
    const of = (rule: string) => report?.findings.filter((finding) => finding.rule === rule) ?? [];
    expect(of('loglevel-debug').map(({ node, line }) => [node, line])).toEqual([
      ['pv2', 12],
      ['pv3', 12],
    ]);
    expect(of('running-vs-peers').map(({ excerpt }) => excerpt.map(({ host, text }) => [host, text]))).toEqual([
      [
        ['pv1', 'loglevel notice'],
        ['pv2', 'loglevel debug'],
        ['pv3', 'loglevel debug'],
      ],
    ]);
  });

  it("a template's password that Redis takes is found all the same", async () => {
    const [report] = await auditOf(join(root, 'redis-cluster/template'), allRules, 'redis-3.2.12');
    const weak = report?.findings.filter(({ rule }) => rule === 'weak-password') ?? [];
    expect(weak.map(({ message }) => message)).toEqual(['requirepass is the stand-in of a template']);
  });
});

function isOld({ rule }: { readonly rule: string }): boolean {
  return rule === 'deprecated-name';
}

function stopped(path: string, target: Target): readonly string[] {
  const folder = join(root, path);
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.conf'))
    .flatMap((name) => {
      const files = [{ file: name, text: readFileSync(join(folder, name), 'utf8') }];
      const kind = name.includes('sentinel') ? 'sentinel' : 'redis';
      return startProblems(files, kind, target).map(({ file, line, rule }) => `${file}:${line} ${rule}`);
    })
    .sort();
}
