import { where } from '../../need.js';
import { defineRule } from '../../rule.js';
import { isYes, spotOf, wordOf } from '../../settings.js';
import type { RedisNode } from '../../view.js';

/** The node's AOF is on in its file. */
function aofOn(node: RedisNode) {
  return where(node.setting('appendonly'), (setting) => isYes(setting, false), 'the AOF is off');
}

export const aofOffInFileOnly = defineRule({
  id: 'aof-off-in-file-only',
  class: 'data-loss',
  severity: 'warning',
  scope: 'redis',
  title: 'the AOF is off in the file and on in the process',
  rationale:
    'With appendonly no a start loads dump.rdb, however old it is, and never looks at the AOF: what was written since the last snapshot is gone, although it is on disk.',
  source: 'server.c:loadDataFromDisk: no version falls back to the other file',
  fix: 'CONFIG REWRITE on the node, or appendonly yes in its file, before the next restart.',
  fixtures: {
    fails: 'test/audit/fixtures/aof-off-in-file-only/fails',
    nearMiss: 'test/audit/fixtures/aof-off-in-file-only/near-miss',
  },
  needs: (node) => ({
    file: where(node.setting('appendonly'), (file) => !isYes(file, false), 'appendonly is on in the file'),
    gives: node.gives,
    running: node.running,
  }),
  check: ({ file, gives, running }) => {
    if (!running.aofEnabled) return [];
    const nothing = gives.save.length === 0;
    return [
      {
        message: nothing
          ? 'the AOF is on in the process and off in the file, which has no save points either: the next start may find nothing to load'
          : 'the AOF is on in the process and off in the file: the next start would load the older dump',
        at: spotOf(file),
        severity: nothing ? 'error' : 'warning',
        changes: [{ ...spotOf(file), now: 'appendonly yes' }],
      },
    ];
  },
});

export const appendfsyncNo = defineRule({
  id: 'appendfsync-no',
  class: 'data-loss',
  severity: 'warning',
  scope: 'redis',
  title: 'the AOF is left to the kernel to write',
  rationale:
    'With appendfsync no the kernel writes the AOF when it likes, usually within 30 seconds: a power cut takes all that was acknowledged since.',
  source: 'redis.conf, APPEND ONLY MODE; aof.c:flushAppendOnlyFile',
  fix: 'Set appendfsync everysec.',
  fixtures: {
    fails: 'test/audit/fixtures/appendfsync-no/fails',
    nearMiss: 'test/audit/fixtures/appendfsync-no/near-miss',
  },
  needs: (node) => ({ aof: aofOn(node), fsync: node.setting('appendfsync') }),
  check: ({ fsync }) =>
    wordOf(fsync, 'everysec').toLowerCase() === 'no'
      ? [
          {
            message: 'appendfsync no: a power cut takes up to about 30 s of acknowledged writes',
            at: spotOf(fsync),
            changes: [{ ...spotOf(fsync), now: 'appendfsync everysec' }],
          },
        ]
      : [],
});

export const noAppendfsyncOnRewrite = defineRule({
  id: 'no-appendfsync-on-rewrite',
  class: 'data-loss',
  severity: 'info',
  scope: 'redis',
  title: 'the AOF is not synced while it or a snapshot is written',
  rationale:
    'With no-appendfsync-on-rewrite yes nothing is forced to disk during a rewrite or a snapshot: for as long as that takes, the AOF is as safe as with appendfsync no.',
  source: 'redis.conf, APPEND ONLY MODE; aof.c:flushAppendOnlyFile',
  fix: 'Set no-appendfsync-on-rewrite no, unless the disk is too slow for both.',
  fixtures: {
    fails: 'test/audit/fixtures/no-appendfsync-on-rewrite/fails',
    nearMiss: 'test/audit/fixtures/no-appendfsync-on-rewrite/near-miss',
  },
  needs: (node) => ({ aof: aofOn(node), setting: node.setting('no-appendfsync-on-rewrite') }),
  check: ({ setting }) =>
    isYes(setting, false)
      ? [
          {
            message: 'no-appendfsync-on-rewrite yes: during a rewrite or a snapshot nothing is forced to disk',
            at: spotOf(setting),
            changes: [{ ...spotOf(setting), now: 'no-appendfsync-on-rewrite no' }],
          },
        ]
      : [],
});
