import { describe, expect, it } from 'vitest';
import { defaultPolicy } from '../../src/audit/policy.js';
import { failoverRules } from '../../src/audit/rules/failover/index.js';
import { auditFiles } from '../../src/audit/run.js';
import { parseTarget } from '../../src/audit/target.js';
import { parseInventory } from '../../src/inventory/load.js';

interface Answers {
  /** `severity rule file`, sorted. */
  readonly found: readonly string[];
  readonly messages: readonly string[];
  readonly notChecked: readonly string[];
}

/** What the failover rules answer about files, by path; nothing is declared unless `fleet` is given. */
function asked(files: Readonly<Record<string, string>>, target?: string, fleet?: string): Answers {
  const given = Object.entries(files).map(([path, text]) => ({ path, named: false, content: { text } }));
  const judging = { rules: failoverRules, policy: defaultPolicy, today: '2026-11-21' };
  const declared = fleet === undefined ? undefined : parseInventory('fleet.yaml', fleet, { uid: 0, mode: 0o600 }, 0);
  const reports = auditFiles(given, declared, target === undefined ? undefined : parseTarget(target), '', judging);
  const findings = reports.flatMap((report) => report.findings);
  return {
    found: findings.map(({ severity, rule, file }) => `${severity} ${rule} ${file}`).sort(),
    messages: findings.map(({ message }) => message),
    notChecked: reports.flatMap((report) => report.notChecked.map(({ rule }) => rule)),
  };
}

const secret = '7f3ac61b90e84d2fa5c1';
const closed = `requirepass ${secret}\nmasterauth ${secret}\n`;
const redis = (host: number, more = '', master = 1) =>
  `bind 10.0.10.${host}\nport 6379\n${host === master ? '' : `replicaof 10.0.10.${master} 6379\n`}${more}`;
const sentinel = (host: number, more = '', master = 1, quorum = 2) =>
  `bind 10.0.10.${host}\nport 26379\nsentinel monitor shop 10.0.10.${master} 6379 ${quorum}\n${more}`;

/** Three hosts with a redis and a sentinel each, and nothing wrong. */
const healthy: Readonly<Record<string, string>> = Object.fromEntries(
  [1, 2, 3].flatMap((host) => [
    [`r${host}/redis.conf`, redis(host, closed)],
    [`r${host}/sentinel.conf`, sentinel(host, `sentinel auth-pass shop ${secret}\n`)],
  ]),
);

describe('a fleet of files in which nothing is wrong', () => {
  it('has nothing at error or warning, whatever the version', () => {
    for (const target of [
      'redis-2.8.24',
      'redis-4.0.14',
      'redis-6.0.20',
      'redis-6.2.14',
      'redis-7.0.15',
      'valkey-8.1',
    ]) {
      expect(asked(healthy, target).found.filter((one) => !one.startsWith('info'))).toEqual([]);
    }
  });

  it('has nothing after a failover, and nothing when a stopped node kept its old files but a warning', () => {
    const after = Object.fromEntries(
      [1, 2, 3].flatMap((host) => [
        [`r${host}/redis.conf`, redis(host, closed, 2)],
        [
          `r${host}/sentinel.conf`,
          sentinel(host, `sentinel auth-pass shop ${secret}\nsentinel config-epoch shop 7\n`, 2),
        ],
      ]),
    );
    expect(asked(after).found.filter((one) => !one.startsWith('info'))).toEqual([]);
    const stale = sentinel(3, `sentinel auth-pass shop ${secret}\nsentinel config-epoch shop 6\n`, 1);
    expect(asked({ ...after, 'r3/sentinel.conf': stale }).found.filter((one) => one.includes('views'))).toEqual([
      'warning sentinel-views-disagree r1/sentinel.conf',
    ]);
  });
});

