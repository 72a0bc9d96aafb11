import { handoverNote } from './handover-note.js';
import { readJournal } from './journal.js';
import { type HeldLock, readLock, removeLock, updateLock } from './lock.js';
import type { LockFile } from './lock-file.js';
import { emit, type Run } from './run.js';

/** A run's own signals may have ended by now; what puts it in order gets this long. */
const ENDING_MS = 5000;

/** Ends every fence that is still up by renewing it no longer, and says so. Rejects only when the journal cannot be written. */
export async function closeFences(run: Run): Promise<void> {
  for (const [node, keeper] of run.memory.fences) {
    const how = await keeper.end(false).catch((error) => `not renewed: ${String(error)}`);
    const text = `${node}: the fence on writes is ${how}`;
    await run.tools.journal.write({ action: 'run', phase: 'evidence', text });
    emit(run, { type: 'note', text });
  }
  run.memory.fences.clear();
}

/** Closes the connections that were kept between questions. */
export function closeReaders(run: Run): void {
  for (const reader of run.memory.readers.values()) reader.close();
  run.memory.readers.clear();
}

/**
 * What becomes of the locks when a run ends before it released them: where nothing was changed they are taken away;
 * otherwise they stay and say where the run stopped and that no process stands behind it.
 */
export async function settleLocks(run: Run): Promise<void> {
  const { progress } = run;
  const handed = progress.changedAnything ? await handedTo(run) : {};
  const doing = `stopped in ${progress.stoppedIn ?? progress.doing}: ${progress.stoppedWhy ?? ''}`.slice(0, 200);
  const settle = async ([name, held]: readonly [string, HeldLock]): Promise<void> => {
    const host = run.tools.hosts.get(name);
    if (!host || run.memory.gone.has(name)) return;
    const signal = AbortSignal.timeout(ENDING_MS);
    try {
      const found = await readLock(host, signal);
      if (found?.file.token !== held.file.token) return;
      if (progress.changedAnything) await updateLock(host, found, { doing, pid: 0, ...handed }, signal);
      else await removeLock(host, found);
    } catch (error) {
      emit(run, { type: 'note', text: `${name}: the lock could not be put in order: ${String(error)}` });
    }
  };
  await Promise.all([...run.memory.locks].map(settle));
  run.memory.locks.clear();
  run.memory.claimed.clear();
}

/** What the locks say of who goes on; nothing where nobody was named. Told and journalled before. */
async function handedTo(run: Run): Promise<Pick<LockFile, 'to' | 'note'>> {
  const asked = run.options.handover?.asked();
  if (asked === undefined) return {};
  const { to, by, says } = asked;
  const text = `handed over to ${to}${by === undefined ? '' : ` by ${by}`}`;
  // A disk that is full is told by the last line of the run; the locks are put in order all the same.
  await run.tools.journal.write({ action: 'run', phase: 'evidence', text, detail: { to } }).catch(() => undefined);
  emit(run, { type: 'note', text: `Run ${run.tools.run} is ${text}: nobody else goes on with it unasked.` });
  const read = await readJournal(run.tools.directory).catch(() => undefined);
  return { to, note: handoverNote(run.tools.run, read && run.plan, read?.lines ?? [], says) };
}
