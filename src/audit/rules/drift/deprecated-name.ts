import { atLeast } from '../../../redis/versions.js';
import { together } from '../../need.js';
import { defineRule } from '../../rule.js';
import type { Target } from '../../target.js';
import type { RedisNode } from '../../view.js';

/** The present name of a directive, and since which version it is understood. */
const renamed: Readonly<Record<string, readonly [now: string, since: string]>> = {
  slaveof: ['replicaof', '5.0.0'],
  'slave-priority': ['replica-priority', '5.0.0'],
  'slave-read-only': ['replica-read-only', '5.0.0'],
  'slave-serve-stale-data': ['replica-serve-stale-data', '5.0.0'],
  'slave-lazy-flush': ['replica-lazy-flush', '5.0.0'],
  'slave-ignore-maxmemory': ['replica-ignore-maxmemory', '5.0.0'],
  'slave-announce-ip': ['replica-announce-ip', '5.0.0'],
  'slave-announce-port': ['replica-announce-port', '5.0.0'],
  'repl-ping-slave-period': ['repl-ping-replica-period', '5.0.0'],
  'min-slaves-to-write': ['min-replicas-to-write', '5.0.0'],
  'min-slaves-max-lag': ['min-replicas-max-lag', '5.0.0'],
  'hash-max-ziplist-entries': ['hash-max-listpack-entries', '7.0.0'],
  'hash-max-ziplist-value': ['hash-max-listpack-value', '7.0.0'],
  'list-max-ziplist-size': ['list-max-listpack-size', '7.0.0'],
  'zset-max-ziplist-entries': ['zset-max-listpack-entries', '7.0.0'],
  'zset-max-ziplist-value': ['zset-max-listpack-value', '7.0.0'],
  'lua-time-limit': ['busy-reply-threshold', '7.0.0'],
};

export const deprecatedName = defineRule({
  id: 'deprecated-name',
  class: 'drift',
  severity: 'info',
  scope: 'redis',
  title: 'directives with names of older versions',
  rationale:
    'They still work. But CONFIG REWRITE writes the new names, so that files of one group come to look different, and whoever searches for one name does not find the other.',
  source: 'config.c: static_configs, aliases; 7.0.15 takes both, seen',
  fix: 'Use the new names once no node of the group is older.',
  fixtures: {
    fails: 'test/audit/fixtures/deprecated-name/fails',
    nearMiss: 'test/audit/fixtures/deprecated-name/near-miss',
  },
  needs: (node) => ({ old: oldLines(node) }),
  check: ({ old }, { target }) => {
    const lines = Object.values(old).flatMap(({ node, lines: all }) =>
      all.filter((line) => isOld(line.name, target) && !line.file.startsWith('(')).map((line) => ({ node, line })),
    );
    const [first, ...others] = lines;
    if (first === undefined) return [];
    const names = [...new Set(lines.map(({ line }) => renamed[line.name]?.[0] ?? ''))];
    return [
      {
        message: `names of older versions, which are now ${names.join(', ')}`,
        at: first,
        beside: others,
        changes: lines.map((spot) => ({ ...spot, now: renamedLine(spot.line.raw, spot.line.name) })),
      },
    ];
  },
});

/** The lines of every directive that has an old name. */
function oldLines(node: RedisNode) {
  return together(Object.fromEntries(Object.keys(renamed).map((name) => [name, node.linesOf(name)])));
}

function isOld(name: string, target: Target): boolean {
  const since = Object.hasOwn(renamed, name) ? renamed[name]?.[1] : undefined;
  return since !== undefined && atLeast(target.compatible, since);
}

function renamedLine(raw: string, name: string): string {
  const text = raw.trim();
  return `${renamed[name]?.[0] ?? name}${text.slice(name.length)}`;
}
