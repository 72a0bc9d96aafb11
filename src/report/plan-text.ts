import type { Action, Plan, Stage } from '../model/plan.js';
import { actionsOf } from '../model/plan.js';
import { printable, printableProse } from './escape.js';
import { padEnd, paint, wrap } from './layout.js';
import { effectSays, undoSays } from './path-words.js';
import { count, listed } from './quantities.js';

export interface PlanTextOptions {
  readonly width: number;
  readonly colour: boolean;
  /** Every diff, also of hosts whose diff is like another one's. */
  readonly allDiffs?: boolean;
}

/** Page 3 of a recovery: what would be done, where, what it costs, how it is undone, and the diffs. */
export function renderPlan(plan: Plan, options: PlanTextOptions): string {
  const blocks = [summary(plan, options), stageLines(plan, options), notes(plan, options), diffLines(plan, options)];
  return `${blocks
    .filter((block) => block.length > 0)
    .map((block) => block.join('\n'))
    .join('\n\n')}\n`;
}

function summary(plan: Plan, options: PlanTextOptions): string[] {
  const actions = actionsOf(plan).length;
  const text =
    `${plan.path[0]?.toUpperCase()}${plan.path.slice(1)} path, ${count(actions, 'action')} on ${plan.hosts.map(printable).join(', ')}. ` +
    `${whatFor(plan)} No file is deleted.`;
  return wrap(text, options.width).map((line) => paint('verdict', line, options.colour));
}

function whatFor(plan: Plan): string {
  if (plan.rejoins !== undefined)
    return `${printable(plan.rejoins)} comes back behind ${printable(plan.master)}, which goes on serving. Nothing has been changed yet.`;
  return printableProse(effectSays(plan));
}

function stageLines(plan: Plan, options: PlanTextOptions): string[] {
  const title = Math.max(...plan.stages.map((stage) => stage.title.length));
  return plan.stages.flatMap((stage, index) => {
    const first = `  ${index + 1} ${padEnd(stage.title, title)}  `;
    return wrap(stageSays(stage, plan), options.width, first, ' '.repeat(first.length));
  });
}

/** A stage in one line: its actions by kind, and what is only looked at. */
function stageSays(stage: Stage, plan: Plan): string {
  const actions = stage.batches
    .flatMap((batch) => Object.values(batch.lanes).flat())
    .filter((action) => action.kind !== 'service.stop' || action.mode !== 'already-stopped');
  if (actions.length === 0) {
    const checks = stage.batches.flatMap((batch) => batch.then.map((condition) => printable(condition.says)));
    return checks.length > 3
      ? `nothing is touched: ${count(checks.length, 'check')}`
      : `nothing is touched: ${checks.join('; ')}`;
  }
  return [...byKind(actions)].map(([kind, same]) => `${kindWords[kind]} ${namesOf(same, plan)}`).join('; ');
}

const kindWords: Readonly<Record<Action['kind'], string>> = {
  'lock.take': 'lock',
  'lock.release': 'unlock',
  'service.hold': 'hold',
  'service.release': 'release',
  'service.stop': 'stop',
  'service.start': 'start',
  'data.save': 'save in the background',
  'data.keep': 'keep the data of',
  'config.keep': 'keep the configs of',
  'config.rewrite': 'rewrite the configs of',
  'config.check': 'read back and try the configs of',
  'data.verify': 'verify what was kept of',
  'data.check': 'prove what would be loaded on',
  'fence.raise': 'fence writes on',
  'fence.lift': 'let writes in on',
  'aof.rewrite': 'rewrite the AOF of',
  'role.lead': 'make master',
  'sentinel.failover': 'ask for a failover',
  'role.follow': 'point anew',
  'data.send': 'bring the backup to',
  'data.place': 'put the backup in place on',
  'data.aside': 'move the data away on',
  'data.compare': 'count against the backup on',
  'left-out.note': 'note who is left out on',
  'left-out.done': 'note who is back on',
  undo: 'put back',
};

function byKind(actions: readonly Action[]): ReadonlyMap<Action['kind'], readonly Action[]> {
  const kinds = new Map<Action['kind'], Action[]>();
  for (const action of actions) kinds.set(action.kind, [...(kinds.get(action.kind) ?? []), action]);
  return kinds;
}

