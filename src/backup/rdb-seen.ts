import type { RdbSummary } from '../model/formats.js';
import { createRdbReader, type DatabaseCount } from '../redis/rdb.js';

/** What an RDB file said while it was read. */
export interface RdbSeen {
  readonly summary: RdbSummary;
  readonly databases: readonly DatabaseCount[];
}

/** A walk through an RDB file, fed in pieces of any size. */
export interface RdbListener {
  /** The bytes may be used again once it returns. */
  feed(chunk: Uint8Array): void;
  /** Undefined where the file could not be walked (a type of a later version). */
  end(): RdbSeen | undefined;
}

/** Listens to an RDB file that goes by, and ends in silence at what it does not know. */
export function listenToRdb(): RdbListener {
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
