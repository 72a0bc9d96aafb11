import { together, where } from '../../need.js';
import { defineRule } from '../../rule.js';
import { isYes, spotOf } from '../../settings.js';

export const aofTruncatedPolicy = defineRule({
  id: 'aof-truncated-policy',
  class: 'recovery',
  severity: 'info',
  scope: 'redis',
  versions: { redis: { from: '2.8.24' }, valkey: {} },
  title: 'a torn AOF stops the start',
  rationale:
    'After a power cut the last command of the AOF is often cut off. With aof-load-truncated no the server then refuses to start, and somebody has to run redis-check-aof at night.',
  source: 'aof.c:loadSingleAppendOnlyFile; redis.conf, APPEND ONLY MODE',
  fix: 'Set aof-load-truncated yes, or plan for redis-check-aof --fix.',
  fixtures: {
    fails: 'test/audit/fixtures/aof-truncated-policy/fails',
    nearMiss: 'test/audit/fixtures/aof-truncated-policy/near-miss',
  },
  needs: (node) => ({
    aof: where(
      together({ appendonly: node.setting('appendonly'), truncated: node.setting('aof-load-truncated') }),
      ({ appendonly }) => isYes(appendonly, false),
      'the AOF is off',
    ),
  }),
  check: ({ aof: { truncated } }) =>
    isYes(truncated, true)
      ? []
      : [{ message: 'after a crash a torn AOF would stop the start of this node', at: spotOf(truncated) }],
});
