import { basename, dirname, join } from 'node:path';
import { RunbookError } from '../errors.js';
import type { WritableHost } from '../hosts/host.js';
import { toJson } from '../model/json.js';
import type { RestoredFile, RestorePlace } from '../model/plan.js';
import { plannedPlace } from './data-place.js';
import type { DataPlace } from './held-before.js';
import { nodeAt, pidOf } from './node.js';
import type { Acted, At, Looked } from './tools.js';

/** Directories of a restore, in the run's directory beside the data. */
export interface RestoreDirectories {
  /** What was there when a restore was taken back. */
  readonly undone: string;
  /** What was sent and not loaded yet. */
  readonly sent: string;
  /** What the node held before. */
  readonly replaced: string;
}

export function restoreDirectories(place: Pick<RestorePlace, 'dir'>, run: string): RestoreDirectories {
  const own = join(place.dir, `.redis-runbook-${run}`);
  return { sent: join(own, 'restore'), replaced: join(own, 'replaced'), undone: join(own, 'undone') };
}

/** Throws RunbookError `changed` when the node would look for its data elsewhere than the plan says. */
export async function refuseOtherPlace(at: At, node: string, planned: RestorePlace): Promise<void> {
  const now = await plannedPlace(at, node);
  const is = wordsOf({ ...now, dbfilename: basename(now.rdb) });
  const was = wordsOf(planned);
  if (is === was) return;
  throw new RunbookError('changed', `${node} would look for its data elsewhere than when the plan was made.`, {
    facts: [`planned: ${was}`, `now:     ${is}`],
    next: ['redis-runbook status'],
  });
}

function wordsOf(place: Omit<DataPlace, 'rdb'> & { readonly dbfilename: string }): string {
  const { dir, dbfilename, appendonly, appendfilename, appenddirname } = place;
  return `dir ${dir}, dbfilename ${dbfilename}, appendonly ${appendonly ? 'yes' : 'no'}, appendfilename ${appendfilename}, appenddirname ${appenddirname}`;
}

/** Throws when the lock is another's by now, or a process of the node runs: its files are exchanged only while nobody writes them. */
export async function refuseRunning(at: At, node: string): Promise<void> {
  await nodeAt(at, node).host.checkClaim?.(at.signal);
  const pid = await pidOf(at, node);
  if (pid !== null) throw new Error(`${node} runs (pid ${pid}): its files are not touched while it does`);
}

/**
 * Whether a file is that one; `whole`: nothing behind it either. Without it one that grew since it was put there counts
 * (the last part of an append-only file, seen through its other name).
 */
export async function holdsFile(
  host: WritableHost,
  path: string,
  { sizeBytes, sha256 }: Pick<RestoredFile, 'sizeBytes' | 'sha256'>,
  signal: AbortSignal,
  how?: 'whole',
): Promise<boolean> {
  const stat = await host.stat(path);
  if (!stat.ok && stat.why === 'absent') return false;
  if (!stat.ok) throw new Error(`${path} could not be seen: ${stat.detail}`);
  if (stat.value.type !== 'file' || stat.value.sizeBytes < sizeBytes) return false;
  if (how === 'whole' && stat.value.sizeBytes !== sizeBytes) return false;
  const hash = await host.hash(path, signal, sizeBytes);
  if (!hash.ok) throw new Error(`${path} could not be read: ${hash.detail}`);
  return hash.value === sha256;
}

/** Every file that a server with this config could load or add to: the RDB, the single AOF, the parts and the manifest. */
async function dataFiles(host: WritableHost, place: RestorePlace): Promise<readonly string[]> {
  const parts = join(place.dir, place.appenddirname);
  const single = [join(place.dir, place.dbfilename), join(place.dir, place.appendfilename)];
  const there = await Promise.all(
    single.map(async (path) => {
      const stat = await host.stat(path);
      if (!stat.ok && stat.why !== 'absent') throw new Error(`${path} could not be seen: ${stat.detail}`);
      return stat.ok && stat.value.type === 'file' ? [path] : [];
    }),
  );
  const names = await host.list(parts);
  if (!names.ok && names.why !== 'absent') throw new Error(`${parts} could not be listed: ${names.detail}`);
  const own = (names.ok ? names.value : []).filter((name) => name.startsWith(`${place.appendfilename}.`));
  // The manifest goes last: as long as it is there, it tells a person what the other files are.
  const last = `${place.appendfilename}.manifest`;
  const ordered = [...own.filter((name) => name !== last), ...own.filter((name) => name === last)];
  return [...there.flat(), ...ordered.map((name) => join(parts, name))];
}

