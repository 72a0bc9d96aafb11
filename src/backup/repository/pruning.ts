import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { RunbookError } from '../../errors.js';
import { myIdentity } from '../../hosts/process-identity.js';
import { makeDirectory, whatIs } from './durable.js';
import { directoryOf, groupDirectory, listIn, scopesIn, writerLock } from './listing.js';
import { holderOf, takeLock } from './lock.js';
import { partialName } from './names.js';
import type { BackupRef, BackupScope, PruneOutcome, RepositoryLock } from './repository.js';
import { lastTouchedMs, moveToTrash, namesIn, removeBackup, removeEmpty, trashedIn } from './trash.js';

/** Takes the lock of the one pruner. Rejects with RunbookError `locked`. */
export async function lockForPrune(root: string, now: Date): Promise<RepositoryLock> {
  await makeDirectory(join(root, 'locks'));
  return takeLock(join(root, 'locks', 'prune.json'), `The repository ${root}`, 'backup prune', now);
}

/** Moves a complete backup to the trash, unless somebody alive reads it. */
export async function trash(root: string, lock: RepositoryLock, ref: BackupRef, now: Date): Promise<PruneOutcome> {
  await lock.check();
  const me = await myIdentity();
  for (const name of await namesIn(join(root, 'locks'))) {
    if (!name.startsWith(`read-${ref.name}-`)) continue;
    const busy = await holderOf(join(root, 'locks', name), me);
    if (busy !== undefined) return { ref, busy };
  }
  await moveToTrash(root, directoryOf(root, ref), ref, now);
  return { ref };
}

/** Removes for good what is in the trash since before `before`. */
export async function emptyTrash(root: string, lock: RepositoryLock, before: Date): Promise<readonly BackupRef[]> {
  await lock.check();
  const gone: BackupRef[] = [];
  for (const { ref, since, path } of await trashedIn(root)) {
    if (Date.parse(since) >= before.getTime()) continue;
    await removeBackup(path);
    await removeEmpty(join(path, '..'), join(root, 'trash'));
    gone.push(ref);
  }
  return gone;
}

/** Removes partial backups that nobody touched since `before` and nobody writes, and the locks and unfinished files of dead processes. */
export async function sweep(root: string, lock: RepositoryLock, before: Date): Promise<readonly BackupRef[]> {
  await lock.check();
  const gone: BackupRef[] = [];
  for (const scope of await scopesIn(root)) {
    const { backups } = await listIn(root, scope);
    const partial = backups.filter(({ state }) => state === 'partial');
    if (partial.length > 0) gone.push(...(await sweepGroup(root, scope, partial, before)));
  }
  await sweepLocks(root, before);
  return gone;
}

/** Under the group's writer lock: what is swept is not being gone on with. */
async function sweepGroup(
  root: string,
  scope: BackupScope,
  partial: readonly BackupRef[],
  before: Date,
): Promise<readonly BackupRef[]> {
  const lock = await takeLock(writerLock(root, scope), `${scope.group} in ${root}`, 'backup prune', new Date()).catch(
    (error: unknown) => {
      if (error instanceof RunbookError && error.word === 'locked') return undefined;
      throw error;
    },
  );
  if (lock === undefined) return [];
  try {
    const gone: BackupRef[] = [];
    for (const ref of partial) {
      const path = join(groupDirectory(root, scope), partialName(ref.name));
      if ((await whatIs(path)) !== 'directory' || (await lastTouchedMs(path)) >= before.getTime()) continue;
      await removeBackup(path);
      gone.push(ref);
    }
    return gone;
  } finally {
    await lock.release();
  }
}

/** Unfinished files and locks of dead readers: what a kill leaves beside the backups. */
async function sweepLocks(root: string, before: Date): Promise<void> {
  const me = await myIdentity();
  for (const name of await namesIn(join(root, 'locks'))) {
    const path = join(root, 'locks', name);
    const old = (await lastTouchedMs(path).catch(() => Number.POSITIVE_INFINITY)) < before.getTime();
    const passing = name.startsWith('read-') || name.includes('.over-');
    const dead = passing && (await holderOf(path, me)) === undefined;
    if ((name.startsWith('.') && old) || dead) await rm(path, { force: true });
  }
}