describe('files that are not all of a fleet', () => {
  const counting = [
    'sentinel-count-low',
    'sentinel-quorum-above-count',
    'no-replica',
    'no-master',
    'all-replicas-priority-zero',
  ];

  it('are not counted: one sentinel, one redis node', () => {
    const { found, notChecked } = asked({ 'r1/redis.conf': redis(1), 'r1/sentinel.conf': sentinel(1) });
    for (const rule of counting) expect(found.join()).not.toContain(rule);
    for (const rule of ['sentinel-count-low', 'sentinel-quorum-above-count', 'no-replica'])
      expect(notChecked).toContain(rule);
  });

  it('are not without a master: the replicas name one that was not given', () => {
    const { found, notChecked } = asked({ 'r2/redis.conf': redis(2, closed), 'r3/redis.conf': redis(3, closed) });
    expect(found).toEqual([]);
    expect(notChecked).toContain('no-master');
  });

  it('are counted by what a sentinel knows', () => {
    const known = 'sentinel myid 000000000000000000000000000000000000abc1\n'.concat(
      ...[2, 3].map((host) => `sentinel known-sentinel shop 10.0.10.${host} 26379 ${String(host).repeat(40)}\n`),
    );
    const { found, notChecked } = asked({ 'r1/sentinel.conf': sentinel(1, known) });
    expect(found.join()).not.toContain('count');
    expect(notChecked).not.toContain('sentinel-count-low');
    expect(asked({ 'r1/sentinel.conf': sentinel(1, known, 1, 4) }).found).toContain(
      'error sentinel-quorum-above-count r1/sentinel.conf',
    );
  });

  it('of servers that have nothing to do with each other are not compared', () => {
    const { found } = asked({
      'a/redis.conf': redis(1, closed.replace(/masterauth.*\n/, '')),
      'b/redis.conf': redis(2, 'requirepass another-one-0123456789\nreplica-priority 10\n', 2),
    });
    expect(found).toEqual([]);
  });
});

describe('a master that does not say its address', () => {
  const silent = `bind 0.0.0.0\nrequirepass ${secret}\n`;

  it('is the one that its replica and its sentinel name', () => {
    const { found } = asked({ 'r1/redis.conf': silent, 'r2/redis.conf': redis(2, closed) });
    expect(found).toEqual(['error masterauth-missing-on-master r1/redis.conf']);
  });

  it('is nobody when there are two of them', () => {
    const { found } = asked({
      'r1/redis.conf': silent,
      'r2/redis.conf': redis(2, closed),
      'r3/redis.conf': silent,
    });
    expect(found).toEqual([]);
  });
});

describe('a declared fleet', () => {
  const fleet = `name: shop\ngroup: shop\nhosts:\n${[1, 2, 3].map((host) => `  r${host}: { address: 10.0.10.${host}, runs: [redis, sentinel] }\n`).join('')}`;
  const id = (host: number) => `000000000000000000000000000000000000abc${host}`;
  const knowing = (...replicas: readonly string[]) =>
    Object.fromEntries(
      [1, 2, 3].flatMap((host) => [
        [`r${host}/redis.conf`, redis(host, closed)],
        [
          `r${host}/sentinel.conf`,
          sentinel(
            host,
            [
              `sentinel auth-pass shop ${secret}`,
              `sentinel myid ${id(host)}`,
              ...replicas.map((address) => `sentinel known-replica shop ${address} 6379`),
              ...[1, 2, 3]
                .filter((other) => other !== host)
                .map((other) => `sentinel known-sentinel shop 10.0.10.${other} 26379 ${id(other)}`),
              '',
            ].join('\n'),
          ),
        ],
      ]),
    );
  const bad = ({ found }: Answers) => found.filter((one) => !one.startsWith('info'));

  it('has nothing wrong when all know each other', () => {
    expect(bad(asked(knowing('10.0.10.2', '10.0.10.3'), undefined, fleet))).toEqual([]);
  });

  it('has a stranger where one is known beside all its nodes', () => {
    expect(bad(asked(knowing('10.0.10.2', '10.0.10.3', '10.0.10.9'), undefined, fleet))).toEqual(
      [1, 2, 3].map((host) => `warning sentinel-stale-known-entries r${host}/sentinel.conf`),
    );
  });

  it('has none where a node may be known by another of its addresses', () => {
    expect(bad(asked(knowing('10.0.10.2', '192.168.10.3'), undefined, fleet))).toEqual([]);
    expect(bad(asked(knowing('10.0.10.2', 'r3.shop.example'), undefined, fleet))).toEqual([]);
  });

  it('is not judged on a host whose files were not given', () => {
    const { 'r3/redis.conf': _redis, 'r3/sentinel.conf': _sentinel, ...most } = knowing('10.0.10.2', '10.0.10.3');
    const answers = asked(most, undefined, fleet);
    expect(bad(answers)).toEqual([]);
    for (const rule of ['sentinel-count-low', 'no-master', 'all-replicas-priority-zero', 'requirepass-differs'])
      expect(answers.notChecked).toContain(rule);
  });
});

