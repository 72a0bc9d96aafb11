import { RunbookError } from '../errors.js';
import type { ActionOf } from '../model/plan.js';
import { acceptedWrites, isMasterNow } from './accepted-writes.js';
import { serviceStop } from './actions/service-stop.js';
import { raiseFence } from './fence.js';
import { runningOf, withReader } from './node.js';
import type { Acted, At, Found } from './tools.js';

/**
 * Stops what this run started. A master is fenced first and looked at behind the fence: one that has accepted a write is
 * not stopped. Throws RunbookError('writes-accepted') then; the fence ends at once.
 */
export async function stopAgain(action: ActionOf<'service.start'>, at: At, found: Found): Promise<Acted> {
  const stop = async (mode: 'save' | 'without-saving') =>
    serviceStop.act({ ...action, kind: 'service.stop', mode } as ActionOf<'service.stop'>, at);
  if (action.as === 'sentinel') return stop('save');
  if (action.as === 'replica' && !(await withReader(at, action.node, isMasterNow)))
    return stop((await isEmpty(action.node, at)) ? 'without-saving' : 'save');
  const fence = await raiseFence(at, action.node);
  try {
    const why = await acceptedWrites(action, at, found);
    if (why !== undefined) throw refusedBack(at.tools.run, [why]);
  } catch (error) {
    await fence?.end(true).catch(() => undefined);
    throw error;
  }
  // Saved, although nothing was written: a replica may have its history by now, and only its own file joins the two.
  try {
    return await stop((await isEmpty(action.node, at)) ? 'without-saving' : 'save');
  } finally {
    await fence?.end(false).catch(() => undefined);
  }
}

/** The refusal to go back, with the reasons. */
export function refusedBack(run: string, reasons: readonly string[]): RunbookError {
  return new RunbookError('writes-accepted', 'Going back now would lose writes that were accepted since.', {
    facts: reasons,
    next: [`redis-runbook resume ${run}   goes on to the run's end`, 'redis-runbook status'],
  });
}

function isEmpty(node: string, at: At): Promise<boolean> {
  return withReader(at, node, async (reader) => (await runningOf(reader)).keys === 0n);
}
