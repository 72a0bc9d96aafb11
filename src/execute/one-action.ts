import { RunbookError } from '../errors.js';
import { ChannelLost } from '../hosts/channel.js';
import { ClaimLost } from '../hosts/claim.js';
import type { Action, Stage } from '../model/plan.js';
import type { Outcome } from '../model/run.js';
import { actionModule } from './actions/index.js';
import { dropIfLost } from './lost.js';
import { emit, type Run, stop } from './run.js';
import { checkToken } from './token.js';
import { type Acted, type At, type Looked, Unsure } from './tools.js';

interface Ended {
  readonly outcome: Outcome;
  readonly says: string;
  readonly detail?: Readonly<Record<string, unknown>>;
  /** Whether it was begun: from then on the fleet may differ. */
  readonly begun: boolean;
  /** Why it failed, where that has a word of its own. */
  readonly error?: RunbookError;
}

/**
 * One action: looks, journals the intent, does it, journals the result. What is done already is skipped; what is
 * neither old nor new, or cannot be looked at, stops the run before it begins; what was begun and nobody knows the end of
 * is looked at again, and if it stays so the run is `unknown`.
 * Rejects with RunbookError('locked') or ('changed') while nothing was changed yet, and when the journal cannot be written.
 */
export async function runAction(run: Run, stage: Stage, action: Action, at: At): Promise<void> {
  const begun = performance.now();
  const ended = await carryOut(run, action, at);
  await run.tools.journal.write({
    action: action.id,
    phase: 'result',
    outcome: ended.outcome,
    text: ended.says,
    ...(ended.detail ? { detail: ended.detail } : {}),
  });
  count(run, action, ended);
  emit(run, {
    type: 'action-ended',
    id: action.id,
    node: action.node,
    outcome: ended.outcome,
    text: ended.says,
    elapsedMs: Math.round(performance.now() - begun),
  });
  const isBad = ended.outcome === 'failed' || ended.outcome === 'unknown';
  if (isBad && (await dropIfLost(run, stage, action.host, `${action.node}: ${ended.says}`))) return;
  if (ended.outcome === 'failed') stop(run, stage, 'failed', `${action.node}: ${ended.says}`);
  if (ended.outcome === 'unknown') stop(run, stage, 'unknown', `${action.node}: ${ended.says}`);
  if (ended.error !== undefined && (ended.error === run.memory.lost || ended.error instanceof ClaimLost)) {
    run.memory.lost ??= ended.error;
    run.progress.lockLost = true;
  }
  const refusal = ended.error?.word === 'locked' || ended.error?.word === 'changed';
  if (ended.error && refusal && (run.progress.picksUp || !run.progress.changedAnything)) throw ended.error;
}

async function carryOut(run: Run, action: Action, at: At): Promise<Ended> {
  const module = actionModule(action);
  const intent = () => run.tools.journal.write({ action: action.id, phase: 'intent', text: action.says.text });
  // A look changes nothing: it need not wait for the lock's token.
  const looking = lookSafely(module.look, at);
  try {
    await checkToken(action, at);
  } catch (error) {
    await looking;
    await intent();
    return failedBy(error, false);
  }
  const looked = await looking;
  await intent();
  if (looked.state === 'done') return { outcome: 'skipped', says: looked.says, begun: false };
  if (looked.state === 'other') return { outcome: 'failed', says: looked.says, begun: false };
  if (looked.state === 'unknown') {
    // Nothing of it was begun, so nothing of it is in doubt; only whoever left during the look does not know.
    return { outcome: at.signal.aborted ? 'unknown' : 'failed', says: `not begun: ${looked.says}`, begun: false };
  }
  try {
    const acted = await orLeave(module.act(at), at.signal);
    return { outcome: 'done', begun: true, ...acted };
  } catch (error) {
    const isUnsure = error instanceof Unsure || error instanceof ChannelLost;
    return isUnsure ? lookAgain(module.look, at, error) : failedBy(error, true);
  }
}

/** A time-out is not a failure and not a success: look again. */
async function lookAgain(look: (at: At) => Promise<Looked>, at: At, error: Error): Promise<Ended> {
  if (at.signal.aborted) return { outcome: 'unknown', begun: true, says: `left while under way: ${error.message}` };
  const again = await lookSafely(look, at);
  if (again.state === 'done')
    return { outcome: 'done', begun: true, says: `${again.says} (${error.message}, then looked again)` };
  return { outcome: 'unknown', begun: true, says: `${error.message}; looked again: ${again.says}` };
}

async function lookSafely(look: (at: At) => Promise<Looked>, at: At): Promise<Looked> {
  try {
    return await look(at);
  } catch (error) {
    return { state: 'unknown', says: error instanceof Error ? error.message : String(error) };
  }
}

function failedBy(error: unknown, begun: boolean): Ended {
  const message = error instanceof Error ? error.message : String(error);
  if (!(error instanceof RunbookError)) return { outcome: 'failed', says: message, begun };
  const says = [message, ...error.facts].map((part) => part.replace(/\.$/, '')).join('; ');
  return { outcome: 'failed', says, begun: begun && error.word !== 'changed' && error.word !== 'locked', error };
}

/** Waits for an action, but no longer than the operator does: the second Ctrl-C leaves it as unknown. */
async function orLeave(acting: Promise<Acted>, signal: AbortSignal): Promise<Acted> {
  if (signal.aborted) throw new Unsure('the operator did not wait for it');
  acting.catch(() => undefined);
  let leave: () => void = () => undefined;
  const left = new Promise<never>((_, reject) => {
    leave = () => reject(new Unsure('the operator did not wait for it'));
    signal.addEventListener('abort', leave, { once: true });
  });
  try {
    return await Promise.race([acting, left]);
  } finally {
    signal.removeEventListener('abort', leave);
  }
}

function count(run: Run, action: Action, ended: Ended): void {
  const { progress } = run;
  if (ended.outcome === 'done' || ended.outcome === 'skipped') progress.done += 1;
  if (ended.outcome === 'unknown') progress.unknown += 1;
  if (ended.begun && actionModule(action).changes) progress.changedAnything = true;
  if (action.kind === 'fence.lift' && ended.outcome === 'done') progress.servingSince ??= run.tools.now().toISOString();
}
