import { RunbookError } from '../errors.js';
import { findLocks, firstFile, inOrder } from '../execute/fleet-lock.js';
import { createLock, type HeldLock, readLock, removeLock, updateLock } from '../execute/lock.js';
import { newLock } from '../execute/lock-file.js';
import { isLeftBehind } from '../execute/lock-standing.js';
import { lockedBy } from '../execute/lock-words.js';
import type { WritableHost } from '../hosts/host.js';
import { myIdentity } from '../hosts/process-identity.js';
import type { Fleet } from './compose.js';
import type { Context } from './context.js';
import { operator } from './operator.js';

/** The fleet's lock while the files of an ended run are removed: nobody begins or takes back a run meanwhile. */
export interface CleanLock {
  /** The hosts that are held; what changes them sees the token there first. */
  readonly claimed: ReadonlyMap<string, WritableHost>;
  /** Why a host is not held, by its name: nothing is removed there. */
  readonly unseen: ReadonlyMap<string, string>;
  release(): Promise<void>;
}

/** Takes the lock on every host that answers. Throws RunbookError `locked` with the holder, `too-little-seen` on half of them or less. */
export async function lockToClean(
  fleet: Fleet,
  { run, group }: { readonly run: string; readonly group: string },
  context: Context,
): Promise<CleanLock> {
  const held = new Map<WritableHost, HeldLock>();
  const unseen = new Map<string, string>();
  const release = async () => {
    for (const [host, lock] of held) await removeLock(host, lock).catch(() => undefined);
  };
  const doing = `removing what run ${run} kept`;
  const file = newLock({ run, who: operator(), doing, group, process: await myIdentity() }, context.now());
  try {
    for (const host of inOrder(fleet.hosts)) {
      const lock = await take(host, file, fleet, context).catch((error: unknown) => {
        if (error instanceof RunbookError && error.word === 'locked') throw error;
        context.signal.throwIfAborted();
        unseen.set(host.entry.name, error instanceof Error ? error.message : String(error));
        return undefined;
      });
      if (lock !== undefined) held.set(host, lock);
    }
    if (held.size * 2 <= fleet.hosts.length)
      throw new RunbookError('too-little-seen', 'The fleet cannot be locked on more than half of its hosts.', {
        facts: [...unseen.values()],
        next: ['redis-runbook doctor   which hosts are out of reach, and why'],
      });
  } catch (error) {
    await release();
    throw error;
  }
  const claimed = [...held].map(
    ([host, { path }]) => [host.entry.name, host.claimed({ path, token: file.token })] as const,
  );
  return { claimed: new Map(claimed), unseen, release };
}

/** A lock that an earlier try of this operator left behind for the same run is taken over. */
async function take(
  host: WritableHost,
  file: ReturnType<typeof newLock>,
  fleet: Fleet,
  { signal }: Context,
): Promise<HeldLock> {
  const made = await createLock(host, file, signal);
  if (made) return made;
  const found = await readLock(host, signal);
  const me = file.process ?? (await myIdentity());
  if (found?.file.run === file.run && (await isLeftBehind(found.file, file.who, me)))
    return updateLock(host, found, { ...file, to: undefined, note: undefined }, signal);
  const { locks } = await findLocks(fleet.hosts, signal);
  const lock = locks.find((each) => each.run === found?.file.run);
  if (lock === undefined) throw new Error(`${host.entry.name}: its lock came and went; try again`);
  throw lockedBy({
    file: firstFile(lock),
    standing: lock.standing,
    hosts: [...lock.on.keys()],
    asker: operator(),
  });
}
