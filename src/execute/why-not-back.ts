import { actionsOf, type Plan } from '../model/plan.js';
import { acceptedWrites } from './accepted-writes.js';
import { closeReaders } from './ending.js';
import type { Journal } from './journal.js';
import type { Past } from './resumption.js';
import { at, newRun } from './run.js';
import type { Tools } from './tools.js';

/** Why a run cannot be taken back without losing writes, before anything of it is; empty = it can be. Reads only. */
export async function whyNotBack(
  plan: Plan,
  past: Past,
  tools: Omit<Tools, 'journal'>,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const run = newRun(
    plan,
    { ...tools, journal: noJournal },
    { gate: async () => 'stop', onEvent: () => undefined, signal, now: signal },
  );
  try {
    const starts = actionsOf(plan).flatMap((action) =>
      action.kind === 'undo' && action.of.kind === 'service.start' && isOpen(past.stands.get(action.id))
        ? [{ of: action.of, found: action.found, id: action.id }]
        : [],
    );
    const reasons = await Promise.all(
      starts.map(({ of, found, id }) =>
        acceptedWrites(of, at(run, id), found).catch(
          (error: Error) => `whether ${of.node} accepted writes since could not be seen: ${error.message}`,
        ),
      ),
    );
    return reasons.filter((reason) => reason !== undefined);
  } finally {
    closeReaders(run);
  }
}

/** A stop that failed may have left behind what was accepted meanwhile; one that was cut off ended behind its pause. */
function isOpen(standing: ReturnType<Past['stands']['get']>): boolean {
  return standing === undefined || standing === 'failed';
}

/** Roles that the run gave to running nodes, or may have: none of them is taken back, so nothing of the run is. */
export function rolesGiven(plan: Plan, past: Past): readonly string[] {
  return actionsOf(plan).flatMap((action) => {
    if (!past.own.has(action.id)) return [];
    if (action.kind === 'role.lead')
      return [`${action.node} was made master while it ran, and may have accepted writes`];
    if (action.kind === 'role.follow')
      return [`${action.node} was pointed at ${action.master}, and may have copied it`];
    return action.kind === 'sentinel.failover' ? ['Sentinel was asked to replace the master'] : [];
  });
}

/** Looking is not recorded. */
const noJournal: Journal = {
  path: '',
  write: () => Promise.reject(new Error('a look writes no journal')),
  close: async () => undefined,
};
