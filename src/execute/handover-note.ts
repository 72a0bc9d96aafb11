import { actionsOf, type Plan, type Stage } from '../model/plan.js';
import type { JournalLine } from '../model/run.js';
import { directionOf } from './open-runs.js';
import { pastOf } from './past.js';

const MOST_CHARACTERS = 3500;
const MOST_EFFECTS = 6;

/**
 * What whoever goes on with a run is told, line by line: what the one before says, what is true by the journal, what is
 * next, and the command to type. Pure.
 */
export function handoverNote(
  run: string,
  plan: Plan | undefined,
  lines: readonly JournalLine[],
  says: string | undefined,
): string {
  const rows = [
    ...(says === undefined ? [] : [says]),
    ...(plan === undefined ? ['its record is not seen from where it was handed over'] : standingOf(plan, lines)),
    `type: redis-runbook ${plan?.rejoins === undefined ? `resume ${run}` : `rejoin ${plan.rejoins}`}`,
  ];
  return rows.join('\n').slice(0, MOST_CHARACTERS);
}

function standingOf(plan: Plan, lines: readonly JournalLine[]): readonly string[] {
  const { stands } = pastOf(lines);
  if (directionOf(lines) === 'undo')
    return [`true: ${plan.runbook} for ${plan.group} was being undone`, 'next: resume goes on going back'];
  const done = plan.stages.filter(({ id }) => stands.get(id) === 'done');
  const open = plan.stages.find(({ id }) => stands.get(id) !== 'done');
  const unsure = actionsOf(plan).filter(({ id }) => stands.get(id) === 'begun' || stands.get(id) === 'unknown');
  const isBegun = open !== undefined && stands.has(open.id);
  // What the last whole stage left is no longer true once the next one was begun.
  const now = isBegun ? effectsIn(open, lines) : (done.at(-1)?.now ?? '');
  return [
    `true: ${done.length} of ${plan.stages.length} stages done${now === '' ? '' : `; ${now}`}`,
    ...(unsure.length === 0
      ? []
      : [`not known how it ended: ${unsure.map(({ id }) => id).join(', ')}; it is looked at first`]),
    open === undefined
      ? 'next: nothing but its end'
      : `next: stage ${plan.stages.indexOf(open) + 1} ${open.title}${isBegun ? ', which was begun' : ''}`,
  ];
}

/** What the actions of a stage that was begun did, the last of them. */
function effectsIn(stage: Stage, lines: readonly JournalLine[]): string {
  const actions = new Map(
    stage.batches.flatMap(({ lanes }) => Object.values(lanes).flat()).map((each) => [each.id, each]),
  );
  const did = lines.flatMap(({ action, phase, outcome, text }) => {
    const node = actions.get(action)?.node;
    return phase === 'result' && outcome === 'done' && node !== undefined ? [`${node} ${text}`] : [];
  });
  const shown = did.slice(-MOST_EFFECTS).join(', ');
  return `in ${stage.title} ${did.length === 0 ? 'nothing yet' : `${did.length} steps, the last: ${shown}`}`;
}
