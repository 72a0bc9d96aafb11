import { setTimeout as sleep } from 'node:timers/promises';
import { RunbookError } from '../../errors.js';
import type { Host } from '../../hosts/host.js';
import type { RdbSummary } from '../../model/formats.js';
import { createRdbReader, type DatabaseCount } from '../../redis/rdb.js';
import type { BackupWriter, StoredFile } from '../repository/repository.js';
import type { HeldFile } from './held-files.js';

/** What an RDB file said while it went by; undefined where it cannot be walked (a type of a later version). */
export interface RdbSeen {
  readonly summary: RdbSummary;
  readonly databases: readonly DatabaseCount[];
}

export interface Received {
  readonly stored: StoredFile;
  readonly rdb?: RdbSeen;
}

export interface ReceiveOptions {
  readonly signal: AbortSignal;
  /** At most so many bytes a second; undefined = as fast as it comes. */
  readonly bytesPerSecond: number | undefined;
  readonly onBytes: (bytes: number) => void;
}

/**
 * Brings one held file into the repository: streamed over the host's connection, hashed on the way, never in memory as a
 * whole. The hash must be the one that the host counted, or nothing is stored and RunbookError `changed` says so. An RDB
 * is read while it goes by.
 */
export async function receive(
  host: Host,
  file: HeldFile,
  writer: BackupWriter,
  options: ReceiveOptions,
): Promise<Received> {
  const reader = file.role === 'rdb' ? rdbListener() : undefined;
  const bytes = host.stream(file.held, options.signal, 0n, file.sizeBytes, 'gently');
  const slowed = options.bytesPerSecond === undefined ? bytes : slow(bytes, options.bytesPerSecond, options.signal);
  const stored = await writer.put(file.path, reader === undefined ? slowed : listened(slowed, reader.feed), {
    signal: options.signal,
    limitBytes: file.sizeBytes,
    onBytes: options.onBytes,
  });
  if (stored.sha256 !== file.sha256 || stored.sizeBytes !== file.sizeBytes) {
    await writer.drop(file.path);
    throw new RunbookError('changed', `${host.entry.name}:${file.from} arrived otherwise than its host counted it.`, {
      facts: [
        `the host: ${file.sizeBytes} bytes, sha256 ${file.sha256}`,
        `arrived:  ${stored.sizeBytes} bytes, sha256 ${stored.sha256}`,
      ],
      next: ['redis-runbook backup create   once more'],
    });
  }
  const rdb = reader?.end();
  return rdb === undefined ? { stored } : { stored, rdb };
}

/** An RDB that was stored before, read again from the repository. */
export async function readStored(writer: BackupWriter, path: string): Promise<RdbSeen | undefined> {
  const reader = rdbListener();
  for await (const chunk of writer.read(path)) reader.feed(chunk);
  return reader.end();
}

interface Listener {
  feed(chunk: Uint8Array): void;
  end(): RdbSeen | undefined;
}

function rdbListener(): Listener {
  const reader = createRdbReader();
  let walks = true;
  return {
    feed(chunk) {
      if (!walks) return;
      try {
        reader.feed(chunk);
      } catch {
        walks = false;
      }
    },
    end: () => (walks ? { summary: reader.end(), databases: reader.databases() } : undefined),
  };
}

async function* listened(
  bytes: AsyncIterable<Uint8Array>,
  take: (chunk: Uint8Array) => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of bytes) {
    take(chunk);
    yield chunk;
  }
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
