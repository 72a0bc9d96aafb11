import type { Condition, Stage } from '../model/plan.js';
import type { Run } from './run.js';
import type { Sight } from './tools.js';

/**
 * Notes what a condition of the proving stage gave, for the run's result. The proof is the last stage of a plan that
 * waits for anything; what failed there is noted too, and the conditions after it were never looked at.
 */
export function recordProof(run: Run, stage: Stage, condition: Condition, sight: Sight): void {
  const proving = run.plan.stages.findLast((each) => each.batches.some((batch) => batch.then.length > 0));
  if (stage.id === proving?.id) run.progress.proof.push({ check: condition.says, ok: sight.holds, says: sight.seen });
}
