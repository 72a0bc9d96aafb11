import { setTimeout as sleep } from 'node:timers/promises';
import { RunbookError } from '../../errors.js';
import { nodeAt } from '../../execute/node.js';
import type { Reach } from '../../execute/tools.js';
import type { Held, HeldFile } from './held-files.js';

export interface CountedFile extends HeldFile {
  readonly sha256: string;
}

/** What is held, once the host has counted all of it. */
export interface Counted extends Held {
  readonly files: readonly CountedFile[];
}

const MOST_TRIES = 3;
const PAUSE_MS = 1000;

/**
 * What the host counts of everything that is held and not counted yet, as the last in the queue there: the files can be sent
 * meanwhile. A connection that broke is tried again, as for the files themselves. Rejects with RunbookError `backup-failed`.
 */
export async function countHeld(reach: Reach, node: string, held: Held): Promise<Counted> {
  const files: CountedFile[] = [];
  for (const file of held.files) files.push({ ...file, sha256: file.sha256 ?? (await countOne(reach, node, file)) });
  return { ...held, files };
}

async function countOne(reach: Reach, node: string, file: HeldFile): Promise<string> {
  const { named } = nodeAt(reach, node);
  for (let tries = 1; ; tries += 1) {
    const hash = await named.hash(file.held, reach.signal, file.sizeBytes, 'gently');
    if (hash.ok) return hash.value;
    reach.signal.throwIfAborted();
    const isLost = hash.why === 'timeout' || hash.why === 'refused';
    if (!isLost || tries === MOST_TRIES)
      throw new RunbookError('backup-failed', `${node}: ${file.held} could not be read: ${hash.detail}.`, {
        next: ['redis-runbook doctor'],
      });
    await sleep(PAUSE_MS, undefined, { signal: reach.signal });
  }
}

/** Whether it is known of everything what it holds. */
export function isCounted(held: Held): held is Counted {
  return held.files.every(({ sha256 }) => sha256 !== undefined);
}

/**
 * An RDB is never written in place, and its own checksum tells on arrival whether all of it came: its host need not read it
 * a second time for that.
 */
export function isRdbAlone({ files }: Held): boolean {
  return files.every(({ role }) => role === 'rdb');
}

/** Whether everything that an earlier try held is still there as it was; of append-only files that the host had not counted yet it is not known. */
export async function stillHeld(reach: Reach, node: string, held: Held): Promise<boolean> {
  if (isRdbAlone(held)) return sameSizes(reach, node, held);
  if (!isCounted(held)) return false;
  const uncounted = held.files.map(({ sha256, ...file }) => file);
  const now = await countHeld(reach, node, { ...held, files: uncounted });
  return held.files.every(({ sha256 }, index) => now.files[index]?.sha256 === sha256);
}

async function sameSizes(reach: Reach, node: string, { files }: Held): Promise<boolean> {
  const { named } = nodeAt(reach, node);
  for (const { held, sizeBytes } of files) {
    const now = await named.stat(held);
    if (!now.ok || now.value.sizeBytes !== sizeBytes) return false;
  }
  return true;
}
