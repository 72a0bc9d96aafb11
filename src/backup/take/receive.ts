import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { RunbookError } from '../../errors.js';
import type { Host, Packing } from '../../hosts/host.js';
import { listenToRdb, type RdbSeen } from '../rdb-seen.js';
import type { BackupWriter, StoredFile } from '../repository/repository.js';
import { unpackedAsItIs } from '../unpack.js';
import type { CountedFile } from './count-held.js';
import type { HeldFile } from './held-files.js';

/** A data file that is stored, and what it is on its host. */
export interface Arrived {
  readonly stored: StoredFile;
  readonly plain: Pick<StoredFile, 'sizeBytes' | 'sha256'>;
  /** How it is stored; undefined = as it was. */
  readonly how: Packing | undefined;
  /** What an RDB said of itself. */
  readonly rdb?: RdbSeen;
  /** Arrived now, not in an earlier try. */
  readonly isNew: boolean;
}

export interface ReceiveOptions {
  readonly signal: AbortSignal;
  /** At most so many bytes a second; undefined = as fast as it comes. */
  readonly bytesPerSecond: number | undefined;
  readonly onBytes: (bytes: number) => void;
  /** Compressed on its host; undefined = as it is. */
  readonly how: Packing | undefined;
}

/** Where a file is stored that is packed so. */
export function packedPath(path: string, how: Packing | undefined): string {
  return how === undefined ? path : `${path}${how === 'zstd' ? '.zst' : '.gz'}`;
}

/**
 * Brings one held file into the repository: streamed over the host's connection, read back and
 * hashed while more arrives, never in memory as a whole. An RDB is walked, too. A packed one is unpacked for that once it
 * is stored: it was packed because the connection is slower than that.
 */
export async function receive(
  host: Host,
  file: HeldFile,
  writer: BackupWriter,
  options: ReceiveOptions,
): Promise<Arrived> {
  const { signal, how } = options;
  const isRdb = file.role === 'rdb';
  const path = packedPath(file.path, how);
  const bytes =
    how === undefined
      ? host.stream(file.held, signal, 0n, file.sizeBytes, 'gently')
      : host.packed(file.held, how, file.sizeBytes, signal);
  const slowed = options.bytesPerSecond === undefined ? bytes : slow(bytes, options.bytesPerSecond, options.signal);
  const put = { signal, onBytes: options.onBytes };
  if (how === undefined) {
    const stored = await writer.put(path, slowed, { ...put, limitBytes: file.sizeBytes, isRdb });
    const { rdb } = stored;
    return { stored, plain: stored, how, isNew: true, ...(rdb === undefined ? {} : { rdb }) };
  }
  // What cannot be made smaller grows by a little.
  const limitBytes = file.sizeBytes + file.sizeBytes / 16n + 1024n * 1024n;
  const stored = await writer.put(path, slowed, { ...put, limitBytes });
  return { stored, how, isNew: true, ...(await readPacked(writer, path, how, isRdb)) };
}

/**
 * Whether what arrived says itself that it is the whole file, every byte as Redis wrote it: an RDB with a checksum, walked to its
 * end, of the size that is held (rdb.c:rdbSaveRio writes a CRC-64 of all before it, unless rdbchecksum is off).
 */
export function provesItself(file: Pick<HeldFile, 'sizeBytes'>, { plain, rdb }: Arrived): boolean {
  return rdb?.summary.checksum === 'right' && rdb.summary.complete && plain.sizeBytes === file.sizeBytes;
}

/** What arrived must be what the host counted: else it is not kept, and RunbookError `changed` says so. */
export async function refuseOther(
  file: CountedFile,
  { stored, plain: arrived }: Arrived,
  host: string,
  writer: BackupWriter,
): Promise<void> {
  if (arrived.sha256 === file.sha256 && arrived.sizeBytes === file.sizeBytes) return;
  await writer.drop(stored.path);
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

/** A packed file that was stored before, read again from the repository: what it unpacks to. */
export async function readPacked(
  writer: BackupWriter,
  path: string,
  how: Packing,
  isRdb: boolean,
): Promise<Pick<Arrived, 'plain' | 'rdb'>> {
  const hash = createHash('sha256');
  const listener = isRdb ? listenToRdb() : undefined;
  let sizeBytes = 0n;
  for await (const chunk of unpackedAsItIs(path, how, writer.read(path))) {
    hash.update(chunk);
    listener?.feed(chunk);
    sizeBytes += BigInt(chunk.length);
  }
  const rdb = listener?.end();
  return { plain: { sizeBytes, sha256: hash.digest('hex') }, ...(rdb === undefined ? {} : { rdb }) };
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
