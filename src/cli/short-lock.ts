import { RunbookError } from '../errors.js';
import { findLocks, firstFile, inOrder } from '../execute/fleet-lock.js';
import { createLock, type HeldLock, readLock, removeLock, updateLock } from '../execute/lock.js';
import { newLock } from '../execute/lock-file.js';
import { isLeftBehind } from '../execute/lock-standing.js';
import { lockedBy } from '../execute/lock-words.js';
import type { WritableHost } from '../hosts/host.js';
import { myIdentity } from '../hosts/process-identity.js';
import { inTime } from '../hosts/reading.js';
import type { Fleet } from './compose.js';
import type { Context } from './context.js';
import { operator } from './operator.js';

/** A lock without a run under way behind it says that somebody works, for as long as this is younger than a minute and a half. */
const BEAT_MS = 10_000;
const BEAT_LIMIT_MS = 15_000;

/** The fleet's lock while a command changes something outside a run: nobody begins or takes back a run meanwhile. */
export interface ShortLock {
  /** The hosts that are held; what changes them sees the token there first. */
  readonly claimed: ReadonlyMap<string, WritableHost>;
  /** Why a host is not held, by its name: nothing is removed there. */
  readonly unseen: ReadonlyMap<string, string>;
  release(): Promise<void>;
}

/**
 * Takes the lock on every host that answers, and gives signs of life until it is released. Throws RunbookError `locked` with
 * the holder, `too-little-seen` on half of them or less.
 */
export async function lockBriefly(
  fleet: Fleet,
  { run, group, doing }: { readonly run: string; readonly group: string; readonly doing: string },
  context: Context,
): Promise<ShortLock> {
  const held = new Map<WritableHost, HeldLock>();
  const unseen = new Map<string, string>();
  const beats = new Map<WritableHost, Promise<void>>();
  const timer = setInterval(() => {
    for (const host of held.keys())
      if (!beats.has(host))
        beats.set(
          host,
          beat(host, held, context).finally(() => beats.delete(host)),
        );
  }, BEAT_MS);
  const release = async () => {
    clearInterval(timer);
    await Promise.all(beats.values());
    for (const [host, lock] of held) await removeLock(host, lock).catch(() => undefined);
  };
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

/** A lock that is another's by now stays his: whoever holds this one sees that where he changes something. */
async function beat(host: WritableHost, held: Map<WritableHost, HeldLock>, { now, signal }: Context): Promise<void> {
  const lock = held.get(host);
  if (lock === undefined) return;
  const heartbeat = now().toISOString();
  await inTime(BEAT_LIMIT_MS, signal, (own) => updateLock(host, lock, { heartbeat }, own)).then(
    (renewed) => held.set(host, renewed),
    () => undefined,
  );
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
