import { RunbookError } from '../errors.js';
import type { ActionOf, StopMode } from '../model/plan.js';
import { weighedAt } from '../plan/weighed.js';
import { acceptedWrites, isMasterNow } from './accepted-writes.js';
import { serviceStop } from './actions/service-stop.js';
import { pidOf, runningOf, withReader } from './node.js';
import type { Acted, At, Found } from './tools.js';

const MOST_TRIES = 3;

/**
 * Stops what this run started. A master is stopped behind a pause of its clients, and only when it has accepted no write up to
 * then. Throws RunbookError('writes-accepted') otherwise, and where that cannot be known; the pause ends by itself.
 */
export async function stopAgain(action: ActionOf<'service.start'>, at: At, found: Found): Promise<Acted> {
  const { node } = action;
  const stop = (mode: StopMode, more: Partial<ActionOf<'service.stop'>> = {}) =>
    serviceStop.act({ ...action, ...more, kind: 'service.stop', mode }, at);
  if (action.as === 'sentinel') return stop('save');
  if (action.as === 'replica' && !(await withReader(at, node, isMasterNow)))
    return stop(modeFor((await withReader(at, node, runningOf)).keys));
  for (let tries = 1; ; tries += 1) {
    // In this order: what is accepted before the counters are read is in them, what comes later is beyond what was weighed.
    const running = await withReader(at, node, runningOf);
    const why = await acceptedWrites(action, at, found);
    if (why !== undefined) throw refusedBack(at.tools.run, [why]);
    try {
      return await stop(modeFor(running.keys), { notBeyond: weighedAt(running) });
    } catch (error) {
      if (!(error instanceof RunbookError && error.word === 'changed')) throw error;
      // A master's PING to its replicas moves the offset, too: once more, by the counters.
      if (tries === MOST_TRIES || !(await stillRuns(node, at)))
        throw refusedBack(at.tools.run, [error.message, ...error.facts]);
    }
  }
}

/** Saved, although nothing was written: a replica may have its history by now, and only its own file joins the two. */
function modeFor(keys: bigint): StopMode {
  return keys === 0n ? 'without-saving' : 'save';
}

async function stillRuns(node: string, at: At): Promise<boolean> {
  return (await pidOf(at, node)) !== null;
}

/** The refusal to go back, with the reasons. */
export function refusedBack(run: string, reasons: readonly string[]): RunbookError {
  return new RunbookError('writes-accepted', 'Going back now would lose writes that were accepted since.', {
    facts: reasons,
    next: [`redis-runbook resume ${run}   goes on to the run's end`, 'redis-runbook status'],
  });
}
