import { type Prng, prngOf } from '../../src/lab/prng.js';

/** One config with one mistake of a kind (or none), as a person could have made it. */
export interface Mutant {
  readonly kind: string;
  readonly node: 'redis' | 'sentinel';
  readonly text: string;
}

/** Lines that every version from 6.0 on takes, none of which reaches out of the directory. */
const redisLines = [
  'timeout 0',
  'tcp-keepalive 300',
  'tcp-backlog 128',
  'loglevel notice',
  'databases 16',
  'save 900 1',
  'save 300 10',
  'save ""',
  'stop-writes-on-bgsave-error yes',
  'rdbcompression yes',
  'rdbchecksum yes',
  'dbfilename dump.rdb',
  'replica-serve-stale-data yes',
  'replica-read-only yes',
  'repl-diskless-sync no',
  'repl-diskless-sync-delay 5',
  'repl-ping-replica-period 10',
  'repl-timeout 60',
  'repl-backlog-size 1mb',
  'repl-backlog-ttl 3600',
  'replica-priority 100',
  'min-replicas-to-write 0',
  'min-replicas-max-lag 10',
  'requirepass secret-1',
  'masterauth secret-1',
  'maxclients 1000',
  'maxmemory 2gb',
  'maxmemory-policy allkeys-lru',
  'maxmemory-samples 5',
  'appendonly no',
  'appendfilename "appendonly.aof"',
  'appendfsync everysec',
  'no-appendfsync-on-rewrite no',
  'auto-aof-rewrite-percentage 100',
  'auto-aof-rewrite-min-size 64mb',
  'lua-time-limit 5000',
  'slowlog-log-slower-than 10000',
  'slowlog-max-len 128',
  'latency-monitor-threshold 0',
  'notify-keyspace-events ""',
  'notify-keyspace-events Ex',
  'hz 10',
  'hash-max-ziplist-entries 512',
  'hash-max-ziplist-value 64',
  'list-compress-depth 0',
  'set-max-intset-entries 512',
  'activerehashing yes',
  'client-output-buffer-limit normal 0 0 0',
  'client-output-buffer-limit replica 256mb 64mb 60',
  'client-output-buffer-limit pubsub 32mb 8mb 60',
  'rename-command FLUSHALL ""',
  'rename-command DEBUG dbg-1',
  'user worker on >worker-pw ~app:* +@read +@write -@dangerous',
  'user ops on nopass ~* +@all',
  'slave-lazy-flush no',
  'io-threads 1',
  'protected-mode yes',
  'replica-announce-port 0',
  'unixsocketperm 700',
  'oom-score-adj no',
  'acllog-max-len 128',
  'stream-node-max-bytes 4096',
  'proto-max-bulk-len 512mb',
  'jemalloc-bg-thread yes',
] as const;

const sentinelLines = [
  'sentinel down-after-milliseconds mymaster 5000',
  'sentinel failover-timeout mymaster 60000',
  'sentinel parallel-syncs mymaster 1',
  'sentinel auth-pass mymaster secret-1',
  'sentinel auth-user mymaster watcher',
  'sentinel deny-scripts-reconfig yes',
  'sentinel current-epoch 3',
  'sentinel config-epoch mymaster 3',
  'sentinel leader-epoch mymaster 3',
  'sentinel myid 0123456789abcdef0123456789abcdef01234567',
  'sentinel known-replica mymaster 127.0.0.3 7001',
  'sentinel known-replica mymaster 127.0.0.4 7001',
  'sentinel known-sentinel mymaster 127.0.0.5 7002 1111111111111111111111111111111111111111',
  'sentinel known-sentinel mymaster 127.0.0.6 7002 2222222222222222222222222222222222222222',
  'sentinel announce-ip 127.0.0.9',
  'sentinel announce-port 7009',
  'sentinel rename-command mymaster CONFIG cfg',
  'loglevel notice',
  'maxclients 1000',
  'protected-mode no',
] as const;

const elsewhere = [
  'vm-enabled no',
  'glueoutputbuf yes',
  'io-threads-do-reads no',
  'gopher-enabled no',
  'hash-max-listpack-entries 512',
  'appenddirname aof',
  'shutdown-timeout 10',
  'primaryauth secret-1',
  'availability-zone a',
  'locale-collate ""',
  'set-max-listpack-entries 128',
  'maxmemory-clients 1g',
  'latency-tracking yes',
  'replica-announced yes',
  'crash-log-enabled yes',
  'dynamic-hz yes',
  'lua-replicate-commands yes',
  'dual-channel-replication-enabled no',
  'hide-user-data-from-log yes',
  'list-max-ziplist-entries 512',
  'cluster-port 0',
  'enable-debug-command no',
  'busy-reply-threshold 5000',
  'events-per-io-thread 2',
  'unixsocketgroup nogroup',
  'tls-client-cert-file x',
  'aof-timestamp-enabled no',
  'sentinel resolve-hostnames yes',
  'sentinel master-reboot-down-after-period mymaster 0',
  'sentinel primary-reboot-down-after-period mymaster 0',
  'sentinel can-failover mymaster yes',
  'sentinel sentinel-user u',
  'sentinel known-slave mymaster 127.0.0.8 7001',
  'sentinel announce-hostnames no',
] as const;

const comments = ['# the master', '// 6381', '<== change me', '#', '# 서버 주소', '← here', '; old'] as const;
const rules = [
  '+@allx',
  '+gett',
  '+@read',
  '~*',
  '%R~x',
  '&ch',
  'resetchannels',
  '(~a +get)',
  '(~a',
  '+config|get',
  '-config|nosuch',
  '#abc',
  '<gone',
  'onn',
  '+',
  'allkeys',
  'reset',
  '-@all',
  '+get|x',
  'nopass',
  'sanitize-payload',
  'clearselectors',
] as const;

