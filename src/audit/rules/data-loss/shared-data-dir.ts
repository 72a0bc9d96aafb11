import { mapSeen, type Seen } from '../../../model/seen.js';
import type { WillGive } from '../../../model/survey.js';
import { byKey } from '../../by-key.js';
import { each, together } from '../../need.js';
import { defineRule } from '../../rule.js';
import { spotOf } from '../../settings.js';
import type { RedisNode, Setting } from '../../view.js';

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
  needs: (host) => ({ nodes: each(host.redis.map(placesOf), 'redis nodes on this host', 2) }),
  check: ({ nodes }) => {
    const places = nodes.flatMap(({ paths, dir }) => paths.map((path) => ({ path, dir })));
    return byKey(places, ({ path }) => path).flatMap((same) => {
      const [first, ...others] = same.map(({ dir }) => spotOf(dir));
      if (first === undefined || others.length === 0) return [];
      const names = same.map(({ dir }) => dir.node.id).join(' and ');
      return [{ message: `${names} both write ${same[0]?.path ?? ''}`, at: first, beside: others }];
    });
  },
});

/** What a node writes its data to. A relative dir is below wherever the server was started, which only itself can tell. */
function placesOf(node: RedisNode): Seen<{ readonly paths: readonly string[]; readonly dir: Setting }> {
  const files = together({ gives: node.gives, dir: node.setting('dir') });
  if (!files.ok) return files;
  const { gives, dir } = files.value;
  const base = gives.dir.startsWith('/') ? { ...files, value: gives.dir } : node.live('dir');
  return mapSeen(base, (path) => ({ dir, paths: pathsIn(path.replace(/\/+$/, ''), gives) }));
}

function pathsIn(base: string, gives: WillGive): readonly string[] {
  return [
    `${base}/${gives.dbfilename}`,
    ...(gives.appendonly ? [`${base}/${gives.appenddirname}/${gives.appendfilename}`] : []),
  ];
}
