import { containmentWindow } from '../redis/aof-containment.js';
import { createAofFrames } from '../redis/aof-frames.js';

/** A run of whole commands to look for in a successor's files. */
export interface Window {
  /** `end`: the end of the former master's file; `earlier`: a run before it, which shows whether the two files overlap. */
  readonly place: 'end' | 'earlier';
  readonly bytes: Uint8Array;
}

/** Largest first: the more bytes, the stronger; a smaller one is for a successor whose file began later. */
const endSizes = [64 * 1024, 16 * 1024, 4 * 1024] as const;
/** Fewer commands than this in the smallest window could stand in any file by chance. */
const leastCommands = 8;
/** How far before the end the earlier runs end. */
const earlierAt = [4, 16, 64, 256, 768].map((kib) => kib * 1024);

/** The windows of a file's last bytes (`whole`: they are all of the file). Empty when they end in no whole write. */
export function windowsOf(end: { readonly bytes: Uint8Array; readonly whole: boolean }): Window[] {
  const ends = endSizes
    .flatMap((size) => endWindow(end, size))
    .filter((window, index, all) => window.bytes.length !== all[index - 1]?.bytes.length);
  if (ends.length === 0) return [];
  const earlier = earlierAt
    .filter((distance) => distance < end.bytes.length)
    .flatMap((distance) => earlierWindow(end.bytes.subarray(0, end.bytes.length - distance)));
  const first = earlierWindow(end.bytes.subarray(0, Math.min(4 * 1024, Math.floor(end.bytes.length / 2))));
  return [...ends, ...earlier, ...first];
}

function endWindow(end: { readonly bytes: Uint8Array; readonly whole: boolean }, size: number): Window[] {
  const bytes = containmentWindow(end.bytes, size);
  if (!bytes) return [];
  const all = end.whole && end.bytes.length <= size;
  return all || size > 4 * 1024 || commandsIn(bytes) >= leastCommands ? [{ place: 'end', bytes }] : [];
}

function earlierWindow(before: Uint8Array): Window[] {
  const bytes = containmentWindow(before, 2 * 1024);
  return bytes ? [{ place: 'earlier', bytes }] : [];
}

function commandsIn(bytes: Uint8Array): number {
  let count = 0;
  createAofFrames({
    command: () => {
      count += 1;
    },
  }).feed(bytes);
  return count;
}

export type WindowVerdict =
  | { readonly result: 'contained' | 'not-contained'; readonly bytes: number }
  | { readonly result: 'unknown'; readonly says: (of: string, within: string) => string };

/**
 * What it means how often each window was found. Contained: the largest end that occurs stands there exactly once. Not
 * contained: no end occurs, and an earlier run does. Neither: nothing was found (the successor's files may have begun
 * later, or were rewritten since), or the end occurs more than once and says nothing.
 */
export function verdictOf(windows: readonly Window[], found: readonly number[]): WindowVerdict {
  const counted = windows.map((window, index) => ({ ...window, times: found[index] ?? 0 }));
  const end = counted.find((window) => window.place === 'end' && window.times > 0);
  if (end?.times === 1) return { result: 'contained', bytes: end.bytes.length };
  if (end) {
    return {
      result: 'unknown',
      says: (of, within) => `the end of ${of}'s file stands ${end.times} times in ${within}'s`,
    };
  }
  const overlap = counted.find((window) => window.place === 'earlier' && window.times > 0);
  if (overlap) return { result: 'not-contained', bytes: counted[0]?.bytes.length ?? 0 };
  return { result: 'unknown', says: (of, within) => `${of}'s and ${within}'s files have no part in common` };
}
