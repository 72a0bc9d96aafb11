import { setTimeout as sleep } from 'node:timers/promises';
import { RunbookError } from '../errors.js';
import { type FleetLock, findLocks, firstFile } from '../execute/fleet-lock.js';
import { askThroughLocks } from '../execute/hand-over.js';
import { askForHandover } from '../execute/handover.js';
import type { RunDirectory } from '../execute/run-directory.js';
import { isHere, isProvenDead, myIdentity, type ProcessIdentity } from '../hosts/process-identity.js';
import { printableProse } from '../report/escape.js';
import type { Fleet } from './compose.js';
import type { Context } from './context.js';
import { processOf } from './follow.js';

const LOOK_EVERY_MS = 500;
/** A full synchronisation that is waited for ends by itself; longer than this nobody sits here. */
const LIMIT_MS = 10 * 60_000;

interface Asked {
  readonly to: string;
  readonly by: string;
  readonly says: string | undefined;
}

/**
 * Asks a run that works to hand itself over, and waits until it has ended: through its directory where its process is one
 * of this machine, else through its locks. Its lock as it stands then; undefined when it gave its locks back. It is never
 * killed. Throws RunbookError `stopped` when the operator does not wait, `unknown` when it does not end in time.
 */
export async function endedForHandover(
  lock: FleetLock,
  here: RunDirectory | undefined,
  fleet: Fleet,
  asked: Asked,
  context: Context,
): Promise<FleetLock | undefined> {
  const meant = here && (await livingHere(here));
  if (here && meant) await askForHandover(here.path, asked, meant);
  else await askThroughLocks(lock, fleet.hosts, asked, context.signal);
  const end = performance.now() + LIMIT_MS;
  let told = '';
  for (;;) {
    const { locks, unseen } = await findLocks(fleet.hosts, context.signal);
    const now = locks.find((each) => each.run === lock.run);
    if (now === undefined && unseen.size === 0) return undefined;
    if (now !== undefined && now.standing.is !== 'living') return now;
    const says = now === undefined ? 'its locks are out of sight' : waitsFor(now);
    if (says !== told && !context.quiet) context.stderr(`${printableProse(`Run ${lock.run} was asked: ${says}`)}\n`);
    told = says;
    if (context.signal.aborted) throw notWaited(lock.run, 'stopped');
    if (performance.now() > end) throw notWaited(lock.run, 'unknown');
    await sleep(LOOK_EVERY_MS, undefined, { signal: context.signal }).catch(() => undefined);
    if (context.signal.aborted) throw notWaited(lock.run, 'stopped');
  }
}

/** The process of this machine that carries the run out now. */
async function livingHere(here: RunDirectory): Promise<ProcessIdentity | undefined> {
  const me = await myIdentity();
  const other = await processOf(here);
  return other !== undefined && isHere(other, me) && !(await isProvenDead(other, me)) ? other : undefined;
}

function waitsFor(lock: FleetLock): string {
  const stopped = /is stopped/.test(lock.standing.says) ? `; ${lock.standing.says}` : '';
  return `it ends after the action under way (${firstFile(lock).doing})${stopped}.`;
}

function notWaited(run: string, word: 'stopped' | 'unknown'): RunbookError {
  return new RunbookError(word, `Run ${run} was asked, and has not ended yet: it is handed over when it does.`, {
    facts: ['the request stands; nothing of the run was killed'],
    next: [`redis-runbook history show ${run} --follow`, 'redis-runbook status'],
  });
}
