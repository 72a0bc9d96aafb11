import { every, together } from '../../need.js';
import { defineRule } from '../../rule.js';

/** Says "none of them", so each node's files must have been seen. */
export const saveMissing = defineRule({
  id: 'save-missing',
  class: 'data-loss',
  severity: 'warning',
  scope: 'topology',
  title: 'no node of the group writes its data to disk',
  rationale:
    'With neither save points nor an AOF anywhere, one power cut of all nodes loses everything. Before 6.2 a config file without a save line means no snapshots; from 6.2 on the built-in save points count.',
  source: 'server.c:main (6.0) and config.c (6.2), appendServerSaveParams; seen on 7.0.15',
  fix: 'Write `save 3600 1 300 100 60 10000` (or turn the AOF on by CONFIG SET first) on the replicas at least.',
  fixtures: {
    fails: 'test/audit/fixtures/save-missing/fails',
    nearMiss: 'test/audit/fixtures/save-missing/near-miss',
  },
  needs: (group) => ({
    nodes: every(
      group.redis.map((node) => together({ gives: node.gives, save: node.linesOf('save') })),
      'redis node',
    ),
  }),
  check: ({ nodes }) => {
    if (nodes.some(({ gives }) => gives.save.length > 0 || gives.appendonly)) return [];
    const [first, ...others] = nodes.map(({ save }) => ({ node: save.node, line: save.lines.at(-1) }));
    return [
      {
        message: 'neither save points nor an AOF on any node of the group: when all lose power, all data is gone',
        ...(first === undefined ? {} : { at: first }),
        beside: others,
      },
    ];
  },
});
