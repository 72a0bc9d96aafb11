import { constants } from 'node:fs';
import { link, open, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ChangedUnderneath, type UploadFile } from './host.js';
import { fileError, hashFile, statPath } from './local-files.js';
import { giveToOwner, removeFile, syncDirectory } from './local-write.js';
import { codeOf } from './reading.js';
import { type UploadSteps, uploadBy } from './upload.js';

/** As WritableHost.upload, on this machine. A file of root's becomes the directory owner's. `guard` throws when the run may not change the host any more. */
export function uploadHere(
  path: string,
  file: UploadFile,
  signal: AbortSignal,
  guard: () => void,
): Promise<'there' | 'written'> {
  const steps: UploadSteps = {
    size: sizeOf,
    hash: (each) => hashFile(each, signal),
    append: async (part, fromByte, chunks) => {
      guard();
      await append(part, fromByte, chunks, signal);
    },
    finish: async (part, whole, sha256) => {
      guard();
      await finish(part, whole, sha256, signal);
    },
  };
  return uploadBy(steps, path, file, signal);
}

async function sizeOf(path: string): Promise<bigint | undefined> {
  const stat = await statPath(path).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (stat === undefined || stat.type === 'file') return stat?.sizeBytes;
  throw fileError('EINVAL', `${path} is not a regular file`);
}

async function append(
  part: string,
  fromByte: bigint,
  chunks: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  if (fromByte === 0n) await removeFile(part);
  const begins = fromByte === 0n ? constants.O_CREAT | constants.O_EXCL : 0;
  const handle = await open(part, constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW | begins, 0o600);
  try {
    if ((await handle.stat({ bigint: true })).size !== fromByte) throw fileError('ESTALE', `${part} has another size`);
    for await (const chunk of chunks) {
      signal.throwIfAborted();
      await handle.writeFile(chunk);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function finish(part: string, path: string, sha256: string, signal: AbortSignal): Promise<void> {
  if ((await hashFile(part, signal)) !== sha256) {
    await removeFile(part);
    throw fileError('EIO', `${path} arrived otherwise than it was sent: nothing was written`);
  }
  await giveToOwner(part);
  try {
    await link(part, path);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') throw new ChangedUnderneath(path, 'appeared meanwhile: nothing was written');
    throw error;
  }
  await unlink(part);
  await syncDirectory(dirname(path));
}
