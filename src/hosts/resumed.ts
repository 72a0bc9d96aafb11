import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { RunbookError } from '../errors.js';
import type { FileStat } from '../model/raw-host.js';
import { ChannelLost } from './channel.js';
import { ChangedUnderneath, type Host } from './host.js';

/** A connection that was lost so often without one more byte is not coming back soon. */
const MOST_IN_A_ROW = 6;
const FIRST_WAIT_MS = 250;

/** A file of a host on its way here. */
export interface HashedStream {
  readonly chunks: AsyncIterable<Uint8Array>;
  /** sha256 of all that has come, lower-case hex; asked once, after the last chunk. */
  sha256(): string;
}

/** Whether the connection went, or could not be made again: nothing is said about the file. */
function isLoss(error: unknown): boolean {
  return error instanceof ChannelLost || (error instanceof RunbookError && error.word === 'unreachable');
}

/** Waits before another try, longer each time; rejects with the signal's reason. */
async function waitAfterLoss(lostInARow: number, signal: AbortSignal): Promise<void> {
  await sleep(FIRST_WAIT_MS * 2 ** (lostInARow - 1), undefined, { signal }).catch(() => signal.throwIfAborted());
}

/** Counts losses in a row; throws the last one when there were too many, and whatever is no loss. */
export function patienceWithLosses(signal: AbortSignal): { came(): void; lost(error: unknown): Promise<void> } {
  let inARow = 0;
  return {
    came: () => {
      inARow = 0;
    },
    lost: async (error) => {
      signal.throwIfAborted();
      inARow += 1;
      if (!isLoss(error) || inARow >= MOST_IN_A_ROW) throw error;
      await waitAfterLoss(inARow, signal);
    },
  };
}

const same: readonly (keyof FileStat)[] = ['device', 'inode', 'sizeBytes', 'mtimeMs', 'ctimeMs', 'type'];

/**
 * A file of a host from its beginning to `toByte` (exclusive; to its end when left out), hashed on the way, in constant
 * memory. When the connection is lost it goes on from the byte where it ended, after it has seen that the file is the
 * same: by its inode, size and times, else by the sha256 of what has come. Throws ChangedUnderneath when it is not, what
 * `Host.stream` throws, and ChannelLost when the connection does not come back.
 */
export function openHashed(host: Host, path: string, signal: AbortSignal, toByte?: bigint): HashedStream {
  const hash = createHash('sha256');
  let gotBytes = 0n;

  async function refuseChanged(first: FileStat | undefined): Promise<void> {
    const now = await host.stat(path);
    if (first?.type === 'file' && now.ok && same.every((field) => now.value[field] === first[field])) return;
    const seen = await host.hash(path, signal, gotBytes);
    if (seen.ok && seen.value === hash.copy().digest('hex')) return;
    if (!seen.ok && seen.why !== 'absent') throw new ChannelLost(`${path} could not be seen again: ${seen.detail}`);
    throw new ChangedUnderneath(path, 'changed while it was being read: it is not read further');
  }

  async function* chunks(): AsyncGenerator<Uint8Array> {
    const before = await host.stat(path);
    const first = before.ok ? before.value : undefined;
    const patience = patienceWithLosses(signal);
    for (let isWhole = false; !isWhole; ) {
      try {
        if (gotBytes > 0n) await refuseChanged(first);
        for await (const chunk of host.stream(path, signal, gotBytes, toByte)) {
          hash.update(chunk);
          gotBytes += BigInt(chunk.length);
          patience.came();
          yield chunk;
        }
        isWhole = true;
      } catch (error) {
        await patience.lost(error);
      }
    }
  }

  return { chunks: chunks(), sha256: () => hash.digest('hex') };
}
