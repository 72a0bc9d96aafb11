import { createHash, randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, link, lstat, mkdir, open, readdir, rename, rmdir, unlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { FileStat } from '../model/raw-host.js';
import { ChangedUnderneath } from './host.js';
import { fileError, readRegular } from './local-files.js';
import { codeOf } from './reading.js';

/** Config files that are rewritten are small; anything larger is no config file. */
const LIMIT_BYTES = 16 * 1024 * 1024;

/** Makes names and renames in a directory survive a power cut. */
export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A name beside `path` that nobody can have made before; hidden, so that `include conf.d/*` does not load it. */
export function temporaryName(path: string): string {
  return join(dirname(path), `.${basename(path)}.redis-runbook-${randomBytes(6).toString('hex')}`);
}

/** What a killed writer of `path`, or one that still writes, has beside it under a temporary name. */
export async function leftoversOf(path: string): Promise<readonly string[]> {
  const begin = `.${basename(path)}.redis-runbook-`;
  const names = await readdir(dirname(path)).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  });
  const own = names.filter((name) => name.startsWith(begin) && /^[0-9a-f]{12}$/.test(name.slice(begin.length)));
  return own.map((name) => join(dirname(path), name));
}

/** Removes these leftovers. Only where nobody else may write `path` meanwhile: a live writer would lose its file. */
export async function removeLeftovers(path: string): Promise<void> {
  for (const leftover of await leftoversOf(path)) await removeFile(leftover);
}

/** Removes a file; one that is gone already is fine. */
export async function removeFile(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    return;
  }
  await syncDirectory(dirname(path));
}

/** Removes a directory that is empty; anything else stays as it is. */
export async function removeEmptyDirectory(path: string): Promise<void> {
  try {
    await rmdir(path);
  } catch (error) {
    if (!['ENOENT', 'ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(codeOf(error))) throw error;
    return;
  }
  await syncDirectory(dirname(path));
}

/** What root made in a directory of another user's becomes that user's, who else could not read it. Follows no link. */
export async function giveToOwner(made: string): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = await lstat(dirname(made));
  if (uid === 0) return;
  const handle = await open(made, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    await handle.chown(uid, gid);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * mkdir -p with mode 0700; gives the first directory that it made. Node 20 answers ENOENT where a file system has no room
 * for one more name (`recursive` hides the ENOSPC): the first one that is missing is then asked for by itself.
 */
export async function makeDirectories(path: string): Promise<string | undefined> {
  try {
    return await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    let missing = resolve(path);
    while (dirname(missing) !== missing && (await isMissing(dirname(missing)))) missing = dirname(missing);
    await mkdir(missing, { mode: 0o700 });
    await mkdir(path, { recursive: true, mode: 0o700 });
    return missing;
  }
}

async function isMissing(path: string): Promise<boolean> {
  return lstat(path).then(
    () => false,
    (error: unknown) => codeOf(error) === 'ENOENT',
  );
}

/** Makes a directory (0700) and its missing parents; an existing one is left as it is. Root's become the owner's of where they are. */
export async function makePrivateDirectory(path: string): Promise<void> {
  const first = await makeDirectories(path);
  if (first === undefined) return;
  const made = [resolve(path)];
  for (let at = resolve(path); at !== first && at !== '/'; at = dirname(at)) made.unshift(dirname(at));
  for (const each of made) await giveToOwner(each);
}

async function readExpected(path: string, expected: string, signal: AbortSignal): Promise<FileStat> {
  try {
    const { stat, bytes } = await readRegular(path, LIMIT_BYTES, signal, 'refuse');
    const hash = createHash('sha256').update(bytes).digest('hex');
    if (hash !== expected) throw new ChangedUnderneath(path, 'changed since it was read: nothing was written');
    return stat;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') throw new ChangedUnderneath(path, 'is gone: nothing was written');
    if (codeOf(error) === 'ELOOP') throw fileError('ELOOP', `${path} is a link: it is not replaced`);
    throw error;
  }
}

async function refuseExisting(path: string): Promise<void> {
  const found = await lstat(path).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (found) throw new ChangedUnderneath(path, 'is there already: nothing was written');
}

async function fill(handle: FileHandle, bytes: Uint8Array, like: FileStat | undefined): Promise<void> {
  await handle.writeFile(bytes);
  if (like) {
    const own = await handle.stat();
    if (own.uid !== like.uid || own.gid !== like.gid) await handle.chown(like.uid, like.gid);
    await handle.chmod(like.mode);
  }
  await handle.sync();
}

async function place(
  temporary: string,
  path: string,
  expected: string,
  like: FileStat | undefined,
  guard: () => void,
): Promise<void> {
  if (like === undefined) {
    try {
      guard();
      await link(temporary, path);
    } catch (error) {
      if (codeOf(error) === 'EEXIST') throw new ChangedUnderneath(path, 'appeared meanwhile: nothing was written');
      throw error;
    }
    await unlink(temporary);
    return;
  }
  const now = await readExpected(path, expected, new AbortController().signal);
  if (now.inode !== like.inode || now.device !== like.device) {
    throw new ChangedUnderneath(path, 'was replaced since it was read: nothing was written');
  }
  guard();
  await rename(temporary, path);
}

/**
 * Replaces a regular file atomically: exclusive temporary name in the same directory, owner and mode of the original,
 * fsync of file and directory, rename. The content is compared with `expected` (sha256, lower-case hex, or `absent`)
 * before anything is written and again right before the rename; throws ChangedUnderneath. A link is refused. `guard` is
 * asked first, and once more right before the file gets its name; what it throws stops the writing. A new file of root's
 * becomes the directory owner's.
 */
export async function replaceFile(
  path: string,
  bytes: Uint8Array,
  expected: string | 'absent',
  signal: AbortSignal,
  guard: () => void = () => undefined,
): Promise<void> {
  signal.throwIfAborted();
  guard();
  const like = expected === 'absent' ? undefined : await readExpected(path, expected, signal);
  if (like === undefined) await refuseExisting(path);
  const temporary = temporaryName(path);
  const handle = await open(temporary, 'wx', 0o600);
  try {
    try {
      await fill(handle, bytes, like);
    } finally {
      await handle.close();
    }
    if (like === undefined) await giveToOwner(temporary);
    signal.throwIfAborted();
    await place(temporary, path, expected, like, guard);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  await syncDirectory(dirname(path));
}
