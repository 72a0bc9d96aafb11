import { basename, join } from 'node:path';
import type { KeptFile } from '../../hosts/host.js';
import { fromJson, toJson } from '../../model/json.js';
import type { ActionOf, Weighed } from '../../model/plan.js';
import { weighedAt } from '../../plan/weighed.js';
import { decodeText } from '../../redis/byte-text.js';
import { type AofOnDisk, findAof, plannedPlace, runningPlace } from '../data-place.js';
import { rdbDamage, readAof, readRdb, readRdbEnds } from '../data-read.js';
import type { DataPlace } from '../held-before.js';
import { nodeAt, pidOf, runningOf, withReader } from '../node.js';
import { shipHere } from '../ship.js';
import type { ActionModule, At } from '../tools.js';
import { dataSave } from './data-save.js';

type Keep = ActionOf<'data.keep'>;

const MOST_TRIES = 5;
const END_LIMIT_BYTES = 4096;
/** The list of what is kept, beside it; `sha256` is empty where the file is read later. */
export const LIST = 'kept.json';
/** Where a node stood when it was kept under its fence. */
export const END_FILE = 'end.json';

/**
 * Keeps every data file of a node beside the originals, verified; after the stop, when every second is downtime, only
 * kept, and verified by `data.verify` once the group serves. RDB and BASE files are linked (every writer replaces
 * them by rename), the manifest and the last INCR or the single AOF are copied: they are changed in place (seen on 6.0.20
 * and 7.0.15). What an earlier keep of this run has is not kept again.
 */
export const dataKeep: ActionModule<'data.keep'> = {
  changes: false,
  undo: { none: 'copies: they stay until they are cleaned up' },
  // Where there was nothing to keep, there is nothing to look at.
  whenFinished: (found) => (found.directory === undefined ? 'repeat' : 'look'),
  until: ['service.start'],
  look: async (action, at) => {
    const { named: host } = nodeAt(at, action.node);
    const seen = await host.stat(join(await directoryOf(action, at), LIST));
    if (seen.ok) return { state: 'done', says: 'kept by this run' };
    return seen.why === 'absent'
      ? { state: 'not-done', says: 'not kept' }
      : { state: 'unknown', says: `whether it is kept could not be seen: ${seen.detail}` };
  },
  act: async (action, at) => {
    const { named: host } = nodeAt(at, action.node);
    const place = await placeOf(action.node, at);
    const directory = keptDirectory(place, at.tools.run, action.moment);
    const end = action.moment === 'fenced' ? await savedEnd(action, at) : undefined;
    const both = [keepRdb(action, place, directory, at), keepAof(action, place, directory, at)];
    const kept = (await everyEnd(both)).flat();
    if (kept.length === 0) return { says: 'nothing to keep: the node has no data file' };
    if (end) {
      await host.remove(join(directory, END_FILE)).catch(() => undefined);
      await host.write(join(directory, END_FILE), new TextEncoder().encode(`${toJson(end)}\n`), 'absent', at.signal);
    }
    const list = new TextEncoder().encode(`${toJson(kept, 2)}\n`);
    await host.write(join(directory, LIST), list, 'absent', at.signal);
    const bytes = kept.reduce((sum, file) => sum + file.sizeBytes, 0n);
    const here = action.alsoHere
      ? await shipHere(host, kept, directory, action.node, at.tools.directory, at.signal)
      : undefined;
    const copies = here === undefined ? '' : '; a copy with the same sha256 is here';
    return {
      says: `${kept.map(sayFile).join(', ')} kept, ${bytes} bytes${copies}`,
      detail: { directory, files: kept, ...(here === undefined ? {} : { here }) },
    };
  },
};

/** Where a node stands that takes no writes, once its file holds all of it; undefined where it cannot be fenced. */
async function savedEnd({ kind: _, ...action }: Keep, at: At): Promise<Weighed | undefined> {
  if (!at.memory.fences.has(action.node)) return undefined;
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    const running = await withReader(at, action.node, runningOf);
    if (running.changesSinceSave === 0n) return weighedAt(running);
    // A run that goes on passes over the save that it made before its fence ended.
    await dataSave.act({ ...action, kind: 'data.save' }, at);
  }
  throw new Error('its data goes on changing under the fence: what is kept would not be all of it');
}

