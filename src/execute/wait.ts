import { setTimeout as sleep } from 'node:timers/promises';
import type { Condition, Stage } from '../model/plan.js';
import type { Outcome } from '../model/run.js';
import { seeCondition, whyHopeless } from './conditions/index.js';
import { dropIfLost, hostsAsked, withoutLost } from './lost.js';
import { recordProof } from './prove.js';
import { at, emit, type Run, stop, stopAsked } from './run.js';
import type { At, Sight } from './tools.js';

const POLL_MS = 100;
/** Most of what is waited for comes at once: the first second is looked at more often. */
const FIRST_POLL_MS = 25;
const FIRST_MS = 1000;
/** Those who watch are told what is waited for this often. */
const TELL_MS = 1000;
/** A wait is not looked after before this, and again this often. */
const WATCH_MS = 5000;
/** A wait of which the same was said this often, `WATCH_MS` apart, is given up: somebody has to do something first. */
const HOPELESS_AFTER = 3;

interface Waited extends Sight {
  readonly outcome: Outcome;
  readonly elapsedMs: number;
  /** Why it was given up before its limit. */
  readonly hopeless?: string;
}

/**
 * Waits for conditions one after another; each is journalled before and after. Ends at the first that does not come to
 * hold. Asked to stop, it waits for the verdict of the one under way and begins no other.
 */
export async function runConditions(run: Run, stage: Stage, conditions: readonly Condition[]): Promise<void> {
  for (const condition of conditions) {
    if (run.options.signal.aborted) {
      stopAsked(run, stage);
      return;
    }
    const goOn = await runCondition(run, stage, condition);
    if (!goOn) return;
  }
}

async function runCondition(run: Run, stage: Stage, planned: Condition): Promise<boolean> {
  const condition = withoutLost(planned, run);
  if (condition === undefined) return true;
  await run.tools.journal.write({ action: condition.id, phase: 'intent', text: condition.says });
  const { doing } = run.progress;
  run.progress.doing = `${doing}, waiting: ${condition.says}`.slice(0, 200);
  const waited = await waitFor(run, stage, condition);
  run.progress.doing = doing;
  const { outcome, seen, elapsedMs } = waited;
  await run.tools.journal.write({ action: condition.id, phase: 'result', outcome, text: seen });
  emit(run, { type: 'condition-ended', id: condition.id, outcome, says: condition.says, seen, elapsedMs });
  settle(run, stage, condition, waited);
  return outcome === 'done' || outcome === 'skipped';
}

function settle(run: Run, stage: Stage, condition: Condition, waited: Waited): void {
  const { progress } = run;
  if (waited.outcome === 'skipped') return;
  recordProof(run, stage, condition, waited);
  if (waited.outcome === 'failed' && run.memory.lost) {
    progress.lockLost = true;
    stop(run, stage, 'failed', waited.seen);
    return;
  }
  if (waited.outcome === 'done') {
    progress.done += 1;
    if (condition.kind === 'failed-over') progress.servingSince ??= run.tools.now().toISOString();
    if (condition.kind === 'data-loaded' && condition.node === run.plan.master && run.memory.fences.size === 0) {
      progress.servingSince ??= run.tools.now().toISOString();
    }
    return;
  }
  if (waited.outcome === 'unknown') progress.unknown += 1;
  const seconds = Math.round(waited.elapsedMs / 1000);
  const how =
    waited.hopeless !== undefined
      ? `given up after ${seconds} s, ${waited.hopeless}`
      : waited.outcome === 'unknown'
        ? `left after ${seconds} s`
        : `not seen within ${seconds} s`;
  stop(run, stage, waited.outcome, `${condition.says}: ${how}; last seen: ${waited.seen}`);
}

/**
 * Polls a condition every 25 ms, after a second every 100 ms, the first time at once, until it holds or its limit is over. A wait that the operator
 * leaves is unknown: nobody knows whether it would have come to hold. While it does not hold, the hosts that it is about
 * are asked whether they are there; it goes on without those that are lost (`skipped` where nothing else is left of it).
 */
