import { actionsOf, type Plan } from '../model/plan.js';
import type { JournalLine } from '../model/run.js';
import { directionOf } from './open-runs.js';
import { pastOf } from './past.js';

const MOST_CHARACTERS = 3500;

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
    `type: redis-runbook resume ${run}`,
  ];
  return rows.join('\n').slice(0, MOST_CHARACTERS);
}

function standingOf(plan: Plan, lines: readonly JournalLine[]): readonly string[] {
  const { stands } = pastOf(lines);
  if (directionOf(lines) === 'undo')
    return [`true: ${plan.runbook} for ${plan.group} was being undone`, 'next: resume goes on going back'];
  const done = plan.stages.filter(({ id }) => stands.get(id) === 'done');
  const open = plan.stages.find(({ id }) => stands.get(id) !== 'done');
  const last = done.at(-1);
  const unsure = actionsOf(plan).filter(({ id }) => stands.get(id) === 'begun' || stands.get(id) === 'unknown');
  const isBegun = open !== undefined && stands.has(open.id);
  return [
    `true: ${done.length} of ${plan.stages.length} stages done${last === undefined ? '' : `; ${last.now}`}`,
    ...(unsure.length === 0
      ? []
      : [`not known how it ended: ${unsure.map(({ id }) => id).join(', ')}; it is looked at first`]),
    open === undefined
      ? 'next: nothing but its end'
      : `next: stage ${plan.stages.indexOf(open) + 1} ${open.title}${isBegun ? ', which was begun' : ''}`,
  ];
}
