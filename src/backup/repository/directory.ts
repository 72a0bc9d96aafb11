import { createHash, randomBytes } from 'node:crypto';
import { rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { RunbookError } from '../../errors.js';
import type { BackupTry } from '../../model/backup.js';
import { toJson } from '../../model/json.js';
import { trySchema } from '../manifest-schema.js';
import { readChecks, writeCheck } from './checks.js';
import { codeOf, makeDirectory, readSmall, whatIs, writeWhole } from './durable.js';
import { holderOf, takeLock } from './lock.js';
import { backupName, checkScope, isScopeName, newBackupId, ownNames, parseBackupName, partialName } from './names.js';
import { myIdentity } from './process-identity.js';
import { openReader, sealedIn } from './reader.js';
import type {
  BackupReader,
  BackupRef,
  BackupScope,
  BackupStart,
  BackupWriter,
  PruneOutcome,
  Repository,
  RepositoryLock,
  SealedManifest,
} from './repository.js';
import { lastTouchedMs, moveToTrash, namesIn, removeBackup, removeEmpty, trashedIn } from './trash.js';
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

function groupDirectory(root: string, { fleet, group }: BackupScope): string {
  checkScope({ fleet, group });
  return join(root, fleet, group);
}

/** Where a complete backup stands; a partial one has another name and is nobody's to read. */
function directoryOf(root: string, ref: BackupRef): string {
  return join(groupDirectory(root, ref), ref.name);
}

async function scopesIn(root: string): Promise<readonly BackupScope[]> {
  const fleets = (await namesIn(root)).filter((name) => isScopeName(name) && !ownNames.includes(name.toLowerCase()));
  const scopes = fleets.map(async (fleet) => {
    if ((await whatIs(join(root, fleet))) !== 'directory') return [];
    const groups = (await namesIn(join(root, fleet))).filter(isScopeName);
    return groups.map((group) => ({ fleet, group }));
  });
  return (await Promise.all(scopes)).flat();
}

async function listIn(root: string, scope: BackupScope): Promise<Awaited<ReturnType<Repository['list']>>> {
  const directory = groupDirectory(root, scope);
  const backups: BackupRef[] = [];
  const strange: string[] = [];
  for (const name of await namesIn(directory)) {
    if (name === 'last-try.json' || name.startsWith('.')) continue;
    const ref = parseBackupName(scope, name);
    const is = ref === undefined ? undefined : await whatIs(join(directory, name));
    if (ref === undefined || is !== 'directory') strange.push(name);
    else backups.push({ ...ref, state: await stateOf(directory, name, ref) });
  }
  return { backups: backups.sort((a, b) => (a.name < b.name ? -1 : 1)), strange };
}

/** A final name without a manifest is not good either: somebody took the manifest away. */
async function stateOf(directory: string, name: string, ref: BackupRef): Promise<BackupRef['state']> {
  if (ref.state === 'partial') return 'partial';
  return (await whatIs(join(directory, name, 'manifest.json'))) === 'file' ? 'complete' : 'partial';
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

function writerLock(root: string, { fleet, group }: BackupScope): string {
  const short = createHash('sha256').update(`${fleet}/${group}`).digest('hex').slice(0, 8);
  return join(root, 'locks', `write-${fleet.slice(0, 60)}-${group.slice(0, 60)}-${short}.json`);
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

async function lockForPrune(root: string, now: Date): Promise<RepositoryLock> {
  await makeDirectory(join(root, 'locks'));
  return takeLock(join(root, 'locks', 'prune.json'), `The repository ${root}`, 'backup prune', now);
}

async function trash(root: string, lock: RepositoryLock, ref: BackupRef, now: Date): Promise<PruneOutcome> {
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

async function emptyTrash(root: string, lock: RepositoryLock, before: Date): Promise<readonly BackupRef[]> {
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

async function sweep(root: string, lock: RepositoryLock, before: Date): Promise<readonly BackupRef[]> {
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

async function freeBytes(root: string): Promise<bigint> {
  const { bavail, bsize } = await statfs(root, { bigint: true });
  return bavail * bsize;
}
