import { describe, expect, test } from 'vitest';
import { parseRunningRedis } from '../../src/redis/info.js';

const a = 'a'.repeat(40);
const b = 'b'.repeat(40);
const none = '0'.repeat(40);

/** The lines of INFO that a version has and that a recovery reads; which those are: redis.c and server.c:genRedisInfoString. */
interface Said {
  readonly version: string;
  readonly flavour?: 'valkey';
  readonly master: readonly string[];
  readonly replica: readonly string[];
  readonly replid: string;
  /** Of the replica, applied. */
  readonly offset: bigint;
}

const of28 = {
  master: ['role:master', 'connected_slaves:1', 'slave0:ip=10.0.0.2,port=6379,state=online,offset=292,lag=1'],
  replica: ['role:slave', 'master_host:10.0.0.1', 'master_port:6379', 'master_link_status:up', 'slave_read_only:1'],
};
const of40 = {
  master: [...of28.master, `master_replid:${a}`, `master_replid2:${none}`, 'second_repl_offset:-1'],
  replica: [
    ...of28.replica,
    `master_replid:${a}`,
    `master_replid2:${none}`,
    'second_repl_offset:-1',
    'slave_repl_offset:292',
    'master_repl_offset:292',
  ],
};
const of62 = { master: [...of40.master, 'master_failover_state:no-failover'], replica: of40.replica };
const of70 = { master: of62.master, replica: [...of40.replica, 'slave_read_repl_offset:300', 'replica_announced:1'] };

const said: readonly Said[] = [
  // Its own counter is no place in the history: what it applied is.
  {
    version: '2.8.24',
    ...of28,
    replica: [...of28.replica, 'slave_repl_offset:292', 'master_repl_offset:0'],
    replid: '',
    offset: 292n,
  },
  {
    version: '3.2.12',
    ...of28,
    replica: [...of28.replica, 'slave_repl_offset:292', 'master_repl_offset:0'],
    replid: '',
    offset: 292n,
  },
  { version: '4.0.14', ...of40, replid: a, offset: 292n },
  { version: '5.0.14', ...of40, replid: a, offset: 292n },
  { version: '6.0.20', ...of40, replid: a, offset: 292n },
  { version: '6.2.16', ...of62, replid: a, offset: 292n },
  // Received and not applied is not held.
  { version: '7.0.15', ...of70, replid: a, offset: 292n },
  { version: '7.2.7', ...of70, replid: a, offset: 292n },
  { version: '8.0.2', ...of70, replid: a, offset: 292n },
  { version: '8.0.1', flavour: 'valkey', ...of70, replid: a, offset: 292n },
];

describe.each(said)('INFO of $version', ({ version, flavour, master, replica, replid, offset }) => {
  const server =
    flavour === 'valkey'
      ? ['redis_version:7.2.4', 'server_name:valkey', `valkey_version:${version}`]
      : [`redis_version:${version}`];
  const common = [
    `run_id:${b}`,
    'uptime_in_seconds:500',
    'loading:0',
    'aof_enabled:0',
    'rdb_last_bgsave_status:ok',
    'repl_backlog_active:1',
  ];
  const info = (...lines: readonly string[]) =>
    [...server, ...common, ...lines, 'db0:keys=5,expires=1,avg_ttl=0', ''].join('\r\n');

  test('a master', () => {
    expect(parseRunningRedis(info(...master, 'master_repl_offset:306'))).toMatchObject({
      version,
      flavour: flavour ?? 'redis',
      role: 'master',
      replid,
      offset: 306n,
      failoverState: 'no-failover',
      keys: 5n,
      expires: 1n,
      replicas: [{ address: '10.0.0.2:6379', state: 'online', offset: 292n, lagSeconds: 1 }],
    });
  });

  test('a replica, its link up, lost, and never up since its start', () => {
    const up = parseRunningRedis(info(...replica));
    expect(up).toMatchObject({ role: 'replica', replid, offset, masterAddress: '10.0.0.1:6379', masterLinkUp: true });
    const link = (seconds: string) =>
      parseRunningRedis(
        info(
          ...replica.map((line) => (line.startsWith('master_link_status') ? 'master_link_status:down' : line)),
          `master_link_down_since_seconds:${seconds}`,
        ),
      );
    expect(link('12')).toMatchObject({ masterLinkUp: false, masterLinkDownSeconds: 12 });
    // Before 6.2.3 it is counted from 1970, since then it is -1.
    for (const never of ['1795220043', '-1']) expect(link(never).masterLinkDownSeconds).toBe(-1);
  });

  test('a promoted node has the history that it left, and where (from 4.0 on)', () => {
    if (replid === '') return expect(parseRunningRedis(info(...master))).not.toHaveProperty('replid2');
    const lines = master.map((line) =>
      line.replace(`master_replid:${a}`, `master_replid:${b}`).replace(none, a).replace('_offset:-1', '_offset:293'),
    );
    expect(parseRunningRedis(info(...lines, 'master_repl_offset:400'))).toMatchObject({
      replid: b,
      replid2: a,
      secondOffset: 293n,
      offset: 400n,
    });
  });
});