async function waitFor(run: Run, stage: Stage, planned: Condition): Promise<Waited> {
  const where = at(run, planned.id);
  const begun = performance.now();
  const watch = watchHosts(run, stage, planned);
  const hope = watchHope(where);
  let told = begun;
  for (;;) {
    const condition = withoutLost(planned, run);
    const elapsedMs = () => Math.round(performance.now() - begun);
    if (condition === undefined)
      return { holds: false, seen: 'its host was lost', outcome: 'skipped', elapsedMs: elapsedMs() };
    const sight = await seeSafely(condition, where);
    if (sight.holds) return { ...sight, outcome: 'done', elapsedMs: elapsedMs() };
    if (where.signal.aborted) return { ...sight, outcome: 'unknown', elapsedMs: elapsedMs() };
    if (run.memory.lost)
      return { holds: false, seen: run.memory.lost.message, outcome: 'failed', elapsedMs: elapsedMs() };
    if (elapsedMs() >= condition.limitMs && !(await watch.lostNow()))
      return { ...sight, outcome: 'failed', elapsedMs: elapsedMs() };
    const hopeless = hope.lost();
    if (hopeless !== undefined) return { ...sight, hopeless, outcome: 'failed', elapsedMs: elapsedMs() };
    watch.look(elapsedMs());
    hope.look(condition, elapsedMs());
    if (performance.now() - told >= TELL_MS) {
      told = performance.now();
      tellWaiting(run, condition, sight.seen, elapsedMs());
    }
    const pollMs = elapsedMs() < FIRST_MS ? FIRST_POLL_MS : POLL_MS;
    const pauseMs = Math.min(pollMs, Math.max(1, condition.limitMs - elapsedMs()));
    await sleep(pauseMs, undefined, { signal: where.signal }).catch(() => undefined);
  }
}

function tellWaiting(run: Run, condition: Condition, seen: string, elapsedMs: number): void {
  const { id, says, limitMs } = condition;
  emit(run, { type: 'waiting', id, says, seen, elapsedMs, limitMs });
}

/** Looks beside a wait, every few seconds, whether the hosts that it is about are still there. */
function watchHosts(run: Run, stage: Stage, condition: Condition) {
  let busy: Promise<boolean> | undefined;
  let last = 0;
  const lookAtAll = async (): Promise<boolean> => {
    const why = `while waiting until ${condition.says}`;
    const lost = await Promise.all(hostsAsked(condition, run).map((host) => dropIfLost(run, stage, host, why)));
    return lost.includes(true);
  };
  return {
    /** Begins a look when the last one is long enough ago; nobody waits for it. */
    look: (elapsedMs: number): void => {
      if (busy !== undefined || elapsedMs - last < WATCH_MS) return;
      last = elapsedMs;
      busy = lookAtAll()
        .catch(() => false)
        .finally(() => {
          busy = undefined;
        });
    },
    /** A last look at the end of the limit: whether a host was lost meanwhile, so that the wait begins to make sense again. */
    lostNow: async (): Promise<boolean> => {
      await busy;
      return lookAtAll();
    },
  };
}

/** Asks beside a wait, every few seconds, whether anything says that it is in vain. */
function watchHope(where: At) {
  let busy = false;
  let last = 0;
  let said: readonly (string | undefined)[] = [];
  return {
    /** Begins a look when the last one is long enough ago; nobody waits for it. */
    look: (condition: Condition, elapsedMs: number): void => {
      if (busy || elapsedMs - last < WATCH_MS) return;
      busy = true;
      last = elapsedMs;
      void whyHopeless(condition, where).then((why) => {
        said = [...said, why].slice(-HOPELESS_AFTER);
        busy = false;
      });
    },
    /** What was said every time of late; undefined while there is hope. */
    lost: (): string | undefined => (said.length === HOPELESS_AFTER && new Set(said).size === 1 ? said[0] : undefined),
  };
}

async function seeSafely(condition: Condition, at: At): Promise<Sight> {
  try {
    return await seeCondition(condition, at);
  } catch (error) {
    return { holds: false, seen: error instanceof Error ? error.message : String(error) };
  }
}
