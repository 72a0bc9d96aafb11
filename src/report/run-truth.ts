import { type Action, actionsOf, type Plan } from '../model/plan.js';
import type { JournalLine } from '../model/run.js';
import { listed } from './quantities.js';

/** How an action of the plan stands by the run's journal; `begun`: nobody knows how it ended. */
type Standing = 'done' | 'failed' | 'begun' | 'open';

function standings(journal: readonly JournalLine[]): ReadonlyMap<string, Standing> {
  const map = new Map<string, Standing>();
  for (const line of journal) {
    if (line.phase === 'intent') map.set(line.action, 'begun');
    if (line.phase !== 'result') continue;
    const isDone = line.outcome === 'done' || line.outcome === 'skipped';
    map.set(line.action, isDone ? 'done' : line.outcome === 'failed' ? 'failed' : 'begun');
  }
  return map;
}

/**
 * One sentence on what a run that broke off kept, and whether it changed a file: all is kept, some is, or nothing was
 * touched. Actions that were never done are not claimed.
 */
export function keptSays(plan: Plan, journal: readonly JournalLine[]): string {
  const stands = standings(journal);
  const isDone = (action: Action) => stands.get(action.id) === 'done';
  const actions = actionsOf(plan);
  const data = actions.filter((action) => action.kind === 'data.keep' && action.moment === 'before-stop');
  const configs = actions.filter((action) => action.kind === 'config.keep');
  const rewritten = actions.filter((action) => action.kind === 'config.rewrite' && stands.get(action.id) === 'begun');
  const broken = rewritten.map(
    (action) =>
      ` Whether the config of ${action.node} was rewritten is not known: it is the old one or the new one, whole.`,
  );
  const keeps = [...data, ...configs];
  if (data.length === 0)
    return configs.length > 0 && configs.every(isDone)
      ? `Every config that is changed is kept, no data was touched; nothing needs haste.${broken.join('')}`
      : 'No data and no config was touched.';
  if (keeps.every(isDone)) return `Data and configs are kept; nothing needs haste.${broken.join('')}`;
  const kept = data.filter(isDone).map((action) => action.node);
  const left = data.filter((action) => !isDone(action)).map((action) => action.node);
  if (kept.length === 0) return 'No data and no config was touched.';
  const open = left.length > 0 ? `the data of ${listed(left)} is not` : 'not every config is';
  return `The data of ${listed(kept)} is kept, ${open}; no data and no config was changed.`;
}

/** What a run that broke off leaves: who is held, and what the hosts that are out of reach would do when they come back. */
export function holdRows(
  plan: Plan,
  journal: readonly JournalLine[],
  outOfReach: readonly string[],
): readonly (readonly [label: string, text: string])[] {
  const holds = holdsOf(plan, journal);
  const near = [...holds].filter(([, hold]) => hold.stands === 'held' && !outOfReach.includes(hold.host));
  const row =
    near.length === 0
      ? []
      : [['held', `${listed(near.map(([node]) => node))}: nothing starts them before the run goes on`] as const];
  return [...row, ...outOfReach.map((host) => ['unreachable', comesBack(host, holds)] as const)];
}

interface Hold {
  readonly host: string;
  readonly stands: 'held' | 'not-held' | 'not-known';
}

/** By node, in the order of the plan: held from its hold on until its release was begun. */
function holdsOf(plan: Plan, journal: readonly JournalLine[]): ReadonlyMap<string, Hold> {
  const stands = standings(journal);
  const map = new Map<string, Hold>();
  for (const { kind, id, node, host } of actionsOf(plan)) {
    const standing = stands.get(id) ?? 'open';
    if (kind === 'service.hold') {
      const word = standing === 'done' ? 'held' : standing === 'open' ? 'not-held' : 'not-known';
      map.set(node, { host, stands: word });
    }
    if (kind === 'service.release' && standing !== 'open') {
      map.set(node, { host, stands: standing === 'done' ? 'not-held' : 'not-known' });
    }
  }
  return map;
}

function comesBack(host: string, holds: ReadonlyMap<string, Hold>): string {
  const on = [...holds].filter(([, hold]) => hold.host === host);
  const named = (stands: Hold['stands']) => on.filter(([, hold]) => hold.stands === stands).map(([node]) => node);
  const [held, free, unknown] = [named('held'), named('not-held'), named('not-known')];
  const parts = [
    ...(held.length > 0 ? [`${listed(held)} ${isAre(held)} held and will not start by ${itself(held)}`] : []),
    ...(free.length > 0
      ? [
          `${listed(free)} ${isAre(free)} not held and may start with the files that ${free.length === 1 ? 'it has' : 'they have'}`,
        ]
      : []),
    ...(unknown.length > 0 ? [`whether ${listed(unknown)} ${isAre(unknown)} held is not known`] : []),
  ];
  return `${host}. When it comes back: ${parts.join('; ') || 'nothing of it was touched'}`;
}

function isAre(names: readonly string[]): string {
  return names.length === 1 ? 'is' : 'are';
}

function itself(names: readonly string[]): string {
  return names.length === 1 ? 'itself' : 'themselves';
}
