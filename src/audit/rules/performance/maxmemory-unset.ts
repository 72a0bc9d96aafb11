import { defineRule } from '../../rule.js';
import { bytesOf, spotOf } from '../../settings.js';

export const maxmemoryUnset = defineRule({
  id: 'maxmemory-unset',
  class: 'performance',
  severity: 'warning',
  scope: 'redis',
  title: 'maxmemory is not set',
  rationale:
    'Without a limit Redis grows until the machine swaps or the kernel kills it, and takes the sentinel on the same host with it.',
  source: 'redis.conf, MEMORY MANAGEMENT; evict.c:getMaxmemoryState',
  fix: 'Set maxmemory to 60 to 70 % of the memory of the machine where snapshots or the AOF are on.',
  fixtures: {
    fails: 'test/audit/fixtures/maxmemory-unset/fails',
    nearMiss: 'test/audit/fixtures/maxmemory-unset/near-miss',
  },
  needs: (node) => ({ maxmemory: node.setting('maxmemory') }),
  check: ({ maxmemory }) =>
    bytesOf(maxmemory, 0n) > 0n ? [] : [{ message: 'maxmemory is not set', at: spotOf(maxmemory) }],
});
