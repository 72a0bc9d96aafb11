import { ChangedUnderneath, type WritableHost } from '../hosts/host.js';
import { type FleetLock, inOrder } from './fleet-lock.js';
import type { HandoverAsked } from './handover.js';
import { readLock, updateLock } from './lock.js';
import { newToken } from './lock-file.js';

/** A heartbeat may come between reading a lock and writing it. */
const MOST_TRIES = 5;

/**
 * Names on the locks of a run that works who is to go on with it: its next sign of life sees that, and it ends between two
 * actions. Its token stays. Gives the hosts that were written; a lock that went away meanwhile is none.
 */
export async function askThroughLocks(
  lock: FleetLock,
  hosts: readonly WritableHost[],
  { to, says }: HandoverAsked,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const written: string[] = [];
  for (const host of inOrder(hosts)) {
    const held = lock.on.get(host.entry.name);
    if (held !== undefined && (await nameNext(host, held.file.token, { to, note: says }, signal)))
      written.push(host.entry.name);
  }
  return written;
}

async function nameNext(
  host: WritableHost,
  token: string,
  changes: { readonly to: string; readonly note: string | undefined },
  signal: AbortSignal,
): Promise<boolean> {
  for (let tries = 1; ; tries += 1) {
    const now = await readLock(host, signal);
    if (now?.file.token !== token || now.file.pid === 0) return false;
    try {
      await updateLock(host, now, changes, signal);
      return true;
    } catch (error) {
      if (!(error instanceof ChangedUnderneath) || tries === MOST_TRIES) throw error;
    }
  }
}

/**
 * Gives the locks of a run that nobody stands behind to `to`, with a note: a token of their own lets nothing of the former
 * holder through that may wake up after all. Gives the hosts that were written; rejects with ChangedUnderneath where a lock
 * is not as it was judged any more.
 */
export async function giveLocks(
  lock: FleetLock,
  hosts: readonly WritableHost[],
  { to, note }: { readonly to: string; readonly note: string },
  signal: AbortSignal,
): Promise<readonly string[]> {
  const given: string[] = [];
  for (const host of inOrder(hosts)) {
    const held = lock.on.get(host.entry.name);
    if (held === undefined) continue;
    await updateLock(host, held, { to, note, pid: 0, process: undefined, token: newToken() }, signal);
    given.push(host.entry.name);
  }
  return given;
}
