import { where } from '../../need.js';
import { defineRule } from '../../rule.js';
import { isYes, spotOf } from '../../settings.js';

/** A save point is due to be met within a minute or two; twice its time and this is no coincidence. */
const graceSeconds = 300;

export const stopWritesOff = defineRule({
  id: 'stop-writes-off',
  class: 'data-loss',
  severity: 'warning',
  scope: 'redis',
  versions: { redis: { from: '2.6' }, valkey: {} },
  title: 'failed snapshots go unnoticed',
  rationale:
    'With stop-writes-on-bgsave-error no the server goes on when its snapshots fail, for a full disk or for want of memory. Only the log says so, until the data is needed.',
  source: 'redis.conf, SNAPSHOTTING; server.c:writeCommandsDeniedByDiskError',
  fix: 'Set stop-writes-on-bgsave-error yes, or watch rdb_last_bgsave_status of INFO.',
  fixtures: {
    fails: 'test/audit/fixtures/stop-writes-off/fails',
    nearMiss: 'test/audit/fixtures/stop-writes-off/near-miss',
  },
  needs: (node) => ({
    gives: where(node.gives, ({ save }) => save.length > 0, 'the node has no save points'),
    stop: node.setting('stop-writes-on-bgsave-error'),
  }),
  check: ({ stop }) =>
    isYes(stop, true)
      ? []
      : [
          {
            message: 'stop-writes-on-bgsave-error no: when snapshots fail, nobody is told',
            at: spotOf(stop),
            changes: [{ ...spotOf(stop), now: 'stop-writes-on-bgsave-error yes' }],
          },
        ],
});

export const bgsaveFailing = defineRule({
  id: 'bgsave-failing',
  class: 'data-loss',
  severity: 'error',
  scope: 'redis',
  title: 'the node cannot write its data to disk',
  rationale:
    'The last snapshot or AOF write failed: what is on disk grows older while the server runs, and with save points it answers MISCONF to every write. A stop that wants to save is refused.',
  source: 'server.c:genRedisInfoString; rdb.c:backgroundSaveDoneHandler; seen on 7.0.15',
  fix: 'Make room or repair the rights of its dir, then BGSAVE (for the AOF: BGREWRITEAOF) and look at INFO persistence again.',
  fixtures: {
    fails: 'test/audit/fixtures/bgsave-failing/fails',
    nearMiss: 'test/audit/fixtures/bgsave-failing/near-miss',
  },
  needs: (node) => ({ info: node.info }),
  check: ({ info }) =>
    failures.flatMap(([field, severity, message]) => (info.get(field) === 'err' ? [{ message, severity }] : [])),
});

const failures = [
  ['rdb_last_bgsave_status', 'error', 'the last snapshot failed: dump.rdb is older than the data'],
  ['aof_last_write_status', 'error', 'the last write to the AOF failed: what was written since is in memory only'],
  ['aof_last_bgrewrite_status', 'warning', 'the last rewrite of the AOF failed: it grows without end'],
] as const;

export const rdbStale = defineRule({
  id: 'rdb-stale',
  class: 'data-loss',
  severity: 'warning',
  scope: 'redis',
  title: 'snapshots are due and are not made',
  rationale:
    'A save point has been met for more than twice its time and no snapshot was made. Something keeps the server from forking or from writing, and dump.rdb grows older.',
  source: 'server.c:serverCron; INFO persistence',
  fix: 'Read the log of the node for the reason, then BGSAVE.',
  fixtures: {
    fails: 'test/audit/fixtures/rdb-stale/fails',
    nearMiss: 'test/audit/fixtures/rdb-stale/near-miss',
  },
  needs: (node) => ({
    dump: node.setting('dbfilename'),
    gives: where(node.gives, ({ save }) => save.length > 0, 'the node has no save points'),
    save: where(node.live('save'), (points) => points !== '', 'the node has no save points'),
    info: where(node.info, (info) => info.has('server_time_usec'), 'INFO of this version does not tell its clock'),
  }),
  check: ({ dump, save, info }) => {
    const ageSeconds = number(info, 'server_time_usec') / 1e6 - number(info, 'rdb_last_save_time');
    const changes = number(info, 'rdb_changes_since_last_save');
    const words = save.split(' ').map(Number);
    const late = words.some((seconds, at) => {
      const least = at % 2 === 0 ? words[at + 1] : undefined;
      return least !== undefined && changes >= least && ageSeconds > 2 * seconds + graceSeconds;
    });
    if (!late || info.get('rdb_bgsave_in_progress') !== '0') return [];
    return [
      { message: 'a save point has been met for more than twice its time, and no snapshot was made', at: spotOf(dump) },
    ];
  },
});

function number(info: ReadonlyMap<string, string>, field: string): number {
  return Number(info.get(field) ?? Number.NaN);
}
