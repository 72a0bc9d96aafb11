import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, lstat, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { RunbookError } from '../../errors.js';
import { pathTrouble } from '../paths.js';
import { whatIs } from './durable.js';
import type { FoundFile, StoredFile } from './repository.js';

/** Files of a backup's directory that are not its data. */
export const ownFiles: readonly string[] = ['manifest.json', 'manifest.json.sig', 'SHA256SUMS', 'resume.json'];
const checksDirectory = 'checks';
const deepest = 8;
const mostFiles = 100_000;

/** Every file below a backup's directory but its own, sorted by path; links are named, never followed. Throws Error when there is no end of them. */
export async function filesBelow(directory: string): Promise<readonly FoundFile[]> {
  const found: FoundFile[] = [];
  async function walk(below: string, depth: number): Promise<void> {
    if (depth > deepest || found.length > mostFiles) throw new Error(`${directory} holds more than a backup can`);
    for (const entry of await readdir(join(directory, below), { withFileTypes: true })) {
      const path = below === '' ? entry.name : `${below}/${entry.name}`;
      if (below === '' && (ownFiles.includes(entry.name) || entry.name === checksDirectory)) continue;
      if (entry.isDirectory()) await walk(path, depth + 1);
      else found.push(await found1(directory, path));
    }
  }
  await walk('', 0);
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function found1(directory: string, path: string): Promise<FoundFile> {
  const stat = await lstat(join(directory, path), { bigint: true });
  const what = stat.isFile() ? 'file' : stat.isSymbolicLink() ? 'link' : 'other';
  return { path, what, sizeBytes: stat.size };
}

/** Opens one stored file for reading: inside the grammar, no link anywhere below `directory`, a regular file. Rejects with RunbookError `usage` or the system's error. */
async function openStored(directory: string, path: string): Promise<FileHandle> {
  const trouble = pathTrouble(path);
  if (trouble !== undefined)
    throw new RunbookError('usage', `${JSON.stringify(path)} names no file of a backup: ${trouble}.`);
  const parents = path.split('/').slice(0, -1);
  for (const [index] of parents.entries()) {
    const at = join(directory, ...parents.slice(0, index + 1));
    const what = await whatIs(at);
    if (what !== 'directory' && what !== undefined) throw new Error(`${at} is no directory but a ${what}`);
  }
  const handle = await open(join(directory, path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  throw new Error(`${join(directory, path)} is no regular file`);
}

/** The bytes of one stored file, in chunks; the file is closed when the reader stops. */
export async function* readStored(directory: string, path: string, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  const handle = await openStored(directory, path);
  try {
    for (;;) {
      signal?.throwIfAborted();
      const buffer = Buffer.allocUnsafe(256 * 1024);
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, null);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

/** Size and hash of one stored file, read now. */
export async function hashStored(directory: string, path: string, signal?: AbortSignal): Promise<StoredFile> {
  const hash = createHash('sha256');
  let sizeBytes = 0n;
  for await (const chunk of readStored(directory, path, signal)) {
    hash.update(chunk);
    sizeBytes += BigInt(chunk.length);
  }
  return { path, sizeBytes, sha256: hash.digest('hex') };
}
