import type { Host } from '../hosts/host.js';
import type { RdbSummary } from '../model/formats.js';
import { type AofScan, createAofReader } from '../redis/aof.js';
import { createRdbReader } from '../redis/rdb.js';

/** Reads a whole RDB file, every key and the checksum. Throws what is wrong with it, with the byte. */
export async function readRdb(host: Host, path: string, signal: AbortSignal): Promise<RdbSummary> {
  const reader = createRdbReader();
  for await (const chunk of host.stream(path, signal)) reader.feed(chunk);
  return reader.end();
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