/** What this run noted when it kept the node under its fence: what came later is in no kept file. Undefined when it did not; throws when it cannot be read. */
export async function keptEnd(node: string, at: At): Promise<Weighed | undefined> {
  const { named: host } = nodeAt(at, node);
  const directory = keptDirectory(await withReader(at, node, runningPlace), at.tools.run, 'fenced');
  const read = await host.read(join(directory, END_FILE), END_LIMIT_BYTES, at.signal);
  if (!read.ok && read.why === 'absent') return undefined;
  if (!read.ok) throw new Error(`${directory}/${END_FILE} could not be read: ${read.detail}`);
  const { replid, offset, writes } = fromJson(decodeText(read.value)) as Readonly<Record<string, unknown>>;
  if (typeof replid !== 'string') throw new Error(`${directory}/${END_FILE} makes no sense`);
  return {
    replid,
    offset: BigInt(String(offset)),
    ...(writes === undefined ? {} : { writes: BigInt(String(writes)) }),
  };
}

function sayFile(file: KeptFile): string {
  const sha256 = file.sha256 === '' ? '' : `, sha256 ${file.sha256.slice(0, 8)}`;
  return `${basename(file.original)} (${file.how}${sha256})`;
}

/** Where a run keeps the data files of a node, and the list of them (`LIST`). */
export function keptDirectory(place: DataPlace, run: string, moment: Keep['moment']): string {
  return join(place.dir, `.redis-runbook-${run}`, moment);
}

async function directoryOf(action: Keep, at: At): Promise<string> {
  return keptDirectory(await placeOf(action.node, at), at.tools.run, action.moment);
}

/** Where the node of an action keeps its data: seen once for the look and the act. */
const places = new WeakMap<At, Promise<DataPlace>>();

function placeOf(node: string, at: At): Promise<DataPlace> {
  const before = places.get(at);
  if (before) return before;
  const place = placeNow(node, at);
  places.set(at, place);
  place.catch(() => places.delete(at));
  return place;
}

/** A running node writes where it says; for a dead one the config file is all there is. */
async function placeNow(node: string, at: At): Promise<DataPlace> {
  if ((await pidOf(at, node)) === null) return plannedPlace(at, node);
  return withReader(at, node, runningPlace).catch(() => plannedPlace(at, node));
}

/** What leaves the host is read for that; what stays there waits for `data.verify`. */
function isReadLater({ moment, alsoHere }: Keep): boolean {
  return moment === 'after-stop' && !alsoHere;
}

/** Without its hash where it is read later and could be linked. */
async function keepOne(
  action: Keep,
  path: string,
  into: string,
  how: 'link-or-copy' | 'copy',
  at: At,
): Promise<KeptFile> {
  const { named: host } = nodeAt(at, action.node);
  if (!isReadLater(action) || how === 'copy') return host.keep(path, into, how, at.signal);
  return { ...(await host.hold(path, into, at.signal)), sha256: '' };
}

async function keepRdb(action: Keep, place: DataPlace, directory: string, at: At): Promise<readonly KeptFile[]> {
  const { named: host } = nodeAt(at, action.node);
  const stat = await host.stat(place.rdb);
  if (!stat.ok && stat.why === 'absent') return [];
  if (!stat.ok) throw new Error(`${place.rdb} could not be seen: ${stat.detail}`);
  const kept = await keepOne(action, place.rdb, directory, 'link-or-copy', at);
  const summary = await (isReadLater(action) ? readRdbEnds : readRdb)(host, kept.kept, at.signal).catch(
    (error: Error) => error.message,
  );
  if (typeof summary === 'string') {
    await at.evidence(`${place.rdb} cannot be loaded: ${summary}`, { sha256: kept.sha256 });
    return [kept];
  }
  const damage = rdbDamage(summary);
  await at.evidence(`${place.rdb}: ${summary.keys ?? '?'} keys, ${damage ?? `whole, checksum ${summary.checksum}`}`, {
    sizeBytes: kept.sizeBytes,
    sha256: kept.sha256,
    ...summary,
  });
  return [kept];
}

