import { atLeast, type Version } from './versions.js';

/** First version of each RDB format, newest first (rdb.h: RDB_VERSION). */
const ofRedis = [
  ['7.4', 12],
  ['7.2', 11],
  ['7.0', 10],
  ['5.0', 9],
  ['4.0', 8],
  ['3.2', 7],
] as const;

/**
 * The newest RDB format that a server writes, and the newest that it loads: a newer one is refused (rdb.c:
 * "Can't handle RDB format version"). Valkey went on from 11; its 9.0 has 80.
 */
export function newestRdbVersion(flavour: 'redis' | 'valkey', version: Version): number {
  if (flavour === 'valkey') return atLeast(version, '9.0') ? 80 : 11;
  return ofRedis.find(([since]) => atLeast(version, since))?.[1] ?? 6;
}

/**
 * Whether a server loads an RDB of this format. Valkey calls 12 to 79 foreign, the formats that Redis took after the two
 * parted (rdb.h: RDB_FOREIGN_VERSION_MIN, since 9.0; before it they are too new).
 */
export function loadsRdb(flavour: 'redis' | 'valkey', version: Version, format: number): boolean {
  if (flavour === 'valkey' && format > 11 && format < 80) return false;
  return format <= newestRdbVersion(flavour, version);
}
