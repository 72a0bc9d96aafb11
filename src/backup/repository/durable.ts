import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { link, lstat, open, rename, rm, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { RunbookError } from '../../errors.js';
import { makeDirectories } from '../../hosts/local-write.js';

/** What a file has that is not finished; never the name of a stored one, whose parts begin with a letter or digit. */
export const UNFINISHED = '.unfinished-';

/** The system's word for what went wrong, `ENOENT`; undefined for other errors. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** Gives undefined for an error with this code, throws every other. */
export function unless(code: string): (error: unknown) => undefined {
  return (error) => {
    if (codeOf(error) === code) return undefined;
    throw error;
  };
}

/**
 * A full disk as RunbookError `disk-full` that says where; every other error as it is. `needed`: what did not find room.
 * `place` may be on its way out: its parent is what is asked for room.
 */
export async function sayingFull(error: unknown, place: string, needed?: string): Promise<unknown> {
  const code = codeOf(error);
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error;
  const what = code === 'ENOSPC' ? 'The disk is full' : 'The quota is used up';
  const parent = dirname(place);
  const free = await statfs(parent).then(
    ({ bavail, bsize, ffree }) => [`free there now: ${bavail * bsize} bytes, ${ffree} inodes`],
    () => [],
  );
  return new RunbookError('disk-full', `${what} where backups are kept: ${place}.`, {
    facts: [...(needed === undefined ? [] : [needed]), ...free],
    next: [
      `df -h ${parent}   (df -i where inodes are short)`,
      'redis-runbook backup prune',
      'redis-runbook backup create   when there is room',
    ],
  });
}

/** Makes a directory's entries survive a power cut. */
export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes a directory (0700) and its missing parents, each durable; an existing one stays as it is. */
export async function makeDirectory(path: string): Promise<void> {
  const made = await makeDirectories(path).catch(async (error: unknown) => {
    throw await sayingFull(error, path);
  });
  if (made === undefined) return;
  for (let at = path; ; at = dirname(at)) {
    await syncDirectory(dirname(at));
    if (at === made || at === dirname(at)) return;
  }
}

/** Writes a small file (0600) whole or not at all, so that it survives a power cut once this resolves. */
export async function writeWhole(path: string, content: Uint8Array | string): Promise<void> {
  const temporary = join(dirname(path), `${UNFINISHED}${randomBytes(8).toString('hex')}`);
  try {
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw await sayingFull(error, dirname(path));
  }
  await syncDirectory(dirname(path));
}

/** As `writeWhole`, and only when nothing has that name yet: false when something does. */
export async function writeOnce(path: string, content: Uint8Array | string): Promise<boolean> {
  const temporary = join(dirname(path), `${UNFINISHED}${randomBytes(8).toString('hex')}`);
  await writeWhole(temporary, content);
  try {
    await link(temporary, path);
  } catch (error) {
    unless('EEXIST')(error);
    return false;
  } finally {
    await rm(temporary, { force: true });
  }
  await syncDirectory(dirname(path));
  return true;
}

/** Reads a regular file of at most `limitBytes` without following a link; undefined when it is not there. Throws Error for a larger one or another kind. */
export async function readSmall(path: string, limitBytes: number): Promise<Uint8Array | undefined> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const handle = await open(path, flags).catch(unless('ENOENT'));
  if (handle === undefined) return undefined;
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw new Error(`${path} is no regular file`);
    if (stat.size > limitBytes) throw new Error(`${path} is larger than ${limitBytes} bytes`);
    const buffer = Buffer.alloc(limitBytes < stat.size + 1 ? limitBytes : stat.size + 1);
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
    return new Uint8Array(buffer.subarray(0, bytesRead));
  } finally {
    await handle.close();
  }
}

/** What stands at a path, links not followed; undefined when nothing does. */
export async function whatIs(path: string): Promise<'file' | 'directory' | 'link' | 'other' | undefined> {
  const stat = await lstat(path).catch(unless('ENOENT'));
  if (stat === undefined) return undefined;
  if (stat.isSymbolicLink()) return 'link';
  if (stat.isDirectory()) return 'directory';
  return stat.isFile() ? 'file' : 'other';
}
