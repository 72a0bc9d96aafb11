import { setTimeout as sleep } from 'node:timers/promises';
import { RunbookError } from '../../errors.js';
import type { Host } from '../../hosts/host.js';
import { listenToRdb, type RdbSeen } from '../rdb-seen.js';
import type { BackupWriter, StoredFile } from '../repository/repository.js';
import type { CountedFile } from './count-held.js';
import type { HeldFile } from './held-files.js';

export interface ReceiveOptions {
  readonly signal: AbortSignal;
  /** At most so many bytes a second; undefined = as fast as it comes. */
  readonly bytesPerSecond: number | undefined;
  readonly onBytes: (bytes: number) => void;
}

/**
 * Brings one held file into the repository: streamed over the host's connection, read back and
 * hashed while more arrives, never in memory as a whole. An RDB is walked, too.
 */
export async function receive(
  host: Host,
  file: HeldFile,
  writer: BackupWriter,
  options: ReceiveOptions,
): Promise<StoredFile> {
  const bytes = host.stream(file.held, options.signal, 0n, file.sizeBytes, 'gently');
  const slowed = options.bytesPerSecond === undefined ? bytes : slow(bytes, options.bytesPerSecond, options.signal);
  const put = { signal: options.signal, limitBytes: file.sizeBytes, onBytes: options.onBytes };
  return writer.put(file.path, slowed, { ...put, isRdb: file.role === 'rdb' });
}

/** What arrived must be what the host counted: else it is not kept, and RunbookError `changed` says so. */
export async function refuseOther(
  file: CountedFile,
  arrived: StoredFile,
  host: string,
  writer: BackupWriter,
): Promise<void> {
  if (arrived.sha256 === file.sha256 && arrived.sizeBytes === file.sizeBytes) return;
  await writer.drop(file.path);
  throw new RunbookError('changed', `${host}:${file.from} arrived otherwise than its host counted it.`, {
    facts: [
      `the host: ${file.sizeBytes} bytes, sha256 ${file.sha256}`,
      `arrived:  ${arrived.sizeBytes} bytes, sha256 ${arrived.sha256}`,
    ],
    next: ['redis-runbook backup create   once more'],
  });
}

/** An RDB that was stored before, read again from the repository. */
export async function readStored(writer: BackupWriter, path: string): Promise<RdbSeen | undefined> {
  const listener = listenToRdb();
  for await (const chunk of writer.read(path)) listener.feed(chunk);
  return listener.end();
}

/** Waits after each chunk until its time has come; the host is slowed by backpressure. */
export async function* slow(
  bytes: AsyncIterable<Uint8Array>,
  bytesPerSecond: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const began = performance.now();
  let sent = 0;
  for await (const chunk of bytes) {
    yield chunk;
    sent += chunk.length;
    const early = (sent / bytesPerSecond) * 1000 - (performance.now() - began);
    if (early > 1) await sleep(early, undefined, { signal });
  }
}
