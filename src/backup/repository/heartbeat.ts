import { randomBytes } from 'node:crypto';
import { open, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { UNFINISHED } from './durable.js';

const BEAT_MS = 30_000;
/** Twenty beats: no pause of a disk, a machine or a network lasts so long without whoever waits being told. */
const SILENT_MS = 10 * 60_000;

/**
 * A sign of life of a lock's holder: the time of its file, set every half minute. It keeps no process alive. Ends when
 * `isOurs` says no, or with what is returned.
 */
export function beat(path: string, isOurs: () => Promise<boolean>, everyMs = BEAT_MS): () => void {
  const timer = setInterval(() => {
    void beatOnce().catch(() => undefined);
  }, everyMs);
  timer.unref();
  async function beatOnce(): Promise<void> {
    if (!(await isOurs())) return clearInterval(timer);
    const now = await storageNow(dirname(path));
    await utimes(path, now, now);
  }
  return () => clearInterval(timer);
}

/** Whether a lock file has had no sign of life for ten minutes, by the clock of the storage itself. False where that cannot be told. */
export async function isSilent(path: string): Promise<boolean> {
  try {
    const [now, { mtime }] = [await storageNow(dirname(path)), await stat(path)];
    return now.getTime() - mtime.getTime() > SILENT_MS;
  } catch {
    return false;
  }
}

/** The clock that gives files their times: several machines may share a directory, and not a clock. */
async function storageNow(directory: string): Promise<Date> {
  const path = join(directory, `${UNFINISHED}${randomBytes(8).toString('hex')}`);
  const handle = await open(path, 'wx', 0o600);
  try {
    return (await handle.stat()).mtime;
  } finally {
    await handle.close();
    await rm(path, { force: true });
  }
}
