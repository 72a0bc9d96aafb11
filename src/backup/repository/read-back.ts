import type { FileHandle } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { backReader, type ReadBack } from './reading-back.js';
import { sweepBuffersAtOnce } from './received-buffers.js';

/** What the thread is told: how far the file is written, or that this was all. */
export type ToReader = number | 'end';

/** Reads a file back while it is being written. */
export interface ReadingBack {
  upTo(byte: number): void;
  /** Rejects with what went wrong in between. */
  end(): Promise<ReadBack>;
  /** Ends it wherever it is; resolves when the descriptor is not read any more. May be called often. */
  close(): Promise<void>;
}

/** Below this a thread of its own costs more than it gives. */
const LARGE_BYTES = 16n * 1024n * 1024n;

/**
 * Reads back what is written to a file, through its own descriptor. A large file in a thread: hashing and walking it cost
 * about as much as the connection that it comes over. A small one at its end. Memory is constant.
 */
export function readingBack(handle: FileHandle, sizeBytes: bigint | undefined, isRdb: boolean): ReadingBack {
  if ((sizeBytes ?? 0n) < LARGE_BYTES) return atTheEnd(handle, isRdb);
  sweepBuffersAtOnce();
  return inThread(handle, isRdb);
}

function atTheEnd(handle: FileHandle, isRdb: boolean): ReadingBack {
  let written = 0;
  return {
    upTo(byte) {
      written = byte;
    },
    end: async () => {
      const reader = backReader(handle.fd, isRdb);
      reader.upTo(written);
      return reader.end();
    },
    close: async () => undefined,
  };
}

function inThread(handle: FileHandle, isRdb: boolean): ReadingBack {
  const worker = new Worker(new URL('./read-back-worker.js', import.meta.url), {
    workerData: { fd: handle.fd, isRdb },
    // What is hashed and walked stays in a few buffers: a heap of the usual size would only be used up.
    resourceLimits: { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 64 },
  });
  const result = new Promise<ReadBack>((resolve, reject) => {
    worker.on('message', resolve);
    worker.on('error', reject);
    worker.on('exit', () => reject(new Error('the thread that read a file back has ended')));
  });
  result.catch(() => undefined);
  return {
    upTo: (byte) => worker.postMessage(byte),
    end: () => {
      worker.postMessage('end');
      return result;
    },
    close: async () => {
      await worker.terminate();
    },
  };
}
