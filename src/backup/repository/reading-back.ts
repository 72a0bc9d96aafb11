import { createHash } from 'node:crypto';
import { readSync } from 'node:fs';
import { listenToRdb, type RdbSeen } from '../rdb-seen.js';

/** What reading a file back said. */
export interface ReadBack {
  readonly sizeBytes: bigint;
  readonly sha256: string;
  readonly rdb?: RdbSeen;
}

/** Reads an open file from its beginning as far as it has been written so far. */
export interface BackReader {
  /** Everything before this byte is written. Throws Error when the file is shorter. */
  upTo(byte: number): void;
  end(): ReadBack;
}

const BUFFER_BYTES = 1024 * 1024;

/** Hashes what is read back through the descriptor; with `isRdb` it is walked, too. It blocks: large files want a thread. */
export function backReader(fd: number, isRdb: boolean): BackReader {
  const hash = createHash('sha256');
  const listener = isRdb ? listenToRdb() : undefined;
  const buffer = new Uint8Array(BUFFER_BYTES);
  let position = 0;
  return {
    upTo(byte) {
      while (position < byte) {
        const got = readSync(fd, buffer, 0, Math.min(BUFFER_BYTES, byte - position), position);
        if (got === 0) throw new Error(`the file ends at byte ${position}, and ${byte} were written`);
        position += got;
        const chunk = buffer.subarray(0, got);
        hash.update(chunk);
        listener?.feed(chunk);
      }
    },
    end() {
      const rdb = listener?.end();
      return { sizeBytes: BigInt(position), sha256: hash.digest('hex'), ...(rdb === undefined ? {} : { rdb }) };
    },
  };
}
