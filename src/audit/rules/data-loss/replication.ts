import type { ConfigLine } from '../../../model/formats.js';
import { memoryBytes } from '../../../redis/effective.js';
import { together, where } from '../../need.js';
import { defineRule } from '../../rule.js';
import { bytesOf, isYes, numberOf, spotOf } from '../../settings.js';

const mebibyte = 1024n ** 2n;

function bytesIn(info: ReadonlyMap<string, string>, field: string): bigint {
  return BigInt(/^\d+$/.exec(info.get(field) ?? '')?.[0] ?? '0');
}

export const replicaWritable = defineRule({
  id: 'replica-writable',
  class: 'data-loss',
  severity: 'error',
  scope: 'redis',
  versions: { redis: { from: '2.6' }, valkey: {} },
  title: 'a replica takes writes',
  rationale:
    'What a client writes to a replica reaches no other node and vanishes with the next full synchronisation. Nothing in the offsets shows that the two differ.',
  source: 'redis.conf, REPLICATION; replication.c:readSyncBulkPayload empties the dataset',
  fix: 'Set replica-read-only yes (slave-read-only before 5.0).',
  fixtures: {
    fails: 'test/audit/fixtures/replica-writable/fails',
    nearMiss: 'test/audit/fixtures/replica-writable/near-miss',
  },
  needs: (node) => ({ readOnly: node.setting('replica-read-only') }),
  check: ({ readOnly }) =>
    isYes(readOnly, true)
      ? []
      : [
          {
            message: 'a replica with this file takes writes that its next synchronisation throws away',
            at: spotOf(readOnly),
            changes: [{ ...spotOf(readOnly), now: `${readOnly.line?.name ?? 'replica-read-only'} yes` }],
          },
        ],
});

export const replTimeoutVsPing = defineRule({
  id: 'repl-timeout-vs-ping',
  class: 'data-loss',
  severity: 'error',
  scope: 'redis',
  title: 'a quiet replication link is taken for dead',
  rationale:
    'When nothing is written, the master only sends a PING each repl-ping-replica-period. Where repl-timeout is not longer than that, the replica gives the link up again and again, and is behind just when it is needed.',
  source: 'redis.conf, REPLICATION; replication.c:replicationCron; accepted without a word, seen on 7.0.15',
  fix: 'Set repl-timeout 60 and repl-ping-replica-period 10, which are the defaults.',
  fixtures: {
    fails: 'test/audit/fixtures/repl-timeout-vs-ping/fails',
    nearMiss: 'test/audit/fixtures/repl-timeout-vs-ping/near-miss',
  },
  needs: (node) => ({
    link: together({ timeout: node.setting('repl-timeout'), ping: node.setting('repl-ping-replica-period') }),
  }),
  check: ({ link: { timeout, ping } }) => {
    const timeoutSeconds = numberOf(timeout, 60);
    const pingSeconds = numberOf(ping, 10);
    if (!(timeoutSeconds <= pingSeconds)) return [];
    const [at, beside] =
      timeout.line === undefined ? [ping, []] : [timeout, ping.line === undefined ? [] : [spotOf(ping)]];
    return [
      {
        message: `repl-timeout ${timeoutSeconds} s, and a PING only every ${pingSeconds} s: a quiet link breaks again and again`,
        at: spotOf(at),
        beside,
      },
    ];
  },
});

export const replBacklogSmall = defineRule({
  id: 'repl-backlog-small',
  class: 'data-loss',
  severity: 'warning',
  scope: 'redis',
  versions: { redis: { from: '2.8' }, valkey: {} },
  title: 'the replication backlog is as small as by default, for much data',
  rationale:
    'A replica that was away may only ask for what it missed as long as the backlog still holds it. One megabyte is a moment of writes; after that everything is copied again, and the copy loads the master when it is weakest.',
  source: 'replication.c:masterTryPartialResynchronization; redis.conf, REPLICATION',
  fix: 'Set repl-backlog-size to what is written in a minute or more, 64mb for a start.',
  fixtures: {
    fails: 'test/audit/fixtures/repl-backlog-small/fails',
    nearMiss: 'test/audit/fixtures/repl-backlog-small/near-miss',
  },
  needs: (node) => ({
    size: where(
      node.setting('repl-backlog-size'),
      (size) => bytesOf(size, mebibyte) <= mebibyte,
      'the file gives it more than 1mb',
    ),
    info: node.info,
  }),
  check: ({ info, size }) => {
    const now = bytesIn(info, 'repl_backlog_size');
    const held = bytesIn(info, 'used_memory') / mebibyte;
    if (now === 0n || now > mebibyte || held <= 1024n) return [];
    return [
      {
        message: `a backlog of ${now / 1024n} kB for more than 1 GB of data: a short loss of the link ends in a full copy`,
        at: spotOf(size),
        changes: [{ ...spotOf(size), now: 'repl-backlog-size 64mb' }],
      },
    ];
  },
});

export const replicaBufferSmall = defineRule({
  id: 'replica-buffer-small',
  class: 'data-loss',
  severity: 'warning',
  scope: 'redis',
  title: 'a full copy to a replica may never end',
  rationale:
    'What is written while a replica loads a full copy waits in its output buffer. When that passes the hard limit the master cuts the replica off, and the copy begins again from the start.',
  source: 'networking.c:checkClientOutputBufferLimits, which takes the backlog size where that is larger; redis.conf',
  fix: 'Set client-output-buffer-limit replica 1gb 512mb 120 (slave before 5.0), or more where much is written.',
  fixtures: {
    fails: 'test/audit/fixtures/replica-buffer-small/fails',
    nearMiss: 'test/audit/fixtures/replica-buffer-small/near-miss',
  },
  needs: (node) => ({ info: node.info, limits: node.linesOf('client-output-buffer-limit') }),
  check: ({ info, limits: { node, lines } }) => {
    const line = lines.findLast((one) => hardLimit(one) !== undefined);
    const hard = line === undefined ? 256n * mebibyte : (hardLimit(line) ?? 0n);
    const backlog = bytesIn(info, 'repl_backlog_size');
    const limit = hard > backlog ? hard : backlog;
    const used = bytesIn(info, 'used_memory');
    if (used <= 2048n * mebibyte || hard === 0n || limit * 10n >= used) return [];
    return [
      {
        message: `a replica may have ${limit / mebibyte} MB of writes waiting, and there is more than ten times that to copy: the copy may be cut off again and again`,
        at: { node, line },
      },
    ];
  },
});

/** The hard limit that a line gives to replicas; a line may set several classes (7.0). */
function hardLimit({ args }: ConfigLine): bigint | undefined {
  const at = args.findLastIndex((word, index) => index % 4 === 0 && /^(?:replica|slave)$/i.test(word));
  return at < 0 ? undefined : memoryBytes(args[at + 1] ?? '0');
}
