import { randomBytes } from 'node:crypto';
import { stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { RunbookError } from '../../errors.js';
import { myIdentity } from '../../hosts/process-identity.js';
import type { BackupTry } from '../../model/backup.js';
import { toJson } from '../../model/json.js';
import { trySchema } from '../manifest-schema.js';
import { readChecks, writeCheck } from './checks.js';
import { codeOf, makeDirectory, readSmall, whatIs, writeWhole } from './durable.js';
import { directoryOf, groupDirectory, listIn, scopesIn, writerLock } from './listing.js';
import { holderOf, takeLock } from './lock.js';
import { backupName, newBackupId, parseBackupName, partialName } from './names.js';
import { emptyTrash, lockForPrune, sweep, trash } from './pruning.js';
import { openReader, sealedIn } from './reader.js';
import type {
  BackupReader,
  BackupRef,
  BackupScope,
  BackupStart,
  BackupWriter,
  Repository,
  SealedManifest,
} from './repository.js';
import { trashedIn } from './trash.js';
import { openWriter } from './writer.js';

/** The repository in a directory that holds one already (see open.ts). */
export function directoryRepository(root: string, id: string): Repository {
  return {
    place: root,
    id,
    scopes: () => scopesIn(root),
    list: (scope) => listIn(root, scope),
    begin: (start, now) => begin(root, start, now),
    writer: async (scope) => holderOf(writerLock(root, scope), await myIdentity()),
    open: (ref, doing) => openBackup(root, ref, doing),
    sealed: (ref) => sealed(root, ref),
    checks: (ref) => readChecks(directoryOf(root, ref)),
    addCheck: (ref, check, record, signature) => writeCheck(directoryOf(root, ref), check, record, signature),
    lastTry: (scope) => lastTry(root, scope),
    noteTry: (scope, what) => noteTry(root, scope, what),
    lockForPrune: (now) => lockForPrune(root, now),
    trash: (lock, ref, now) => trash(root, lock, ref, now),
    trashed: async () => (await trashedIn(root)).map(({ ref, since }) => ({ ref, since })),
    emptyTrash: (lock, before) => emptyTrash(root, lock, before),
    sweep: (lock, before) => sweep(root, lock, before),
    freeBytes: () => freeBytes(root),
  };
}

async function begin(root: string, start: BackupStart, now: Date): Promise<BackupWriter> {
  const directory = groupDirectory(root, start);
  await checkOwner(root);
  await makeDirectory(join(root, 'locks'));
  await makeDirectory(directory);
  const lock = await takeLock(
    writerLock(root, start),
    `${start.fleet} / ${start.group} in ${root}`,
    'backup create',
    now,
  );
  try {
    const ref = start.resume === undefined ? await newRef(root, start, now) : await resumed(root, start, start.resume);
    return await openWriter(directory, ref, lock, start.resume !== undefined);
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** Data goes only where its owner is who writes it, or root: anybody else could read it, or put a link in its way. */
async function checkOwner(root: string): Promise<void> {
  const { uid } = await stat(root);
  if (uid === process.getuid?.() || uid === 0) return;
  throw new RunbookError('repository', `${root} belongs to user ${uid}, and not to you: no backup is written there.`, {
    next: [`as its owner: sudo -u '#${uid}' redis-runbook backup create`],
  });
}

async function newRef(root: string, start: BackupStart, now: Date): Promise<BackupRef> {
  const all = await Promise.all((await scopesIn(root)).map((scope) => listIn(root, scope)));
  const taken = new Set(
    [...all.flatMap(({ backups }) => backups), ...(await trashedIn(root)).map(({ ref }) => ref)].map(({ id }) => id),
  );
  for (;;) {
    const id = newBackupId();
    const ref = parseBackupName(start, partialName(backupName(now, start.kind, id)));
    if (ref !== undefined && !taken.has(id)) return ref;
  }
}

async function resumed(root: string, start: BackupStart, id: string): Promise<BackupRef> {
  const { backups } = await listIn(root, start);
  const ref = backups.find(
    (each) => each.id === id.toUpperCase() && each.state === 'partial' && each.kind === start.kind,
  );
  if (ref !== undefined && (await whatIs(join(groupDirectory(root, ref), partialName(ref.name)))) === 'directory')
    return ref;
  throw new RunbookError('usage', `There is no partial ${start.kind} backup ${id} of ${start.group} to go on with.`, {
    next: ['redis-runbook backup list'],
  });
}

async function openBackup(root: string, ref: BackupRef, doing: string): Promise<BackupReader> {
  const directory = directoryOf(root, ref);
  const now = new Date();
  const path = join(root, 'locks', `read-${ref.name}-${randomBytes(6).toString('hex')}.json`);
  const locked = async () => {
    await makeDirectory(join(root, 'locks'));
    return openReader(directory, ref, path, doing, now);
  };
  return locked().catch((error: unknown) => {
    // Somebody who may only read cannot keep prune away; the trash keeps what he reads for some days.
    if (codeOf(error) !== 'EROFS' && codeOf(error) !== 'EACCES') throw error;
    return openReader(directory, ref, undefined, doing, now);
  });
}

async function sealed(root: string, ref: BackupRef): Promise<Partial<SealedManifest> | undefined> {
  const directory = directoryOf(root, ref);
  const found = await sealedIn(directory);
  return found.manifest === undefined && (await whatIs(directory)) !== 'directory' ? undefined : found;
}

const tryLimitBytes = 64 * 1024;

async function lastTry(root: string, scope: BackupScope): Promise<BackupTry | undefined> {
  const path = join(groupDirectory(root, scope), 'last-try.json');
  const bytes = await readSmall(path, tryLimitBytes).catch(() => undefined);
  if (bytes === undefined) return undefined;
  try {
    return trySchema.parse(JSON.parse(new TextDecoder().decode(bytes))) as BackupTry;
  } catch {
    return undefined;
  }
}

async function noteTry(root: string, scope: BackupScope, what: BackupTry): Promise<void> {
  const directory = groupDirectory(root, scope);
  await makeDirectory(directory);
  await writeWhole(join(directory, 'last-try.json'), `${toJson(what, 2)}\n`);
}

async function freeBytes(root: string): Promise<bigint> {
  const { bavail, bsize } = await statfs(root, { bigint: true });
  return bavail * bsize;
}
