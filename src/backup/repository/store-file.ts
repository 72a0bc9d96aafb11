import { createHash, randomBytes } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { RunbookError } from '../../errors.js';
import { makeDirectory, sayingFull, syncDirectory, UNFINISHED } from './durable.js';
import type { PutOptions, StoredFile } from './repository.js';

/** Streams bytes into `directory/path` (0600): hashed on the way, on the disk before it has its name, or not there at all. */
export async function storeFile(
  directory: string,
  path: string,
  source: AsyncIterable<Uint8Array>,
  options: PutOptions,
): Promise<StoredFile> {
  const target = join(directory, path);
  const temporary = join(dirname(target), `${UNFINISHED}${randomBytes(8).toString('hex')}`);
  try {
    await makeDirectory(dirname(target));
    const handle = await open(temporary, 'wx', 0o600);
    const stored = await fill(handle, path, source, options).finally(() => handle.close());
    await rename(temporary, target);
    await syncDirectory(dirname(target));
    return stored;
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw sayingFull(error, directory);
  }
}

async function fill(
  handle: FileHandle,
  path: string,
  source: AsyncIterable<Uint8Array>,
  { signal, limitBytes, onBytes }: PutOptions,
): Promise<StoredFile> {
  const hash = createHash('sha256');
  let sizeBytes = 0n;
  for await (const chunk of source) {
    signal?.throwIfAborted();
    sizeBytes += BigInt(chunk.length);
    if (limitBytes !== undefined && sizeBytes > limitBytes) throw tooMuch(path, limitBytes);
    const written = writeAll(handle, chunk);
    // The disk and the hash work side by side: a write is under way in another thread meanwhile.
    hash.update(chunk);
    await written;
    onBytes?.(chunk.length);
  }
  signal?.throwIfAborted();
  await handle.sync();
  return { path, sizeBytes, sha256: hash.digest('hex') };
}

async function writeAll(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let from = 0; from < chunk.length; ) {
    const { bytesWritten } = await handle.write(chunk, from, chunk.length - from);
    from += bytesWritten;
  }
}

function tooMuch(path: string, limitBytes: bigint): RunbookError {
  return new RunbookError('incomplete', `More than ${limitBytes} bytes came for ${path}; nothing of it was kept.`, {
    next: ['redis-runbook backup create'],
  });
}
