import { randomBytes } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { RunbookError } from '../../errors.js';
import { makeDirectory, sayingFull, syncDirectory, UNFINISHED } from './durable.js';
import { readingBack } from './read-back.js';
import type { PutOptions, StoredFile } from './repository.js';

/** Streams bytes into `directory/path` (0600): read back and hashed on the way, on the disk before it has its name, or not there at all. */
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
    const handle = await open(temporary, 'wx+', 0o600);
    const stored = await fill(handle, path, source, options).finally(() => handle.close());
    await rename(temporary, target);
    await syncDirectory(dirname(target));
    return stored;
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw await sayingFull(error, directory, neededFor(path, options));
  }
}

function neededFor(path: string, { limitBytes, expectedBytes }: PutOptions): string | undefined {
  const most = limitBytes ?? expectedBytes;
  return most === undefined ? undefined : `${path} takes up to ${most} bytes`;
}

/** One write of so many bytes instead of many small ones. */
const BLOCK_BYTES = 1024 * 1024;
/** The disk begins with what is there while more arrives: at the end little is left to wait for. */
const SYNC_EVERY_BYTES = 64 * 1024 * 1024;

async function fill(
  handle: FileHandle,
  path: string,
  source: AsyncIterable<Uint8Array>,
  { signal, limitBytes, expectedBytes, onBytes, isRdb }: PutOptions,
): Promise<StoredFile> {
  const back = readingBack(handle, limitBytes ?? expectedBytes, isRdb === true);
  const disk = blocksTo(handle, back.upTo);
  let sizeBytes = 0n;
  try {
    for await (const chunk of source) {
      signal?.throwIfAborted();
      sizeBytes += BigInt(chunk.length);
      if (limitBytes !== undefined && sizeBytes > limitBytes) throw tooMuch(path, limitBytes);
      const taken = disk.take(chunk);
      if (taken !== undefined) await taken;
      onBytes?.(chunk.length);
    }
    signal?.throwIfAborted();
    await disk.end();
    const stored = await back.end();
    if (stored.sizeBytes !== sizeBytes)
      throw new Error(`${path}: ${sizeBytes} bytes came, ${stored.sizeBytes} read back`);
    signal?.throwIfAborted();
    return { path, ...stored };
  } finally {
    await back.close();
    await disk.settled();
  }
}

interface Blocks {
  /** The chunk may be used again once this resolves. */
  take(chunk: Uint8Array): Promise<void> | undefined;
  /** Resolves when everything is on the disk. */
  end(): Promise<void>;
  /** Nothing is under way any more; never rejects. */
  settled(): Promise<unknown>;
}

/** Collects chunks into blocks; one is written, and what was written before is synced, while the next one fills. `onWritten` is told how far. */
function blocksTo(handle: FileHandle, onWritten: (upToByte: number) => void): Blocks {
  let filling = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  let spare = Buffer.allocUnsafeSlow(0);
  let filled = 0;
  let unsynced = 0;
  let written = 0;
  let writing: Promise<void> = Promise.resolve();
  let syncing: Promise<void> = Promise.resolve();

  async function flush(): Promise<void> {
    await writing;
    const block = filling.subarray(0, filled);
    written += filled;
    const end = written;
    writing = writeAll(handle, block).then(() => onWritten(end));
    writing.catch(() => undefined);
    [filling, spare] = [spare.length === 0 ? Buffer.allocUnsafeSlow(BLOCK_BYTES) : spare, filling];
    unsynced += filled;
    filled = 0;
    if (unsynced < SYNC_EVERY_BYTES) return;
    unsynced = 0;
    await syncing;
    syncing = writing.then(() => handle.datasync());
    syncing.catch(() => undefined);
  }
  async function takeSlowly(chunk: Uint8Array): Promise<void> {
    for (let from = 0; from < chunk.length; ) {
      const part = chunk.subarray(from, from + BLOCK_BYTES - filled);
      filling.set(part, filled);
      filled += part.length;
      from += part.length;
      if (filled === BLOCK_BYTES) await flush();
    }
  }
  return {
    take(chunk) {
      if (filled + chunk.length >= BLOCK_BYTES) return takeSlowly(chunk);
      filling.set(chunk, filled);
      filled += chunk.length;
      return undefined;
    },
    async end() {
      await flush();
      await writing;
      await syncing;
      await handle.sync();
    },
    settled: () => Promise.allSettled([writing, syncing]),
  };
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
