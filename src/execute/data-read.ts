import type { Host } from '../hosts/host.js';
import type { RdbSummary } from '../model/formats.js';
import { type AofScan, createAofReader } from '../redis/aof.js';
import { createRdbReader, readRdbEdges } from '../redis/rdb.js';

/** Reads a whole RDB file, every key and the checksum. Throws what is wrong with it, with the byte. */
export async function readRdb(host: Host, path: string, signal: AbortSignal): Promise<RdbSummary> {
  const reader = createRdbReader();
  for await (const chunk of host.stream(path, signal)) reader.feed(chunk);
  return reader.end();
}

const EDGE_BYTES = 65_536n;

/**
 * What the first and the last bytes of an RDB file tell: its history, whether it ends as a whole file does, and for a
 * small one everything. Takes no longer for a large file. Throws as `readRdb`.
 */
export async function readRdbEnds(host: Host, path: string, signal: AbortSignal): Promise<RdbSummary> {
  const stat = await host.stat(path);
  if (!stat.ok) throw new Error(`${path} could not be seen: ${stat.detail}`);
  const { sizeBytes } = stat.value;
  const head = await part(host, path, 0n, sizeBytes < EDGE_BYTES ? sizeBytes : EDGE_BYTES, signal);
  const tail =
    sizeBytes > EDGE_BYTES
      ? await part(
          host,
          path,
          sizeBytes - EDGE_BYTES > EDGE_BYTES ? sizeBytes - EDGE_BYTES : EDGE_BYTES,
          sizeBytes,
          signal,
        )
      : new Uint8Array();
  return readRdbEdges(head, tail, sizeBytes);
}

async function part(
  host: Host,
  path: string,
  fromByte: bigint,
  toByte: bigint,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of host.stream(path, signal, fromByte, toByte)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Reads a whole append-only file. Throws what Redis would refuse, with the byte. */
export async function readAof(host: Host, path: string, signal: AbortSignal): Promise<AofScan> {
  const reader = createAofReader();
  for await (const chunk of host.stream(path, signal)) reader.feed(chunk);
  return reader.end();
}

/** What keeps an RDB from being loaded, or undefined when it is whole and its checksum right (or switched off). */
export function rdbDamage(summary: RdbSummary): string | undefined {
  if (!summary.complete) return 'it ends before its end';
  return summary.checksum === 'wrong' ? 'its checksum is wrong' : undefined;
}
