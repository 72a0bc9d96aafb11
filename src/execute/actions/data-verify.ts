import { basename, join } from 'node:path';
import type { KeptFile, WritableHost } from '../../hosts/host.js';
import { fromJson, toJson } from '../../model/json.js';
import type { ActionOf } from '../../model/plan.js';
import { decodeText } from '../../redis/byte-text.js';
import { plannedPlace } from '../data-place.js';
import { rdbDamage, readAof, readRdbEnds } from '../data-read.js';
import { nodeAt } from '../node.js';
import type { ActionModule, At } from '../tools.js';
import { keptDirectory, LIST } from './data-keep.js';

/** The same list with the hash of each, once the group serves. */
export const VERIFIED_FILE = 'verified.json';
const LIMIT_BYTES = 1024 * 1024;

/**
 * Hashes what was kept after the stop and writes the hashes down beside it: on the node's host, once the group serves. An
 * RDB file must end as a whole one does (its checksum was compared by the server that loaded it); an append-only file is
 * read to its end. One that no server would load was so before the run: it is kept as it is, told, and not counted.
 */
export const dataVerify: ActionModule<'data.verify'> = {
  changes: false,
  undo: { none: 'nothing is changed' },
  look: async (action, at) => {
    const { named: host } = nodeAt(at, action.node);
    const directory = await directoryOf(action, at);
    if ((await host.stat(join(directory, VERIFIED_FILE))).ok) return { state: 'done', says: 'verified by this run' };
    const list = await host.stat(join(directory, LIST));
    return !list.ok && list.why === 'absent'
      ? { state: 'done', says: 'nothing was kept' }
      : { state: 'not-done', says: 'kept, and not verified' };
  },
  act: async (action, at) => {
    const { named: host } = nodeAt(at, action.node);
    const place = await plannedPlace(at, action.node);
    const directory = keptDirectory(place, at.tools.run, 'after-stop');
    const kept = await keptIn(host, join(directory, LIST), at.signal);
    const verified = await Promise.all(kept.map((file) => verify(host, file, place.rdb, at)));
    const list = new TextEncoder().encode(`${toJson(verified, 2)}\n`);
    await host.write(join(directory, VERIFIED_FILE), list, 'absent', at.signal);
    return { says: sayVerified(verified, at), detail: { directory, files: verified } };
  },
};

interface VerifiedFile extends KeptFile {
  /** Why no server would load it. */
  readonly cannotLoad?: string;
}

function sayVerified(files: readonly VerifiedFile[], at: At): string {
  const bad = files.flatMap(({ original, cannotLoad }) =>
    cannotLoad === undefined ? [] : [`${basename(original)} is kept as it was and cannot be loaded: ${cannotLoad}`],
  );
  const all = `${files.length} kept ${files.length === 1 ? 'file' : 'files'}`;
  if (bad.length === 0) return `${all} verified`;
  for (const one of bad) at.note(one);
  return `${files.length - bad.length} of ${all} verified; ${bad.join('; ')}`;
}

async function directoryOf(action: ActionOf<'data.verify'>, at: At): Promise<string> {
  return keptDirectory(await plannedPlace(at, action.node), at.tools.run, 'after-stop');
}

async function keptIn(host: WritableHost, path: string, signal: AbortSignal): Promise<readonly KeptFile[]> {
  const read = await host.read(path, LIMIT_BYTES, signal);
  if (!read.ok) throw new Error(`${path} could not be read: ${read.detail}`);
  const list = fromJson(decodeText(read.value));
  if (!Array.isArray(list)) throw new Error(`${path} is no list of kept files`);
  return list.map((entry: Record<string, unknown>) => {
    const { original, kept, how, sizeBytes, sha256 } = entry;
    const isHow = how === 'link' || how === 'reflink' || how === 'copy';
    if (typeof original !== 'string' || typeof kept !== 'string' || !isHow || typeof sha256 !== 'string')
      throw new Error(`${path} makes no sense`);
    return { original, kept, how, sizeBytes: BigInt(String(sizeBytes)), sha256 };
  });
}

async function verify(host: WritableHost, file: KeptFile, rdb: string, at: At): Promise<VerifiedFile> {
  const stat = await host.stat(file.kept);
  if (!stat.ok) throw new Error(`${file.kept} could not be seen: ${stat.detail}`);
  if (stat.value.sizeBytes !== file.sizeBytes)
    throw new Error(`${file.kept} has ${stat.value.sizeBytes} bytes, and ${file.sizeBytes} were kept`);
  const hash = await host.hash(file.kept, at.signal);
  if (!hash.ok) throw new Error(`${file.kept} could not be hashed: ${hash.detail}`);
  // Empty where it was only linked; what was copied was hashed when it was kept.
  if (file.sha256 !== '' && file.sha256 !== hash.value)
    throw new Error(`${file.kept} has the sha256 ${hash.value}, and ${file.sha256} was kept: it was changed since`);
  const end = await endOf(host, file, rdb, at.signal).catch((error: Error): End => ({ cannotLoad: error.message }));
  const says = end.says ?? `cannot be loaded: ${end.cannotLoad}`;
  await at.evidence(`${file.kept}: ${says}`, { sizeBytes: file.sizeBytes, sha256: hash.value });
  const { cannotLoad } = end;
  return { ...file, sha256: hash.value, ...(cannotLoad === undefined ? {} : { cannotLoad }) };
}

type End =
  | { readonly says: string; readonly cannotLoad?: never }
  | { readonly cannotLoad: string; readonly says?: never };

/** A snapshot may have any name: `rdb` is where the node has it. */
async function endOf(
  host: WritableHost,
  { original, kept: path }: KeptFile,
  rdb: string,
  signal: AbortSignal,
): Promise<End> {
  if (path.endsWith('.manifest')) return { says: 'kept' };
  if (original === rdb || path.endsWith('.rdb')) {
    const damage = rdbDamage(await readRdbEnds(host, path, signal));
    return damage === undefined ? { says: 'whole' } : { cannotLoad: damage };
  }
  const { commands, tail } = await readAof(host, path, signal);
  return { says: `${commands} commands, its end is ${tail}` };
}
