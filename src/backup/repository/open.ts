import { randomBytes } from 'node:crypto';
import { lstat, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { RunbookError } from '../../errors.js';
import { directoryRepository } from './directory.js';
import { codeOf, makeDirectory, readSmall, UNFINISHED, unless, writeOnce } from './durable.js';
import { ownNames } from './names.js';
import type { Repository } from './repository.js';

const repositorySchema = z.strictObject({
  schema: z.literal('redis-runbook/repository/1'),
  id: z.string().regex(/^[0-9a-f]{32}$/),
  created: z.iso.datetime(),
});

/**
 * Opens the repository in a directory; `make` makes one where there is nothing yet, or an empty directory. Rejects with
 * RunbookError `no-repository` when there is none, and `repository` for anything else that stands there, a newer
 * format, or a directory that others may write.
 */
export async function openRepository(
  path: string,
  options: { readonly make: boolean; readonly now: Date },
): Promise<Repository> {
  const root = resolve(path);
  const missing = (await rootTrouble(root)) === 'missing';
  if (missing && !options.make) throw noRepository(root);
  if (missing) await make(() => makeDirectory(root), root);
  const there = await readIdentity(root);
  if (there !== undefined) return directoryRepository(root, there);
  const names = (await readdir(root)).filter((name) => !name.startsWith(UNFINISHED) && !ownNames.includes(name));
  if (names.length > 0 && names.join() !== 'lost+found')
    throw refused(root, 'it holds other things and is no repository');
  if (!options.make) throw noRepository(root);
  const id = randomBytes(16).toString('hex');
  await make(() => writeIdentity(root, id, options.now), root);
  return directoryRepository(root, (await readIdentity(root)) ?? id);
}

async function rootTrouble(root: string): Promise<'missing' | undefined> {
  const stat = await lstat(root)
    .catch(unless('ENOENT'))
    .catch((error: unknown) => {
      throw refused(root, `it cannot be looked at (${codeOf(error) ?? String(error)})`);
    });
  if (stat === undefined) return 'missing';
  if (stat.isSymbolicLink()) throw refused(root, 'it is a link: name the directory itself');
  if (!stat.isDirectory()) throw refused(root, 'it is no directory');
  if ((stat.mode & 0o022) !== 0) throw refused(root, 'others may write it', `chmod go-w ${root}`);
  return undefined;
}

async function writeIdentity(root: string, id: string, now: Date): Promise<void> {
  await makeDirectory(join(root, 'locks'));
  await makeDirectory(join(root, 'trash'));
  const content = { schema: 'redis-runbook/repository/1', id, created: now.toISOString() };
  await writeOnce(join(root, 'repo.json'), `${JSON.stringify(content, undefined, 2)}\n`);
}

async function readIdentity(root: string): Promise<string | undefined> {
  const bytes = await readSmall(join(root, 'repo.json'), 64 * 1024).catch((error: unknown) => {
    throw refused(root, `repo.json cannot be read (${codeOf(error) ?? String(error)})`);
  });
  if (bytes === undefined) return undefined;
  const json = jsonIn(bytes);
  const schema = typeof json === 'object' && json !== null && 'schema' in json ? String(json.schema) : '';
  const format = Number(/^redis-runbook\/repository\/(\d{1,6})$/.exec(schema)?.[1] ?? 0);
  if (format > 1)
    throw refused(root, `it has format ${format}, this version reads format 1: use a newer redis-runbook`);
  const parsed = repositorySchema.safeParse(json);
  if (!parsed.success) throw refused(root, 'its repo.json was not written by this tool');
  return parsed.data.id;
}

function jsonIn(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

async function make(doing: () => Promise<void>, root: string): Promise<void> {
  await doing().catch((error: unknown) => {
    throw refused(root, `it cannot be made (${codeOf(error) ?? String(error)})`);
  });
}

function noRepository(root: string): RunbookError {
  return new RunbookError('no-repository', `There is no backup repository in ${root}.`, {
    next: [
      'redis-runbook backup create   makes it with the first backup',
      'redis-runbook backup list --repository DIRECTORY',
    ],
  });
}

function refused(root: string, why: string, next?: string): RunbookError {
  return new RunbookError('repository', `${root} cannot be used as a backup repository: ${why}.`, {
    next: [next ?? 'name another directory: backup.repository in fleet.yaml, or --repository DIRECTORY'],
  });
}
