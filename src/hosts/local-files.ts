import { createHash } from 'node:crypto';
import { type BigIntStats, constants } from 'node:fs';
import { type FileHandle, lstat, open, readdir, readlink } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { FileStat } from '../model/raw-host.js';

const CHUNK_BYTES = 256 * 1024;
const MOST_LINKS = 40;

/** A system error of our own making, so that it is classed like the kernel's. */
export function fileError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

function typeOf(stats: BigIntStats): FileStat['type'] {
  if (stats.isFile()) return 'file';
  if (stats.isSymbolicLink()) return 'link';
  return stats.isDirectory() ? 'directory' : 'other';
}

/** The kernel's answer in the shape that surveys keep. */
function toFileStat(stats: BigIntStats): FileStat {
  return {
    sizeBytes: stats.size,
    mtimeMs: Number(stats.mtimeNs / 1000n) / 1000,
    ctimeMs: Number(stats.ctimeNs / 1000n) / 1000,
    mode: Number(stats.mode & 0o7777n),
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    device: stats.dev,
    inode: stats.ino,
    type: typeOf(stats),
  };
}

/** stat without following a link; throws the system's error. */
export async function statPath(path: string): Promise<FileStat> {
  return toFileStat(await lstat(path, { bigint: true }));
}

/** Where a path leads, link by link, and whose the links are that are neither root's nor ours. */
async function follow(path: string): Promise<{ readonly target: string; readonly makers: readonly number[] }> {
  const makers: number[] = [];
  let target = path;
  for (let hops = 0; hops <= MOST_LINKS; hops += 1) {
    const link = await lstat(target);
    if (!link.isSymbolicLink()) return { target, makers };
    if (link.uid !== 0 && link.uid !== process.getuid?.()) makers.push(link.uid);
    target = resolve(dirname(target), await readlink(target));
  }
  throw fileError('ELOOP', `${path}: too many links`);
}

export interface OpenFile {
  readonly handle: FileHandle;
  readonly stat: FileStat;
}

/**
 * Opens a regular file for reading; never blocks on a pipe, never opens a device. `links: 'refuse'` also refuses links;
 * else a link is followed only when whoever made it could read its target anyway (its own, root's or ours): the user of a
 * redis server could plant one that leads root to /etc/shadow. What counts is the file that was opened, not the one that
 * had the name a moment ago.
 */
export async function openRegular(path: string, links: 'follow' | 'refuse'): Promise<OpenFile> {
  const { target, makers } = links === 'follow' ? await follow(path) : { target: path, makers: [] };
  const handle = await open(target, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const opened = toFileStat(await handle.stat({ bigint: true }));
    if (opened.type !== 'file') throw fileError('EINVAL', `${path} is not a regular file`);
    const foreign = makers.find((maker) => maker !== opened.uid);
    if (foreign !== undefined) {
      throw fileError('ELOOP', `${path} is a link of user ${foreign} to a file of user ${opened.uid}: not followed`);
    }
    return { handle, stat: opened };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** The bytes of an open file from `fromByte` to `toByte` (exclusive), in chunks; the caller closes the handle. */
export async function* chunksOf(
  handle: FileHandle,
  signal: AbortSignal,
  fromByte = 0n,
  toByte?: bigint,
): AsyncGenerator<Uint8Array> {
  let position = fromByte;
  for (;;) {
    signal.throwIfAborted();
    const left = toByte === undefined ? BigInt(CHUNK_BYTES) : toByte - position;
    if (left <= 0n) return;
    const length = left < BigInt(CHUNK_BYTES) ? Number(left) : CHUNK_BYTES;
    const { bytesRead, buffer } = await handle.read(new Uint8Array(length), 0, length, Number(position));
    if (bytesRead === 0) return;
    position += BigInt(bytesRead);
    yield buffer.subarray(0, bytesRead);
  }
}

/** A file in chunks; throws the system's error. Links are followed as `openRegular` says. */
export async function* streamFile(
  path: string,
  signal: AbortSignal,
  fromByte?: bigint,
  toByte?: bigint,
): AsyncGenerator<Uint8Array> {
  const { handle } = await openRegular(path, 'follow');
  try {
    yield* chunksOf(handle, signal, fromByte, toByte);
  } finally {
    await handle.close();
  }
}

/** Some bytes of an open file as one array. */
async function bytesOf(handle: FileHandle, signal: AbortSignal, fromByte: bigint, toByte: bigint): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of chunksOf(handle, signal, fromByte, toByte)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The whole file; throws EFBIG when it is longer than `limitBytes`. */
export async function readRegular(
  path: string,
  limitBytes: number,
  signal: AbortSignal,
  links: 'follow' | 'refuse' = 'follow',
): Promise<{ readonly stat: FileStat; readonly bytes: Uint8Array }> {
  const { handle, stat: opened } = await openRegular(path, links);
  try {
    const bytes = await bytesOf(handle, signal, 0n, BigInt(limitBytes) + 1n);
    if (bytes.length > limitBytes) throw fileError('EFBIG', `${path} is larger than ${limitBytes} bytes`);
    return { stat: opened, bytes };
  } finally {
    await handle.close();
  }
}

/** sha256 of an open file from its beginning, lower-case hex. */
export async function hashHandle(handle: FileHandle, signal: AbortSignal, lengthBytes?: bigint): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of chunksOf(handle, signal, 0n, lengthBytes)) hash.update(chunk);
  return hash.digest('hex');
}

/** sha256 of a file, or of its first `lengthBytes` bytes; throws the system's error. */
export async function hashFile(path: string, signal: AbortSignal, lengthBytes?: bigint): Promise<string> {
  const { handle } = await openRegular(path, 'follow');
  try {
    return await hashHandle(handle, signal, lengthBytes);
  } finally {
    await handle.close();
  }
}

/** Names in a directory, sorted; throws EFBIG above `limit` names. */
export async function listDirectory(path: string, limit: number): Promise<readonly string[]> {
  const names = await readdir(path);
  if (names.length > limit) throw fileError('EFBIG', `${path} holds more than ${limit} names`);
  return names.sort();
}