type Change = (lines: string[], at: number, random: Prng) => void;

/** Each changes one line (or its neighbours) in place. */
const changes: Readonly<Record<string, Change>> = {
  none: () => undefined,
  'dropped-token': words((list, random) => list.splice(below(random, list.length), 1)),
  'added-token': words((list, random) =>
    list.splice(1 + below(random, list.length), 0, random.pick(['1', 'yes', 'x', '0', 'mymaster'])),
  ),
  'wrong-unit': words((list, random) =>
    edit(
      list,
      random,
      (word) => word + random.pick(['s', 'ms', ' mb', 'g', 'k', 'GiB', '%', '.5gb', 'KB', 'b', 'min']),
    ),
  ),
  quotes: line((raw, random) => {
    const at = raw.indexOf(' ') + 1;
    return random.pick([
      `${raw}"`,
      `${raw.slice(0, at)}"${raw.slice(at)}`,
      `${raw.slice(0, at)}'${raw.slice(at)}'`,
      `${raw.slice(0, at)}"${raw.slice(at)}"x`,
      `"${raw.replace(' ', '" "')}"`,
      `${raw}\\"`,
    ]);
  }),
  'other-version': (lines, at, random) => void lines.splice(at, 0, random.pick(elsewhere)),
  'inline-comment': line((raw, random) => `${raw} ${random.pick(comments)}`),
  'duplicated-line': (lines, at, random) => void lines.splice(below(random, lines.length + 1), 0, lines[at] ?? ''),
  'transposed-letters': line((raw, random) => {
    const swap = below(random, Math.max(1, raw.length - 1));
    return raw.slice(0, swap) + raw.charAt(swap + 1) + raw.charAt(swap) + raw.slice(swap + 2);
  }),
  'out-of-range': words((list, random) =>
    edit(list, random, () =>
      random.pick([
        '-1',
        '0',
        '65536',
        '99999999999',
        '9223372036854775808',
        '-9223372036854775809',
        '1e3',
        '007',
        '+1',
        '4294967296',
      ]),
    ),
  ),
  'acl-rule': (lines, _at, random) => {
    const count = 1 + below(random, 4);
    const said = Array.from({ length: count }, () => random.pick(rules)).join(' ');
    lines.push(`user ${random.pick(['bob', 'worker', 'default', '"a b"'])} on ${said}`);
  },
  placeholder: words((list, random) =>
    edit(list, random, () =>
      random.pick(['$REDIS_PORT', `\${PORT}`, '<password>', '{{ port }}', 'x.x.x.x', '#password']),
    ),
  ),
  encoding: line((raw, random) =>
    random.pick([
      `\ufeff${raw}`,
      raw.replace(' ', '\u00a0'),
      `${raw}\r`,
      `${raw}\u00a0`,
      `“${raw}”`,
      raw.replace(' ', '\v'),
    ]),
  ),
  'moved-line': (lines, at, random) => {
    const [moved = ''] = lines.splice(at, 1);
    lines.splice(below(random, lines.length + 1), 0, moved);
  },
  'value-of-another': words((list, random) =>
    edit(list, random, () =>
      random.pick(['yes', 'no', 'true', 'everysec', '10', '1mb', 'allkeys-lru', 'notice', '', 'on']),
    ),
  ),
};

/** The kinds of mutation, in the order in which they are drawn. */
export const mutationKinds: readonly string[] = Object.keys(changes);

/** The `number`-th config of a seed: the same for the same two. */
export function mutant(seed: number, number: number): Mutant {
  const random = prngOf(seed * 1_000_003 + number);
  const kind = mutationKinds[number % mutationKinds.length] ?? 'none';
  const node = below(random, 3) === 0 && kind !== 'acl-rule' ? 'sentinel' : 'redis';
  const lines = node === 'redis' ? redisText(random) : sentinelText(random);
  const fixed = lines.splice(0, 2);
  changes[kind]?.(lines, below(random, lines.length), random);
  return { kind, node, text: `${[...fixed, ...lines].join('\n')}\n` };
}

function redisText(random: Prng): string[] {
  const chosen = redisLines.filter((text) => !text.startsWith('user') && below(random, 3) === 0);
  const users = redisLines.filter((text) => text.startsWith('user') && below(random, 4) === 0);
  return ['port 0', 'unixsocket node.sock', ...shuffled(random, [...chosen, ...users, 'timeout 0'])];
}

function sentinelText(random: Prng): string[] {
  const chosen = sentinelLines.filter(() => below(random, 2) === 0);
  return ['port 0', 'unixsocket node.sock', 'sentinel monitor mymaster 127.0.0.2 7000 2', ...shuffled(random, chosen)];
}

function words(change: (list: string[], random: Prng) => unknown): Change {
  return line((raw, random) => {
    const list = raw.split(' ');
    change(list, random);
    return list.join(' ');
  });
}

function edit(list: string[], random: Prng, change: (word: string) => string): void {
  const at = 1 + below(random, Math.max(1, list.length - 1));
  list[at] = change(list[at] ?? '');
}

function line(change: (raw: string, random: Prng) => string): Change {
  return (lines, at, random) => {
    lines[at] = change(lines[at] ?? '', random);
  };
}

function below(random: Prng, limit: number): number {
  return random.between(0, limit - 1);
}

function shuffled<T>(random: Prng, list: readonly T[]): T[] {
  const keyed = list.map((item) => ({ item, key: random.fraction() }));
  return keyed.sort((a, b) => a.key - b.key).map(({ item }) => item);
}
