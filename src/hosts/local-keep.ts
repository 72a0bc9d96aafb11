import { constants } from 'node:fs';
import { copyFile, link, lstat, open, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { RunbookError } from '../errors.js';
import type { HeldOnHost, KeptFile } from './host.js';
import { hashHandle, type OpenFile, openRegular, statPath } from './local-files.js';
import { makePrivateDirectory, syncDirectory, temporaryName } from './local-write.js';
import { codeOf } from './reading.js';

/** File systems that cannot link here: another device, links forbidden (fs.protected_hardlinks), too many links. */
const cannotLink = new Set(['EXDEV', 'EPERM', 'EACCES', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);
const cannotReflink = new Set(['ENOTSUP', 'EOPNOTSUPP', 'EXDEV', 'EINVAL', 'ENOSYS', 'ENOTTY', 'EPERM']);

async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    (error: unknown) => {
      if (codeOf(error) === 'ENOENT') return false;
      throw error;
    },
  );
}

/** Hard-links the opened file; undefined when the file system cannot. Throws when the name led elsewhere meanwhile. */
async function linkTo(path: string, temporary: string, source: OpenFile): Promise<'link' | undefined> {
  try {
    await link(path, temporary);
  } catch (error) {
    if (cannotLink.has(codeOf(error))) return undefined;
    throw error;
  }
  const linked = await statPath(temporary);
  if (linked.inode === source.stat.inode && linked.device === source.stat.device) return 'link';
  await unlink(temporary);
  throw new RunbookError('changed', `${path} was replaced while it was being kept: nothing was kept of it`);
}

async function copyTo(temporary: string, source: OpenFile): Promise<'reflink' | 'copy'> {
  // The path of the descriptor: whatever the name leads to by now, the opened file is copied.
  const opened = `/proc/self/fd/${source.handle.fd}`;
  let how: 'reflink' | 'copy' = 'reflink';
  try {
    await copyFile(opened, temporary, constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL);
  } catch (error) {
    if (!cannotReflink.has(codeOf(error))) throw error;
    how = 'copy';
    await unlink(temporary).catch(() => undefined);
    await copyFile(opened, temporary, constants.COPYFILE_EXCL);
  }
  try {
    const handle = await open(temporary, constants.O_RDWR | constants.O_NOFOLLOW);
    try {
      if (process.getuid?.() === 0) await handle.chown(source.stat.uid, source.stat.gid);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    // A disk may say only here that it is full.
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  return how;
}

async function sizeOf(path: string): Promise<bigint> {
  const { handle, stat } = await openRegular(path, 'refuse');
  await handle.close();
  return stat.sizeBytes;
}

async function hashOf(path: string, signal: AbortSignal): Promise<{ sha256: string; sizeBytes: bigint }> {
  const { handle, stat } = await openRegular(path, 'refuse');
  try {
    return { sha256: await hashHandle(handle, signal, stat.sizeBytes), sizeBytes: stat.sizeBytes };
  } finally {
    await handle.close();
  }
}

/** A kept file is never replaced: the same content is the same keep done before, any other is an error. */
async function keptBefore(path: string, kept: string, source: OpenFile, signal: AbortSignal): Promise<KeptFile> {
  const there = await statPath(kept);
  const same = there.inode === source.stat.inode && there.device === source.stat.device;
  const { sha256, sizeBytes } = await hashOf(kept, signal);
  if (!same && (await hashHandle(source.handle, signal)) !== sha256) {
    throw new RunbookError('changed', `${kept} holds another content than ${path}: it is not replaced`);
  }
  return { original: path, kept, how: same ? 'link' : 'copy', sizeBytes, sha256 };
}

/**
 * Keeps a regular file under `directory` (made 0700) with its own base name, through a temporary name and a link, so
 * that a half copy never has the kept name. `link-or-copy` is for files that their writers replace by rename; an AOF
 * that is appended to must be copied. The hash is of the kept file. Throws RunbookError `changed`, or the system's error.
 */
export async function keepFile(
  path: string,
  directory: string,
  how: 'link-or-copy' | 'copy',
  signal: AbortSignal,
): Promise<KeptFile> {
  const done = await placed(path, directory, how, signal);
  return 'sha256' in done ? done : { ...done, ...(await hashOf(done.kept, signal)) };
}

/** As `keepFile` with `link-or-copy`, without reading a file that could be linked. */
export async function holdFile(path: string, directory: string, signal: AbortSignal): Promise<HeldOnHost> {
  const done = await placed(path, directory, 'link-or-copy', signal);
  return 'sizeBytes' in done ? done : { ...done, sizeBytes: await sizeOf(done.kept) };
}

async function placed(
  path: string,
  directory: string,
  how: 'link-or-copy' | 'copy',
  signal: AbortSignal,
): Promise<KeptFile | Pick<KeptFile, 'original' | 'kept' | 'how'>> {
  await makePrivateDirectory(directory);
  const kept = join(directory, basename(path));
  const source = await openRegular(path, 'refuse');
  try {
    signal.throwIfAborted();
    if (await isThere(kept)) return await keptBefore(path, kept, source, signal);
    const temporary = temporaryName(kept);
    const linked = how === 'link-or-copy' ? await linkTo(path, temporary, source) : undefined;
    const done = linked ?? (await copyTo(temporary, source));
    try {
      await link(temporary, kept);
    } finally {
      await unlink(temporary);
    }
    await syncDirectory(directory);
    await syncDirectory(dirname(directory));
    return { original: path, kept, how: done };
  } finally {
    await source.handle.close();
  }
}
