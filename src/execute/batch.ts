import type { Action, Batch, Stage } from '../model/plan.js';
import { runAction } from './one-action.js';
import { at, type Run, stop, stopAsked } from './run.js';
import { runConditions } from './wait.js';

/**
 * Carries out one batch: its lanes side by side, then its conditions one after another. A failure in one lane lets
 * the others finish the action that they are in. How it went is in the run's progress.
 */
export async function runBatch(run: Run, stage: Stage, batch: Batch): Promise<void> {
  const limits = stopLimits(batch);
  const lanes = Object.values(batch.lanes).map((actions) => runLane(run, stage, actions, limits));
  const ends = await Promise.allSettled(lanes);
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  if (run.progress.outcome !== 'done') return;
  await runConditions(run, stage, batch.then);
}

/** How long each node of the batch may take to stop: what its `stopped` condition says. */
function stopLimits(batch: Batch): ReadonlyMap<string, number> {
  const limits = new Map<string, number>();
  for (const condition of batch.then) {
    if (condition.kind === 'stopped') for (const node of condition.nodes) limits.set(node, condition.limitMs);
  }
  return limits;
}

async function runLane(
  run: Run,
  stage: Stage,
  actions: readonly Action[],
  limits: ReadonlyMap<string, number>,
): Promise<void> {
  for (const action of actions) {
    if (run.progress.outcome !== 'done' || run.memory.gone.has(action.host)) return;
    if (run.options.signal.aborted) return stopAsked(run, stage);
    if (run.options.step && (await run.options.step(action)) === 'stop') {
      return stop(run, stage, 'stopped', `declined before ${action.id}`);
    }
    try {
      await runAction(run, stage, action, at(run, action.id, limits.get(action.node)));
    } catch (error) {
      stop(run, stage, 'failed', error instanceof Error ? error.message : String(error));
      throw error;
    }
  }
}
