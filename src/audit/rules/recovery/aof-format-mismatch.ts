import { ifThere, where } from '../../need.js';
import { defineRule } from '../../rule.js';
import { spotOf } from '../../settings.js';

export const aofFormatMismatch = defineRule({
  id: 'aof-format-mismatch',
  class: 'recovery',
  severity: 'warning',
  scope: 'redis',
  versions: { redis: { before: '7.0.0' } },
  title: 'the AOF is of a form that this version does not read',
  rationale:
    'From 7.0 on the AOF is a directory of files with a manifest. An older server does not look there: with appendonly yes it makes an empty file of its own and starts without a key, next to all the data.',
  source: 'aof.c:loadAppendOnlyFile (6.2) and loadAppendOnlyFiles (7.0); Redis documentation, Persistence',
  fix: 'Stay on the newer version, or go back to the backup of before the upgrade: an older server refuses the dump of a newer one too.',
  fixtures: {
    fails: 'test/audit/fixtures/aof-format-mismatch/fails/survey.json',
    nearMiss: 'test/audit/fixtures/aof-format-mismatch/near-miss/survey.json',
    target: 'redis-6.2',
  },
  needs: (node) => ({
    gives: where(node.gives, ({ appendonly }) => appendonly, 'the AOF is off'),
    dir: node.setting('dir'),
    aof: ifThere(node.aof),
  }),
  check: ({ dir, aof }) =>
    aof.layout === 'multi' && !aof.empty
      ? [
          {
            message: 'the data is in an AOF directory of 7.0, which this version does not read: it would start empty',
            at: spotOf(dir),
          },
        ]
      : [],
});
