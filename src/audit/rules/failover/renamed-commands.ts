import { lowerAscii } from '../../../redis/tokenise.js';
import { atLeast } from '../../../redis/versions.js';
import { each } from '../../need.js';
import { defineRule, type Problem } from '../../rule.js';
import type { Target } from '../../target.js';
import type { Lines, SentinelConf, SentinelLine } from '../../view.js';
import { membersOf } from './addresses.js';
import { fixturesOf } from './page.js';

/** What a sentinel sends to redis nodes and cannot do without; SCRIPT KILL only ends a hanging script. */
const sent: ReadonlySet<string> = new Set([
  'ping',
  'info',
  'publish',
  'subscribe',
  'multi',
  'exec',
  'slaveof',
  'config',
  'client',
  'auth',
]);

type Renames = ReadonlyMap<string, { readonly now: string; readonly line: Lines['lines'][number] }>;

function renamesOf({ lines }: Lines): Renames {
  return new Map(
    lines.map((line) => [lowerAscii(line.args[0] ?? ''), { now: lowerAscii(line.args[1] ?? ''), line }] as const),
  );
}

/** `sentinel rename-command GROUP OLD NEW` */
function mappingsOf(conf: SentinelConf, group: string): ReadonlyMap<string, SentinelLine> {
  return new Map(
    conf.statements.flatMap((one) =>
      one.sub === 'rename-command' && one.group === group ? [[lowerAscii(one.words[0] ?? ''), one] as const] : [],
    ),
  );
}

export const renamedCommandBreaksSentinel = defineRule({
  id: 'renamed-command-breaks-sentinel',
  class: 'failover',
  severity: 'error',
  scope: 'cross-node',
  title: 'sentinels call a command by a name that the nodes do not have',
  rationale:
    'A sentinel makes a replica master with MULTI, SLAVEOF, CONFIG REWRITE, CLIENT KILL and EXEC. One of them that is renamed or disabled discards the transaction, and the failover ends in -failover-abort-slave-timeout; without PING or INFO the node counts as down.',
  source: 'sentinel.c:sentinelInstanceMapCommand, sentinelSendSlaveOf; rename-command CONFIG "", seen on 7.0.15',
  fix: 'Take the rename-command line away and use ACLs; or, from 5.0 on, add `sentinel rename-command NAME OLD NEW` to every sentinel.',
  fixtures: fixturesOf('renamed-command-breaks-sentinel'),
  needs: (group) => ({
    nodes: each(
      membersOf(group).map((node) => node.linesOf('rename-command')),
      'redis node that a sentinel monitors',
    ),
    sentinels: each(
      group.sentinels.map(({ conf }) => conf),
      'sentinel',
    ),
  }),
  check: ({ nodes, sentinels: confs }, { name, target }) => {
    const sentinels = confs.map((conf) => ({ conf, mapped: mappingsOf(conf, name) }));
    return nodes.flatMap((node) => {
      const renames = renamesOf(node);
      return [...renames]
        .filter(([old, { now }]) => sent.has(old) && now !== old)
        .flatMap(([old, rename]) => renamedProblem(node, [old, rename], sentinels, target))
        .concat(calledInVain(node, renames, sentinels));
    });
  },
});

interface Caller {
  readonly conf: SentinelConf;
  readonly mapped: ReadonlyMap<string, SentinelLine>;
}

function renamedProblem(
  node: Lines,
  [old, { now, line }]: [string, { readonly now: string; readonly line: Lines['lines'][number] }],
  sentinels: readonly Caller[],
  target: Target,
): readonly Problem[] {
  const at = { node: node.node, line };
  const command = old.toUpperCase();
  const then = 'they cannot fail it over';
  if (now === '') {
    return [{ message: `${node.node.id} has disabled ${command}, which sentinels send: ${then}`, at }];
  }
  if (!atLeast(target.compatible, '5.0.0')) {
    return [
      { message: `${node.node.id} has renamed ${command}, and sentinels before 5.0 know no other name: ${then}`, at },
    ];
  }
  const wrong = sentinels.filter(({ mapped }) => {
    const words = mapped.get(old)?.words;
    return words === undefined || lowerAscii(words[1] ?? '') !== now;
  });
  if (wrong.length === 0) return [];
  const names = wrong.map(({ conf }) => conf.node.id).join(', ');
  const beside = wrong.flatMap(({ conf, mapped }) => {
    const own = mapped.get(old)?.line;
    return own === undefined ? [] : [{ node: conf.node, line: own }];
  });
  return [
    { message: `${node.node.id} has renamed ${command}, and ${names} do not know the new name: ${then}`, at, beside },
  ];
}

/** The other way round: a sentinel that uses a new name which the node does not have. */
function calledInVain(node: Lines, renames: Renames, sentinels: readonly Caller[]): readonly Problem[] {
  return sentinels.flatMap(({ conf, mapped }) =>
    [...mapped]
      .filter(([old, { words }]) => sent.has(old) && !renames.has(old) && lowerAscii(words[1] ?? '') !== old)
      .map(([old, { line }]) => ({
        message: `${conf.node.id} calls ${old.toUpperCase()} by another name, and ${node.node.id} has not renamed it: it cannot fail it over`,
        at: { node: conf.node, line },
      })),
  );
}