describe('passwords', () => {
  it('a user line counts more than requirepass', () => {
    const open = `${closed}user default on nopass ~* &* +@all\n`;
    const sentinels = Object.fromEntries([1, 2, 3].map((host) => [`r${host}/sentinel.conf`, sentinel(host)]));
    const nodes = (more: string) =>
      Object.fromEntries([1, 2].map((host) => [`r${host}/redis.conf`, redis(host, more)]));
    expect(asked({ ...sentinels, ...nodes(closed) }).found.filter((one) => one.includes('auth-pass'))).toHaveLength(3);
    expect(asked({ ...sentinels, ...nodes(open) }).found.filter((one) => one.includes('auth-pass'))).toEqual([]);
    const own = `user default on >${secret} ~* &* +@all\nmasterauth ${secret}\n`;
    expect(asked({ ...sentinels, ...nodes(own) }).found.filter((one) => one.includes('auth-pass'))).toHaveLength(3);
  });

  it('in an ACL file are not known', () => {
    const { found, notChecked } = asked({
      'r1/redis.conf': redis(1, `${closed}aclfile /etc/redis/users.acl\n`),
      'r2/redis.conf': redis(2, closed),
      'r1/sentinel.conf': sentinel(1),
    });
    expect(found.filter((one) => one.includes('auth-pass-mismatch') || one.includes('masterauth'))).toEqual([]);
    expect(notChecked).toEqual(expect.arrayContaining(['requirepass-differs', 'masterauth-mismatch']));
  });
});

describe('protected mode', () => {
  const open = {
    'r1/redis.conf': `${redis(1)}protected-mode yes\n`,
    'r2/redis.conf': `${redis(2)}protected-mode yes\n`,
  };

  it('is lifted by a bind line up to 6.2, and no longer from 7.0 on', () => {
    expect(asked(open, 'redis-6.2.14').found).toEqual([]);
    expect(asked(open, 'redis-7.0.15').found).toEqual([
      'error protected-mode-blocks-peers r1/redis.conf',
      'error protected-mode-blocks-peers r2/redis.conf',
    ]);
    expect(asked(open, 'valkey-8.1').found).toHaveLength(2);
  });

  it('that no line names is on by the build, which files cannot tell', () => {
    const { found, messages } = asked({ 'r1/redis.conf': redis(1), 'r2/redis.conf': redis(2) });
    expect(found).toEqual([
      'warning protected-mode-blocks-peers r1/redis.conf',
      'warning protected-mode-blocks-peers r2/redis.conf',
    ]);
    expect(messages[0]).toContain('where the program was not built without it');
  });

  it('of a sentinel is on by default up to 4.0 only', () => {
    const files = { 's1/sentinel.conf': sentinel(1).replace(/^bind.*\n/, '') };
    const about = (target: string) => asked(files, target).found.filter((one) => one.includes('protected'));
    expect(about('redis-4.0.14')).toEqual(['error sentinel-protected-mode s1/sentinel.conf']);
    expect(about('redis-5.0.14')).toEqual([]);
    expect(about('redis-7.0.15')).toEqual([]);
  });
});

describe('hostile groups', () => {
  it('rings, selves and tails of any length are told once and end', () => {
    const ring = (length: number) =>
      Object.fromEntries(
        Array.from({ length }, (_, at) => [`r${at + 1}/redis.conf`, redis(at + 1, '', ((at + 1) % length) + 1)]),
      );
    const loops = (files: Readonly<Record<string, string>>) =>
      asked(files).found.filter((one) => one.includes('replicaof-self-or-loop'));
    for (const length of [2, 3, 50]) expect(loops(ring(length))).toHaveLength(1);
    expect(loops({ 'r1/redis.conf': 'bind 10.0.10.1\nreplicaof 10.0.10.1 6379\n' })).toHaveLength(1);
    expect(loops({ 'r1/redis.conf': 'port 6379\nreplicaof 127.0.0.1 6379\n' })).toHaveLength(1);
    expect(loops({ 'r1/redis.conf': 'port 6380\nreplicaof 127.0.0.1 6379\n' })).toEqual([]);
    expect(loops({ ...ring(3), 'r9/redis.conf': redis(9, '', 1) })).toHaveLength(1);
    const copied = redis(2).replace('bind 10.0.10.2', 'bind 10.0.10.1');
    expect(loops({ 'r1/redis.conf': redis(1), 'r2/redis.conf': copied })).toEqual([]);
  });

  it('numbers that are none break nothing', () => {
    const odd = ['5s', '', '-1', '1e9', '99999999999999999999', '0x10'];
    for (const word of odd) {
      const more = ['down-after-milliseconds', 'failover-timeout', 'parallel-syncs']
        .map((name) => `sentinel ${name} shop ${word}\n`)
        .join('');
      const { found } = asked({ 's1/sentinel.conf': sentinel(1, more) });
      // A number with letters behind it is taken for the number: that is said, and nothing else.
      const errors = found.filter((one) => one.startsWith('error') && !one.includes(' sentinel-number-suffix '));
      expect(errors).toEqual([]);
    }
  });
});
