import type { AofFlush } from '../model/survey.js';
import { createAofFrames } from '../redis/aof-frames.js';

const flushing: ReadonlySet<string> = new Set(['flushall', 'flushdb']);

/** Finds the last FLUSHALL or FLUSHDB in the incrementals of a node, fed in order; a torn end is no obstacle. */
export function createFlushSearch(): {
  feed(chunk: Uint8Array): void;
  nextFile(): void;
  found(): NonNullable<Flushed> | null;
} {
  let fed = 0n;
  let last: { readonly command: string; readonly end: bigint } | null = null;
  let offset = 0n;
  const open = () =>
    createAofFrames({
      command: ({ first, end }) => {
        if (flushing.has(first.toLowerCase())) last = { command: first.toUpperCase(), end: offset + BigInt(end) };
      },
    });
  let frames = open();
  return {
    feed: (chunk) => {
      frames.feed(chunk);
      fed += BigInt(chunk.length);
    },
    nextFile: () => {
      offset = fed;
      frames = open();
    },
    found: () => (last === null ? null : { command: last.command, beforeBytes: last.end, afterBytes: fed - last.end }),
  };
}

type Flushed = (AofFlush['result'] & { readonly ok: true })['value'];
