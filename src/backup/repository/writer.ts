import { rename, rm, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { RunbookError } from '../../errors.js';
import { toJson } from '../../model/json.js';
import { parseManifest } from '../manifest.js';
import { pathTrouble } from '../paths.js';
import { makeDirectory, readSmall, syncDirectory, UNFINISHED, whatIs, writeWhole } from './durable.js';
import { filesBelow, hashStored, ownFiles, readStored } from './found-files.js';
import { partialName } from './names.js';
import type { BackupRef, BackupWriter, PutOptions, RepositoryLock, SealedManifest, StoredFile } from './repository.js';
import { storeFile } from './store-file.js';

const noteLimitBytes = 16 * 1024 * 1024;

/** A new partial backup, or one that is gone on with; the lock is the writer's from here on and freed when this rejects. */
export async function openWriter(
  groupDirectory: string,
  ref: BackupRef,
  lock: RepositoryLock,
  isResumed: boolean,
): Promise<BackupWriter> {
  const directory = join(groupDirectory, partialName(ref.name));
  try {
    if (isResumed) await clean(directory);
    await makeDirectory(directory);
    const finished = isResumed ? await wholeFiles(directory) : [];
    const noted = isResumed ? await readNote(directory) : undefined;
    return writer({ directory, ref, lock, finished, noted });
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** Takes away what a killed writer left half done: unfinished files, and a seal that was not the last word. */
async function clean(directory: string): Promise<void> {
  const what = await whatIs(directory);
  if (what !== 'directory') throw new RunbookError('usage', `There is no partial backup at ${directory}.`);
  const found = await filesBelow(directory);
  const strange = found.find((file) => file.what !== 'file');
  if (strange !== undefined) throw foreign(directory, strange.path);
  for (const { path } of found) {
    const name = path.split('/').at(-1) ?? '';
    if (name.startsWith(UNFINISHED)) await rm(join(directory, path), { force: true });
    else if (pathTrouble(path) !== undefined) throw foreign(directory, path);
  }
  for (const name of ownFiles) {
    if (name !== 'resume.json') await rm(join(directory, name), { force: true });
  }
  const now = new Date();
  await utimes(directory, now, now);
  await syncDirectory(directory);
}

function foreign(directory: string, path: string): RunbookError {
  return new RunbookError(
    'repository',
    `The partial backup ${directory} holds what this tool did not put there: ${JSON.stringify(path)}.`,
    {
      next: ['redis-runbook backup create   begins a new one', `look at it, then: rm -r ${directory}`],
    },
  );
}

async function wholeFiles(directory: string): Promise<readonly StoredFile[]> {
  const stored: StoredFile[] = [];
  for (const { path } of await filesBelow(directory)) stored.push(await hashStored(directory, path));
  return stored;
}

async function readNote(directory: string): Promise<unknown> {
  try {
    const bytes = await readSmall(join(directory, 'resume.json'), noteLimitBytes);
    return bytes === undefined ? undefined : JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

interface Open {
  readonly directory: string;
  readonly ref: BackupRef;
  readonly lock: RepositoryLock;
  readonly finished: readonly StoredFile[];
  readonly noted: unknown;
}

function writer({ directory, ref, lock, finished, noted }: Open): BackupWriter {
  const stored = new Map(finished.map((file) => [file.path, file]));
  const taken = new Set(finished.map(({ path }) => path.toLowerCase()));

  async function put(path: string, source: AsyncIterable<Uint8Array>, options: PutOptions = {}): Promise<StoredFile> {
    const trouble = pathTrouble(path) ?? (taken.has(path.toLowerCase()) ? 'it is stored already' : undefined);
    if (trouble !== undefined) throw new RunbookError('usage', `${JSON.stringify(path)} cannot be stored: ${trouble}.`);
    taken.add(path.toLowerCase());
    try {
      await lock.check();
      const file = await storeFile(directory, path, source, options);
      stored.set(path, file);
      return file;
    } catch (error) {
      taken.delete(path.toLowerCase());
      throw error;
    }
  }

  async function drop(path: string): Promise<void> {
    if (!stored.delete(path)) throw new RunbookError('usage', `${JSON.stringify(path)} is not stored.`);
    await rm(join(directory, path), { force: true });
    await syncDirectory(dirname(join(directory, path)));
    taken.delete(path.toLowerCase());
  }

  async function finish(sealed: SealedManifest): Promise<BackupRef> {
    await lock.check();
    checkSeal(sealed, ref, stored);
    await seal(directory, sealed);
    await lock.check();
    await publish(directory, ref);
    await lock.release();
    return { ...ref, state: 'complete' };
  }

  async function discard(): Promise<void> {
    await lock.check();
    await rm(directory, { recursive: true, force: true });
    await syncDirectory(dirname(directory));
    await lock.release();
  }

  return {
    ref,
    finished,
    noted,
    note: (value) => writeWhole(join(directory, 'resume.json'), `${toJson(value)}\n`),
    put,
    read: (path) => readStored(directory, path),
    drop,
    finish,
    leave: () => lock.release(),
    discard,
  };
}

/** Refuses to seal what the manifest does not describe exactly: a wrong manifest would be found at a restore. */
function checkSeal({ manifest }: SealedManifest, ref: BackupRef, stored: ReadonlyMap<string, StoredFile>): void {
  const parsed = parseManifest(manifest);
  if (!parsed.ok) throw new Error(`the manifest is refused: ${parsed.troubles.map(({ text }) => text).join('; ')}`);
  const { id, fleet, group, kind, files } = parsed.value;
  if (id !== ref.id || fleet !== ref.fleet || group !== ref.group || kind !== ref.kind) {
    throw new Error(
      `the manifest is of ${fleet}/${group} ${kind} ${id}, the backup is ${ref.fleet}/${ref.group} ${ref.kind} ${ref.id}`,
    );
  }
  for (const file of files) {
    const there = stored.get(file.path);
    if (there?.sha256 !== file.sha256 || there.sizeBytes !== file.sizeBytes) {
      throw new Error(`the manifest names ${file.path} otherwise than it is stored`);
    }
  }
  const left = [...stored.keys()].filter((path) => !files.some((file) => file.path === path));
  if (left.length > 0) throw new Error(`stored, and not in the manifest: ${left.join(', ')}`);
}

/** Everything that the manifest stands for is on the disk before the manifest is. */
async function seal(directory: string, { manifest, signature, sums }: SealedManifest): Promise<void> {
  for (const folder of ['data', 'config', 'seen']) {
    if ((await whatIs(join(directory, folder))) === 'directory') await syncDirectory(join(directory, folder));
  }
  await writeWhole(join(directory, 'SHA256SUMS'), sums);
  await writeWhole(join(directory, 'manifest.json.sig'), signature);
  await writeWhole(join(directory, 'manifest.json'), manifest);
}

async function publish(directory: string, ref: BackupRef): Promise<void> {
  const parent = dirname(directory);
  await rm(join(directory, 'resume.json'), { force: true });
  await syncDirectory(directory);
  const final = join(parent, ref.name);
  if ((await whatIs(final)) !== undefined) throw new Error(`${final} is there already`);
  await rename(directory, final);
  await syncDirectory(parent);
}
