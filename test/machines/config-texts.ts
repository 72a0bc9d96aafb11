import type { Persistence } from '../../src/lab/layout.js';
import type { NodeKind } from '../../src/model/inventory.js';
import type { Machine } from './fleet.js';

/** What the config texts of a fleet of machines depend on. */
export interface Settings {
  readonly group: string;
  readonly password: string;
  readonly persistence: Persistence;
  readonly quorum: number;
  readonly downAfterMs: number;
  readonly failoverTimeoutMs: number;
  /** Further lines for every redis.conf: directive and value. */
  readonly redisLines: readonly (readonly [string, string])[];
}

type Line = readonly [directive: string, value: string];

/** The packages' own config file with the lines changed that an operator changes; everything else stays as it is. */
export function configText(packaged: string, machine: Machine, node: NodeKind, first: Machine, set: Settings): string {
  return node === 'redis'
    ? withLines(packaged, redisLines(machine, first, set))
    : withLines(regrouped(packaged, set.group), sentinelLines(machine, first, set));
}

function redisLines(machine: Machine, first: Machine, set: Settings): readonly Line[] {
  const quoted = `"${set.password}"`;
  return [
    ['bind', `${machine.address} 127.0.0.1`],
    ['protected-mode', 'no'],
    ['requirepass', quoted],
    ['masterauth', quoted],
    ['repl-diskless-sync-delay', '0'],
    ['appendonly', set.persistence === 'rdb' ? 'no' : 'yes'],
    ['save', set.persistence === 'aof' ? '""' : '900 1'],
    ...(machine.name === first.name ? [] : [['replicaof', `${first.address} 6379`] as const]),
    ...set.redisLines,
  ];
}

function sentinelLines(machine: Machine, first: Machine, set: Settings): readonly Line[] {
  const { group } = set;
  return [
    ['bind', `${machine.address} 127.0.0.1`],
    ['protected-mode', 'no'],
    ['sentinel monitor', `${group} ${first.address} 6379 ${set.quorum}`],
    ['sentinel auth-pass', `${group} ${set.password}`],
    ['sentinel down-after-milliseconds', `${group} ${set.downAfterMs}`],
    ['sentinel parallel-syncs', `${group} 1`],
    ['sentinel failover-timeout', `${group} ${set.failoverTimeoutMs}`],
  ];
}

/** The packaged sentinel.conf watches `mymaster`, in more lines than the ones that are replaced. */
function regrouped(text: string, group: string): string {
  return text.replaceAll(/^((?:sentinel|SENTINEL) \S+) mymaster /gm, `$1 ${group} `);
}

/**
 * Every line of the text that gives one of these directives is replaced by the new one, at the place of the first; a
 * directive that was not given is added at the end. Comments stay.
 */
function withLines(text: string, lines: readonly Line[]): string {
  const left = new Map(lines);
  const named = [...left.keys()];
  const kept = text.split('\n').flatMap((line) => {
    const directive = named.find((name) => line.startsWith(`${name} `));
    if (directive === undefined) return [line];
    const value = left.get(directive);
    left.delete(directive);
    return value === undefined ? [] : [`${directive} ${value}`];
  });
  while (kept.at(-1) === '') kept.pop();
  const added = [...left].map(([directive, value]) => `${directive} ${value}`);
  return `${[...kept, ...(added.length === 0 ? [] : ['', ...added])].join('\n')}\n`;
}
