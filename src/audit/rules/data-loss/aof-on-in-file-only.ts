import { where } from '../../need.js';
import { defineRule } from '../../rule.js';
import { isYes, spotOf } from '../../settings.js';

export const aofOnInFileOnly = defineRule({
  id: 'aof-on-in-file-only',
  class: 'data-loss',
  severity: 'error',
  scope: 'redis',
  title: 'the AOF is on in the file and off in the process',
  rationale:
    'At the next start Redis finds appendonly yes and no AOF, starts with no keys, and overwrites dump.rdb with an empty one when it stops: both copies of the data are gone.',
  source: 'redis issues 837 and 12484; server.c:loadDataFromDisk; 2 keys became 0, seen on 7.0.15',
  fix: 'CONFIG SET appendonly yes first, wait for aof_rewrite_in_progress:0, and leave the file as it is.',
  fixtures: {
    fails: 'test/audit/fixtures/aof-on-in-file-only/fails',
    nearMiss: 'test/audit/fixtures/aof-on-in-file-only/near-miss',
  },
  needs: (node) => ({
    file: where(node.setting('appendonly'), (file) => isYes(file, false), 'appendonly is not on in the file'),
    running: node.running,
  }),
  check: ({ file, running }) =>
    running.aofEnabled
      ? []
      : [
          {
            message: 'appendonly is yes in the file but off in the process: the next start would load 0 keys',
            at: spotOf(file),
          },
        ],
});
