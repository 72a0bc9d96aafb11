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
