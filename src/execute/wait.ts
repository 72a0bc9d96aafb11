import { setTimeout as sleep } from 'node:timers/promises';
import type { Condition, Stage } from '../model/plan.js';
import { seeCondition } from './conditions/index.js';
import { recordProof } from './prove.js';
import { at, emit, type Run, stop } from './run.js';
import type { At, Sight } from './tools.js';

const POLL_MS = 100;
/** Most of what is waited for comes at once: the first second is looked at more often. */
const FIRST_POLL_MS = 25;
const FIRST_MS = 1000;
/** Those who watch are told what is waited for this often. */
const TELL_MS = 1000;

interface Waited extends Sight {
  readonly outcome: 'done' | 'failed' | 'unknown';
  readonly elapsedMs: number;
}

/**
 * Waits for conditions one after another; each is journalled before and after. Ends at the first that does not come to
 * hold. Asked to stop, it waits for the verdict of the one under way and begins no other.
 */
export async function runConditions(run: Run, stage: Stage, conditions: readonly Condition[]): Promise<void> {
  for (const condition of conditions) {
    if (run.options.signal.aborted) {
      stop(run, stage, 'stopped', 'asked to stop');
      return;
    }
    const goOn = await runCondition(run, stage, condition);
    if (!goOn) return;
  }
}

async function runCondition(run: Run, stage: Stage, condition: Condition): Promise<boolean> {
  await run.tools.journal.write({ action: condition.id, phase: 'intent', text: condition.says });
  const tell = (seen: string, elapsedMs: number) =>
    emit(run, {
      type: 'waiting',
      id: condition.id,
      says: condition.says,
      seen,
      elapsedMs,
      limitMs: condition.limitMs,
    });
  const { doing } = run.progress;
  run.progress.doing = `${doing}, waiting: ${condition.says}`.slice(0, 200);
  const waited = await waitFor(condition, at(run, condition.id), tell);
  run.progress.doing = doing;
  const { outcome } = waited;
  await run.tools.journal.write({ action: condition.id, phase: 'result', outcome, text: waited.seen });
  const { seen, elapsedMs } = waited;
  emit(run, { type: 'condition-ended', id: condition.id, outcome, says: condition.says, seen, elapsedMs });
  settle(run, stage, condition, waited);
  return waited.outcome === 'done';
}

function settle(run: Run, stage: Stage, condition: Condition, waited: Waited): void {
  const { progress } = run;
  recordProof(run, stage, condition, waited);
  if (waited.outcome === 'failed' && run.memory.lost) {
    progress.lockLost = true;
    stop(run, stage, 'failed', waited.seen);
    return;
  }
  if (waited.outcome === 'done') {
    progress.done += 1;
    if (condition.kind === 'data-loaded' && condition.node === run.plan.master && run.memory.fences.size === 0) {
      progress.servingSince ??= run.tools.now().toISOString();
    }
    return;
  }
  if (waited.outcome === 'unknown') progress.unknown += 1;
  const seconds = Math.round(waited.elapsedMs / 1000);
  const how = waited.outcome === 'unknown' ? `left after ${seconds} s` : `not seen within ${seconds} s`;
  stop(run, stage, waited.outcome, `${condition.says}: ${how}; last seen: ${waited.seen}`);
}

/**
 * Polls a condition every 25 ms, after a second every 100 ms, the first time at once, until it holds or its limit is over. A wait that the operator
 * leaves is unknown: nobody knows whether it would have come to hold.
 */
async function waitFor(condition: Condition, at: At, tell: (seen: string, elapsedMs: number) => void): Promise<Waited> {
  const begun = performance.now();
  let told = begun;
  for (;;) {
    const sight = await seeSafely(condition, at);
    const elapsedMs = Math.round(performance.now() - begun);
    if (sight.holds) return { ...sight, outcome: 'done', elapsedMs };
    if (at.signal.aborted) return { ...sight, outcome: 'unknown', elapsedMs };
    if (at.memory.lost) return { holds: false, seen: at.memory.lost.message, outcome: 'failed', elapsedMs };
    if (elapsedMs >= condition.limitMs) return { ...sight, outcome: 'failed', elapsedMs };
    if (performance.now() - told >= TELL_MS) {
      told = performance.now();
      tell(sight.seen, elapsedMs);
    }
    const pollMs = elapsedMs < FIRST_MS ? FIRST_POLL_MS : POLL_MS;
    await sleep(Math.min(pollMs, Math.max(1, condition.limitMs - elapsedMs)), undefined, { signal: at.signal }).catch(
      () => undefined,
    );
  }
}

async function seeSafely(condition: Condition, at: At): Promise<Sight> {
  try {
    return await seeCondition(condition, at);
  } catch (error) {
    return { holds: false, seen: error instanceof Error ? error.message : String(error) };
  }
}
