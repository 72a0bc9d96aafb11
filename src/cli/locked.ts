import { setTimeout as sleep } from 'node:timers/promises';
import { RunbookError } from '../errors.js';
import { type FleetLock, findLocks, firstFile } from '../execute/fleet-lock.js';
import { isLeftBehind } from '../execute/lock-standing.js';
import { lockedBy } from '../execute/lock-words.js';
import { listRuns, runsDirectory } from '../execute/run-directory.js';
import { lockOfRun, takeOver } from '../execute/take-over.js';
import { myIdentity } from '../hosts/process-identity.js';
import { printableProse } from '../report/escape.js';
import { wrap } from '../report/layout.js';
import { duration, listed } from '../report/quantities.js';
import type { Fleet } from './compose.js';
import type { Context } from './context.js';
import { operator } from './operator.js';

/** What the command line says about a lock that stands against it. */
export interface LockFlags {
  /** How long to queue up behind a holder that lives, as `10m`. */
  readonly wait: string | undefined;
  /** The id of the run whose holder is gone. */
  readonly takeOver: string | undefined;
}

const LOOK_EVERY_MS = 2000;
const TELL_EVERY_MS = 30_000;

/**
 * Goes on only when nobody else's lock is on the fleet: takes over the named run where its holder is gone, waits where
 * that was asked for. Gives whether the fleet should be looked at again. Throws RunbookError `locked` with the holder and
 * what to type, `usage` for a run that has no lock.
 */
export async function passLock(fleet: Fleet, flags: LockFlags, context: Context): Promise<boolean> {
  const limitMs = flags.wait === undefined ? 0 : durationMs(flags.wait);
  if (flags.takeOver !== undefined) {
    const taken = await takeOverRun(fleet, flags.takeOver, context);
    if (!context.json && !context.quiet) context.stderr(`${taken}\n`);
    return true;
  }
  return queueUp(fleet, limitMs, context);
}

/** Takes the lock of a run whose holder is gone; says what it did. The id was typed by the operator. */
async function takeOverRun(fleet: Fleet, run: string, context: Context): Promise<string> {
  const taker = { hosts: fleet.hosts, who: operator(), now: context.now };
  const lock = await lockOfRun(taker, run, context.signal);
  const { who, doing } = firstFile(lock);
  const taken = await takeOver(lock, taker, context.signal);
  const from = printableProse(`${who} (${doing})`);
  return `Run ${lock.run} is taken over from ${from} on ${listed(taken)}: nothing of its former holder is carried out any more.`;
}

async function queueUp(fleet: Fleet, limitMs: number, context: Context): Promise<boolean> {
  const began = performance.now();
  let told = '';
  let toldAt = 0;
  for (let waited = false; ; waited = true) {
    const { foreign: lock, own } = await sortedLocks(fleet, context);
    if (lock === undefined) {
      tellNotes(own, context);
      return waited;
    }
    const leftMs = limitMs - (performance.now() - began);
    if (leftMs <= 0 || lock.standing.is !== 'living') throw await refusal(lock);
    const { who, run, doing } = firstFile(lock);
    const says = printableProse(`Waiting for ${who}, run ${run}: ${doing}`);
    if (says !== told || performance.now() - toldAt > TELL_EVERY_MS) {
      if (!context.quiet) context.stderr(`${says}; ${lock.standing.says}. At most ${duration(leftMs)} more.\n`);
      told = says;
      toldAt = performance.now();
    }
    await sleep(Math.min(LOOK_EVERY_MS, leftMs), undefined, { signal: context.signal }).catch(() => undefined);
    context.signal.throwIfAborted();
  }
}

/** The first lock of somebody else; what this operator's own dead runs left, or was handed over to him, stands against nothing. */
async function sortedLocks(
  fleet: Fleet,
  context: Context,
): Promise<{ readonly foreign: FleetLock | undefined; readonly own: readonly FleetLock[] }> {
  const { locks } = await findLocks(fleet.hosts, context.signal);
  const me = await myIdentity();
  const own: FleetLock[] = [];
  for (const lock of locks) {
    if (!(await isLeftBehind(firstFile(lock), operator(), me))) return { foreign: lock, own };
    own.push(lock);
  }
  return { foreign: undefined, own };
}

/** What whoever handed a run over to this operator says. */
function tellNotes(locks: readonly FleetLock[], context: Context): void {
  if (context.json || context.quiet) return;
  for (const { who, run, to, note } of locks.map(firstFile)) {
    if (to === undefined) continue;
    const rows = (note ?? '').split('\n').filter(Boolean);
    const lines = rows.flatMap((row) => wrap(printableProse(row), context.columns, '  ', '    '));
    context.stderr(`${[printableProse(`Run ${run} was handed over to you by ${who}.`), ...lines].join('\n')}\n`);
  }
}

/** The refusal that names the holder; a run of this machine can be followed. */
async function refusal({ run, on, standing }: FleetLock): Promise<RunbookError> {
  const [held] = on.values();
  if (held === undefined) throw new Error(`run ${run} has no lock`);
  const isHere = (await listRuns(runsDirectory(process.env))).some((each) => each.run === run);
  return lockedBy({ file: held.file, standing, hosts: [...on.keys()], isHere, asker: operator() });
}

/** `90s`, `10m`, `2h`, or seconds, as milliseconds. Throws RunbookError `usage`. */
function durationMs(text: string): number {
  const [, number, unit = 's'] = /^(\d{1,6})(s|m|h)?$/.exec(text) ?? [];
  if (number === undefined) {
    throw new RunbookError('usage', `${text} is no duration.`, { next: ['as in --wait 90s, --wait 10m, --wait 2h'] });
  }
  return Number(number) * { s: 1000, m: 60_000, h: 3_600_000 }[unit as 's' | 'm' | 'h'];
}
