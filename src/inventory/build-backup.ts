import { homedir } from 'node:os';
import { join } from 'node:path';
import {
  type BackupSettings,
  type CalendarSpan,
  type KeepPolicy,
  keepBuckets,
  type PingSource,
} from '../model/retention.js';
import type { BackupFileKeys } from './backup-schema.js';

const hourMs = 3_600_000;

/** `backup:` as the file has it, with every default filled in. */
export function backupSettings(given: BackupFileKeys): BackupSettings {
  return {
    ...(given.repository === undefined ? {} : { repository: placeOf(given.repository) }),
    keep: keepPolicy(given.keep ?? {}),
    limitMs: ageMs(given.limit ?? '26h'),
    trashMs: ageMs(given.trash ?? '7d'),
    timeZone: given['time-zone'] ?? 'UTC',
    ...(given.metrics === undefined ? {} : { metrics: placeOf(given.metrics) }),
    ...(given.ping === undefined ? {} : { ping: pingSource(given.ping) }),
  };
}

function keepPolicy(keep: NonNullable<BackupFileKeys['keep']>): KeepPolicy {
  const buckets = keepBuckets.flatMap((bucket) => (keep[bucket] === undefined ? [] : [[bucket, keep[bucket]]]));
  const spans = keepBuckets.flatMap((bucket) => {
    const span = keep[`within-${bucket}`];
    return span === undefined ? [] : [[bucket, spanOf(span)]];
  });
  return {
    ...(keep.last === undefined ? {} : { last: keep.last }),
    buckets: Object.fromEntries(buckets),
    ...(keep.within === undefined ? {} : { within: spanOf(keep.within) }),
    withinBuckets: Object.fromEntries(spans),
    tags: keep.tags ?? [],
  };
}

function spanOf(text: string): CalendarSpan {
  return { years: unit(text, 'y'), months: unit(text, 'm'), days: unit(text, 'd'), hours: unit(text, 'h') };
}

function ageMs(text: string): number {
  return (unit(text, 'd') * 24 + unit(text, 'h')) * hourMs;
}

/** The number before a letter in a text that the schema has let through. */
function unit(text: string, letter: string): number {
  return Number(new RegExp(`(\\d+)${letter}`).exec(text)?.[1] ?? 0);
}

function pingSource(ping: NonNullable<BackupFileKeys['ping']>): PingSource {
  if (typeof ping === 'string') return { from: 'url', url: ping };
  return 'env' in ping ? { from: 'env', name: ping.env } : { from: 'file', path: placeOf(ping.file) };
}

function placeOf(path: string): string {
  return path.startsWith('~/') ? join(homedir(), path.slice(2)) : path;
}
