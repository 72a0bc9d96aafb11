import type { WritableHost } from '../hosts/host.js';
import { myIdentity } from '../hosts/process-identity.js';
import { type HeldLock, lockAgeSeconds, readLock } from './lock.js';
import { type Standing, standingOf } from './lock-standing.js';

/** The lock of one run as it stands on the fleet. */
export interface FleetLock {
  readonly run: string;
  /** Host name → the lock there, in the order of names. */
  readonly on: ReadonlyMap<string, HeldLock>;
  /** Of the youngest sign of life among all of them. */
  readonly standing: Standing;
}

/** What a look for locks on every host gave. */
export interface FleetLocks {
  /** One for each run that has a lock anywhere. */
  readonly locks: readonly FleetLock[];
  /** Hosts whose lock could not be read, with the reason. */
  readonly unseen: ReadonlyMap<string, string>;
}

interface Found {
  readonly host: WritableHost;
  readonly held: HeldLock;
}

/** Looks for the locks on the hosts, all at once, and for what stands behind each. Changes nothing. */
export async function findLocks(hosts: readonly WritableHost[], signal: AbortSignal): Promise<FleetLocks> {
  const unseen = new Map<string, string>();
  const found = await Promise.all(
    inOrder(hosts).map(async (host): Promise<Found | undefined> => {
      try {
        const held = await readLock(host, signal);
        return held && { host, held };
      } catch (error) {
        signal.throwIfAborted();
        unseen.set(host.entry.name, error instanceof Error ? error.message : String(error));
        return undefined;
      }
    }),
  );
  const there = found.filter((each) => each !== undefined);
  const runs = [...new Set(there.map(({ held }) => held.file.run))];
  const ofRun = (run: string) => there.filter(({ held }) => held.file.run === run);
  return { locks: await Promise.all(runs.map((run) => lockOf(run, ofRun(run), signal))), unseen };
}

async function lockOf(run: string, found: readonly Found[], signal: AbortSignal): Promise<FleetLock> {
  const ages = await Promise.all(found.map(({ host }) => lockAgeSeconds(host, signal)));
  const seen = ages.filter((age) => age !== undefined);
  const age = seen.length === ages.length ? Math.min(...seen) : undefined;
  const me = await myIdentity();
  // A run that lives on one host lives: where it was handed on by halves the process behind it counts.
  const standings = await Promise.all(found.map(({ held }) => standingOf(held.file, age, me)));
  const rank = { living: 0, dead: 1, ended: 2 } as const;
  const [standing = { is: 'living' as const, says: '' }] = standings.sort((a, b) => rank[a.is] - rank[b.is]);
  return { run, on: new Map(found.map(({ host, held }) => [host.entry.name, held])), standing };
}

/** One order for everybody, whatever order a fleet file has: where two take locks at once, the first host decides. */
export function inOrder(hosts: readonly WritableHost[]): readonly WritableHost[] {
  return [...hosts].sort((a, b) => (a.entry.name < b.entry.name ? -1 : 1));
}

/** The file of a lock that stands for all of them: that of its first host. */
export function firstFile(lock: FleetLock): HeldLock['file'] {
  const [first] = lock.on.values();
  if (first === undefined) throw new Error(`run ${lock.run} has no lock`);
  return first.file;
}
