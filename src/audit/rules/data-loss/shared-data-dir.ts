import type { WillGive } from '../../../model/survey.js';
import { byKey } from '../../by-key.js';
import { each, together } from '../../need.js';
import { defineRule } from '../../rule.js';

export const sharedDataDir = defineRule({
  id: 'shared-data-dir',
  class: 'data-loss',
  severity: 'error',
  scope: 'host',
  profiles: { dev: 'error' },
  title: 'two instances write into one data directory',
  rationale:
    'Two servers with one dir and dbfilename overwrite each other: after a restart one of them serves the data of the other.',
  source: 'rdb.c:rdbSave; an instance came back with the keys of the other, seen on 7.0.15',
  fix: 'Give each instance a dir of its own.',
  fixtures: {
    fails: 'test/audit/fixtures/shared-data-dir/fails',
    nearMiss: 'test/audit/fixtures/shared-data-dir/near-miss',
  },
  needs: (host) => ({
    nodes: each(
      host.redis.map((node) => together({ gives: node.gives, dir: node.setting('dir') })),
      'redis nodes on this host',
      2,
    ),
  }),
  check: ({ nodes }) => {
    return byKey(nodes, ({ gives }) => placeOf(gives)).flatMap((same) => {
      const [first, ...others] = same.map(({ dir }) => ({ node: dir.node, line: dir.line }));
      if (first === undefined || others.length === 0) return [];
      const names = same.map(({ dir }) => dir.node.id).join(' and ');
      return [
        { message: `${names} both write ${same.map(({ gives }) => placeOf(gives))[0]}`, at: first, beside: others },
      ];
    });
  },
});

function placeOf(gives: WillGive): string {
  return `${gives.dir.replace(/\/+$/, '')}/${gives.dbfilename}`;
}