async function keepAof(action: Keep, place: DataPlace, directory: string, at: At): Promise<readonly KeptFile[]> {
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    const before = await findAof(at, action.node, place);
    if (!before || (before.files.length === 0 && !before.manifest)) return [];
    const into = before.layout === 'multi' ? join(directory, place.appenddirname) : directory;
    const kept = await keepFiles(action, before, into, at);
    const after = await findAof(at, action.node, place);
    if (kept && after?.manifest?.text === before.manifest?.text) {
      if (!isReadLater(action)) await verifyAof(action.node, before, kept, at);
      return kept;
    }
    for (const file of kept ?? []) await nodeAt(at, action.node).named.remove(file.kept);
  }
  throw new Error(`the append-only file was rewritten ${MOST_TRIES} times while it was being kept`);
}

/** Undefined when a file went away meanwhile: a rewrite has ended, and the manifest tells. */
async function keepFiles(action: Keep, aof: AofOnDisk, into: string, at: At): Promise<readonly KeptFile[] | undefined> {
  const { named: host } = nodeAt(at, action.node);
  const last = aof.files.at(-1);
  // The manifest first: a rewrite that ends meanwhile is seen by it.
  const manifest = aof.manifest ? [await keepOrGone(keepOne(action, aof.manifest.path, into, 'copy', at))] : [];
  const files = aof.files.map((file) => {
    const how = file === last && !isReplacedWhole(file) ? 'copy' : 'link-or-copy';
    return keepOrGone(keepOne(action, file.path, into, how, at));
  });
  const all = [...manifest, ...(await everyEnd(files))];
  const kept = all.filter((file) => file !== undefined);
  if (kept.length === all.length) return kept;
  for (const file of kept) await host.remove(file.kept);
  return undefined;
}

/**
 * A base in RDB format. One that was an AOF of before 7.0 is truncated in place at the next load, where no INCR file follows
 * it and its end is torn (aof.c:loadSingleAppendOnlyFile, seen on 7.0.15).
 */
function isReplacedWhole({ type, path }: AofOnDisk['files'][number]): boolean {
  return type === 'base' && path.endsWith('.rdb');
}

/** Undefined when the file is gone. */
function keepOrGone(keeping: Promise<KeptFile>): Promise<KeptFile | undefined> {
  return keeping.catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return undefined;
  });
}

/** Waits for all, and throws the first failure only then: nothing is left under way. */
async function everyEnd<T>(promises: readonly Promise<T>[]): Promise<readonly T[]> {
  const ends = await Promise.allSettled(promises);
  return ends.map((end) => {
    if (end.status === 'rejected') throw end.reason;
    return end.value;
  });
}

/** The kept copy is compared with as much of the original as it had; what it holds is read to its end. */
async function verifyAof(node: string, aof: AofOnDisk, kept: readonly KeptFile[], at: At): Promise<void> {
  const { named: host } = nodeAt(at, node);
  if (aof.missing.length > 0) await at.evidence(`listed in the manifest but missing: ${aof.missing.join(', ')}`);
  const verify = async (file: KeptFile) => {
    // A link is the original itself.
    const original = file.how === 'link' ? undefined : await host.hash(file.original, at.signal, file.sizeBytes);
    if (original?.ok && original.value !== file.sha256)
      throw new Error(`the kept copy of ${file.original} differs from it`);
    if (file.original === aof.manifest?.path) return;
    const scan = await readAof(host, file.kept, at.signal).catch((error: Error) => error.message);
    const says =
      typeof scan === 'string' ? `cannot be loaded: ${scan}` : `${scan.commands} commands, its end is ${scan.tail}`;
    await at.evidence(`${file.original}: ${says}`, { sizeBytes: file.sizeBytes, sha256: file.sha256 });
  };
  await everyEnd(kept.map(verify));
}
