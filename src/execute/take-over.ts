import { RunbookError } from '../errors.js';
import type { WritableHost } from '../hosts/host.js';
import { ChangedUnderneath } from '../hosts/host.js';
import { type FleetLock, findLocks, firstFile, inOrder } from './fleet-lock.js';
import { removeLock, updateLock } from './lock.js';
import { newToken } from './lock-file.js';
import { isFor } from './lock-standing.js';
import { lockedBy } from './lock-words.js';

/** Who takes a lock away from a run, on which hosts. */
export interface Taker {
  readonly hosts: readonly WritableHost[];
  /** `user@machine` */
  readonly who: string;
  readonly now: () => Date;
}

/** The lock of the run with this id. Throws RunbookError `usage` when no host carries it. */
export async function lockOfRun(taker: Taker, run: string, signal: AbortSignal): Promise<FleetLock> {
  const { locks, unseen } = await findLocks(taker.hosts, signal);
  const lock = locks.find((each) => each.run === run.toUpperCase());
  if (lock !== undefined) return lock;
  throw new RunbookError('usage', `Run ${run} has no lock on this fleet.`, {
    facts: [
      ...locks.map((each) => `run ${each.run} has one, on ${[...each.on.keys()].join(' ')}`),
      ...[...unseen].map(([host, why]) => `${host}: ${why}`),
    ],
    next: ['redis-runbook status'],
  });
}

/** Refuses to touch the lock of a holder that lives. Throws RunbookError `locked`. */
export function refuseLiving(lock: FleetLock, taker: Taker): void {
  if (lock.standing.is === 'living') {
    throw lockedBy({ file: firstFile(lock), standing: lock.standing, hosts: [...lock.on.keys()], asker: taker.who });
  }
}

/**
 * Takes the locks of a run that nobody stands behind: a token of their own makes every action of its former holder refused,
 * on each host, before the first new one is begun. The first host in the order of names decides between two who do this at
 * once. Gives the hosts that are ours now. Throws RunbookError `locked` when the holder lives after all, or another was
 * first; `too-little-seen` when the lock can be reached on less than half of the hosts only.
 */
export async function takeOver(lock: FleetLock, taker: Taker, signal: AbortSignal): Promise<readonly string[]> {
  const file = firstFile(lock);
  if (!(lock.standing.is === 'ended' && file.to !== undefined && isFor(file.to, taker.who))) refuseLiving(lock, taker);
  refuseHalf(lock, taker);
  const token = newToken();
  const now = taker.now().toISOString();
  const doing = `taken over from ${file.who}: ${file.doing}`.slice(0, 200);
  const taken: string[] = [];
  for (const host of inOrder(taker.hosts)) {
    const held = lock.on.get(host.entry.name);
    if (held === undefined) continue;
    const changes = { token, who: taker.who, heartbeat: now, doing, pid: 0, process: undefined, to: undefined };
    try {
      await updateLock(host, held, changes, signal);
    } catch (error) {
      throw error instanceof ChangedUnderneath ? awake(lock, host.entry.name, taken) : error;
    }
    taken.push(host.entry.name);
  }
  return taken;
}

/** Removes the locks of a run that nobody stands behind, and nothing else. Gives the hosts that are free now. */
export async function unlock(lock: FleetLock, taker: Taker, signal: AbortSignal): Promise<readonly string[]> {
  refuseLiving(lock, taker);
  const freed: string[] = [];
  for (const host of inOrder(taker.hosts)) {
    const held = lock.on.get(host.entry.name);
    if (held === undefined) continue;
    signal.throwIfAborted();
    // Whoever took it over or woke up meanwhile wrote it anew: that lock is not the one that was judged.
    try {
      await removeLock(host, await updateLock(host, held, { pid: 0, token: newToken() }, signal));
    } catch (error) {
      throw error instanceof ChangedUnderneath ? awake(lock, host.entry.name, freed) : error;
    }
    freed.push(host.entry.name);
  }
  return freed;
}

function refuseHalf(lock: FleetLock, taker: Taker): void {
  if (lock.on.size * 2 > taker.hosts.length) return;
  const on = [...lock.on.keys()].join(' ');
  throw new RunbookError('too-little-seen', `Run ${lock.run} cannot be taken over from here.`, {
    facts: [`its lock is seen on ${on} only, of ${taker.hosts.length} hosts: its holder could go on with the others`],
    next: ['redis-runbook doctor   which hosts are out of reach, and why'],
  });
}

function awake(lock: FleetLock, host: string, taken: readonly string[]): RunbookError {
  const rest = taken.length === 0 ? 'nothing was taken' : `taken on ${taken.join(' ')} before that`;
  return new RunbookError('locked', `The lock of run ${lock.run} on ${host} changed while it was being taken over.`, {
    facts: [`its holder gave a sign of life, or somebody else was faster; ${rest}`],
    next: ['redis-runbook status'],
  });
}
