import { createHash } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { ChangedUnderneath, type UploadFile } from './host.js';
import { fileError } from './local-files.js';
import { patienceWithLosses } from './resumed.js';

/** The small operations of which an upload is made, on one machine. */
export interface UploadSteps {
  /** Size of the file under its own name, when it is there. */
  size(path: string): Promise<bigint | undefined>;
  hash(path: string): Promise<string>;
  /** Writes from `fromByte` on, at the end of the part; 0 begins it anew. Throws when the part has another size. */
  append(part: string, fromByte: bigint, chunks: AsyncIterable<Uint8Array>): Promise<void>;
  /**
   * Reads the part back from the disk and gives it its name, which must be free. Throws the system's error EIO when it
   * has another hash (and removes it), ChangedUnderneath when the name is taken.
   */
  finish(part: string, path: string, sha256: string): Promise<void>;
}

/** What a file is called while it is on its way: hidden, and nothing that a server or an `include` would take. */
function partOf(path: string): string {
  return join(dirname(path), `.${basename(path)}.redis-runbook-part`);
}

/** A part that arrived otherwise than it was sent is sent once more from its beginning. */
const MOST_WRONG = 2;

/**
 * Brings one file to a machine: what is there already under its name counts when it is the same, a part that a broken
 * connection or an earlier run left is gone on with when it is the beginning of the same file. Throws ChangedUnderneath
 * when another file has the name, and ChannelLost when the connection does not come back.
 */
export async function uploadBy(
  steps: UploadSteps,
  path: string,
  file: UploadFile,
  signal: AbortSignal,
): Promise<'there' | 'written'> {
  const patience = patienceWithLosses(signal);
  const part = partOf(path);
  for (let wrong = 0; ; ) {
    try {
      signal.throwIfAborted();
      if ((await steps.size(path)) !== undefined) return await whenThere(steps, path, file);
      const from = await partThatFits(steps, part, file, wrong > 0);
      if (from < file.sizeBytes || from === 0n) await steps.append(part, from, arriving(file, from, patience.came));
      await steps.finish(part, path, file.sha256);
      return 'written';
    } catch (error) {
      if (isIncomplete(error) && wrong < MOST_WRONG) wrong += 1;
      else await patience.lost(error);
    }
  }
}

function isIncomplete(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EIO' || error.code === 'ESTALE');
}

async function whenThere(steps: UploadSteps, path: string, { sha256 }: UploadFile): Promise<'there'> {
  if ((await steps.hash(path)) === sha256) return 'there';
  throw new ChangedUnderneath(path, 'is there already, with another content: nothing was written');
}

/** How much of the file stands in the part already; 0 when the part is none of it. */
async function partThatFits(steps: UploadSteps, part: string, file: UploadFile, anew: boolean): Promise<bigint> {
  const size = anew ? undefined : await steps.size(part);
  if (size === undefined || size === 0n || size > file.sizeBytes) return 0n;
  const hash = createHash('sha256');
  let left = size;
  for await (const chunk of file.bytes(0n)) {
    const some = BigInt(chunk.length) > left ? chunk.subarray(0, Number(left)) : chunk;
    hash.update(some);
    left -= BigInt(some.length);
    if (left === 0n) break;
  }
  return left === 0n && hash.digest('hex') === (await steps.hash(part)) ? size : 0n;
}

/** The bytes from `fromByte` on; never more than the file is said to have, and an error when there are fewer. */
async function* arriving(file: UploadFile, fromByte: bigint, came: () => void): AsyncGenerator<Uint8Array> {
  let at = fromByte;
  for await (const chunk of file.bytes(fromByte)) {
    at += BigInt(chunk.length);
    if (at > file.sizeBytes) throw fileError('EFBIG', `more than ${file.sizeBytes} bytes were to be sent`);
    came();
    yield chunk;
    file.onBytes?.(chunk.length);
  }
  if (at < file.sizeBytes) throw fileError('ENODATA', `only ${at} of ${file.sizeBytes} bytes were there to be sent`);
}