/**
 * Moves the data files of a stopped node to a directory beside the data, but for those that `stays` says are the backup's: each has its
 * second name there before the first one goes, so that a kill in between loses nothing. Gives what is there now.
 */
export async function moveAside(
  at: At,
  node: string,
  place: RestorePlace,
  into: string,
  stays: (path: string) => Promise<boolean>,
): Promise<readonly { readonly from: string; readonly to: string }[]> {
  const { named: host } = nodeAt(at, node);
  const moved: { from: string; to: string }[] = [];
  for (const path of await dataFiles(host, place)) {
    if (await stays(path)) continue;
    const below = dirname(path) === place.dir ? into : join(into, place.appenddirname);
    const kept = await host.hold(path, below, at.signal);
    await host.remove(path);
    moved.push({ from: path, to: kept.kept });
  }
  return moved;
}

/** Written when what a restore moved away was back. */
export const UNDONE_FILE = 'undone.json';

/** Whether what a restore moved away on a node is back: seen by the mark of `putBack`, or by nothing having been moved. */
export async function isBack(at: At, node: string, place: RestorePlace): Promise<Looked> {
  const { named: host } = nodeAt(at, node);
  const { replaced, undone } = restoreDirectories(place, at.tools.run);
  const mark = await host.stat(join(undone, UNDONE_FILE));
  if (mark.ok) return { state: 'done', says: 'its data is where it was' };
  const moved = await host.stat(replaced);
  const unseen = [mark, moved].find((seen) => !seen.ok && seen.why !== 'absent');
  if (unseen !== undefined && !unseen.ok)
    return { state: 'unknown', says: `what was moved could not be seen: ${unseen.detail}` };
  return moved.ok
    ? { state: 'not-done', says: 'its own data lies beside it' }
    : { state: 'not-done', says: 'none of its own data was moved' };
}

/**
 * Takes back what `moveAside` and a restore did to a stopped node: what is there now moves away, each file that was
 * replaced has its name again. Killed in between, the next try goes on.
 */
export async function putBack(at: At, node: string, place: RestorePlace, was: Moved): Promise<Acted> {
  await refuseRunning(at, node);
  const { named: host } = nodeAt(at, node);
  const { replaced, undone } = restoreDirectories(place, at.tools.run);
  const back = await replacedFiles(host, replaced, place);
  const mark = await host.stat(was.mark);
  if (!mark.ok && mark.why !== 'absent') throw new Error(`${was.mark} could not be seen: ${mark.detail}`);
  const stays = async (path: string) => {
    const file = back.find(({ to }) => to === path);
    if (file !== undefined) return sameFile(host, file.from, path);
    // Killed while it moved: what has no second name yet is still the node's own.
    return !mark.ok && !(await was.ours(path));
  };
  const gone = await moveAside(at, node, place, undone, stays);
  for (const { from, to } of back) await host.hold(from, dirname(to), at.signal);
  await host.makeDirectory(undone);
  const said = new TextEncoder().encode(`${toJson({ gone, back }, 2)}\n`);
  await host.write(join(undone, UNDONE_FILE), said, 'absent', at.signal);
  return { says: `${back.length} data files are back where they were`, detail: { gone, back } };
}

/** How far the exchange of files had come that is taken back. */
export interface Moved {
  /** The file that says that everything was moved. */
  readonly mark: string;
  /** Whether a file that is in place is one that the restore put there. */
  ours(path: string): Promise<boolean>;
}

async function sameFile(host: WritableHost, one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([host.stat(one), host.stat(other)]);
  return a.ok && b.ok && a.value.inode === b.value.inode && a.value.device === b.value.device;
}

async function replacedFiles(
  host: WritableHost,
  replaced: string,
  place: RestorePlace,
): Promise<readonly { readonly from: string; readonly to: string }[]> {
  const named = async (from: string, to: string) => {
    const names = await host.list(from);
    if (!names.ok && names.why !== 'absent') throw new Error(`${from} could not be listed: ${names.detail}`);
    return (names.ok ? names.value : []).map((name) => ({ from: join(from, name), to: join(to, name) }));
  };
  const own = new Set([place.dbfilename, place.appendfilename].map((name) => join(place.dir, name)));
  const single = (await named(replaced, place.dir)).filter(({ to }) => own.has(to));
  return [...single, ...(await named(join(replaced, place.appenddirname), join(place.dir, place.appenddirname)))];
}