/** The nodes of actions of one kind, all sentinels and all hosts as one word; starts in the order in which they come. */
function namesOf(actions: readonly Action[], plan: Plan): string {
  const nodes = [...new Set(actions.map((action) => action.node))];
  const onHosts = actions.every(({ kind }) => /^(?:lock|left-out)\./.test(kind));
  if (onHosts && nodes.length === plan.hosts.length && nodes.length > 3) return `all ${nodes.length} hosts`;
  const allSentinels = plan.sentinels.length > 1 && plan.sentinels.every((node) => nodes.includes(node));
  const names = nodes.filter((node) => !allSentinels || !plan.sentinels.includes(node)).map(printable);
  const all = allSentinels ? [...names, `${plan.sentinels.length} sentinels`] : names;
  return actions.some((action) => action.kind === 'service.start') ? all.join(', then ') : listed(all);
}

function notes(plan: Plan, options: PlanTextOptions): string[] {
  const lines = [
    plan.rejoins === undefined
      ? undoSays(plan)
      : 'Undo: any time until the replica starts (stage START); from then on it holds a copy of the master, and what it held is kept.',
    ...(plan.withoutFailover
      ? [`While the sentinels are held, no automatic failover for: ${plan.withoutFailover.map(printable).join(', ')}.`]
      : []),
    ...plan.leftOut.map(
      (host) => `Left out: ${printable(host.node ?? host.host)} (${printable(host.why)}); ${printable(host.next)}.`,
    ),
    ...(plan.setAside.length > 0
      ? [`Set aside, kept and not served: what only ${plan.setAside.map(printable).join(', ')} holds.`]
      : []),
    ...(plan.acceptedLoss ? ['Accepted: the last writes are on no disk.'] : []),
    ...plan.scripts.map((script) => `Sentinel would have run this script, and nothing here does: ${printable(script)}`),
  ];
  return lines.flatMap((line) => wrap(line, options.width, '  ', '  '));
}

/** The diffs; a diff that several files share is shown once with all of their names. */
function diffLines(plan: Plan, options: PlanTextOptions): string[] {
  const groups = new Map<string, { readonly names: string[]; readonly diff: readonly string[] }>();
  // A file whose role is written with the command is looked at once more when all files are.
  const shown = new Set<string>();
  for (const action of actionsOf(plan)) {
    const paths = changedPaths(action);
    if (paths.length === 0) continue;
    const diff = action.says.diff ?? [];
    const key = options.allDiffs ? action.id : diff.join('\n');
    const entry = groups.get(key) ?? { names: [], diff };
    const names = paths.map((path) => `${printable(action.host)}:${printable(path)}`);
    entry.names.push(...names.filter((name) => !shown.has(name)));
    for (const name of names) shown.add(name);
    groups.set(key, entry);
  }
  const told = [...groups.values()].filter(({ names }) => names.length > 0);
  return told.flatMap(({ names, diff }) => [
    ...names.map((name) => `  ${name}`),
    ...(diff.length === 0 ? ['    needs no change'] : diff.map((line) => `    ${diffLine(line, options.colour)}`)),
  ]);
}

/** The config files that an action changes. */
function changedPaths(action: Action): readonly string[] {
  if (action.kind === 'config.rewrite') return [action.path];
  return action.kind === 'role.lead' || action.kind === 'role.follow' ? action.files.map(({ path }) => path) : [];
}

/** A changed line in its colour; the sign says the same without it. */
function diffLine(line: string, colour: boolean): string {
  const shown = printable(line);
  if (line.startsWith('+')) return paint('added', shown, colour);
  return line.startsWith('-') ? paint('removed', shown, colour) : shown;
}

/** The commands that a person would type for these stages, host by host (the key `c` at a gate). */
export function renderCommands(stages: readonly Stage[]): string {
  const lines = stages.flatMap((stage) => [
    `${stage.title}`,
    ...stage.batches.flatMap((batch) =>
      Object.values(batch.lanes)
        .flat()
        .flatMap((action) =>
          action.says.commands.map((command) => `  ${printable(action.host)}$ ${printable(command)}`),
        ),
    ),
  ]);
  return `${lines.join('\n')}\n`;
}
