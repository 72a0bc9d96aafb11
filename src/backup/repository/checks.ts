import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDirectory, readSmall, unless, writeWhole } from './durable.js';
import type { StoredCheck } from './repository.js';

const NAME = /^\d{8}T\d{9}Z-(hashes|check-rdb|check-aof|drill)\.json$/;
const limitBytes = 16 * 1024 * 1024;
/** The newest so many are read: a record more costs nothing, a million would. */
const mostRead = 200;

/** The checks kept beside a backup, oldest first; files of another name, and those that cannot be read, are passed over. */
export async function readChecks(backupDirectory: string): Promise<readonly StoredCheck[]> {
  const directory = join(backupDirectory, 'checks');
  const names = (await readdir(directory).catch(unless('ENOENT'))) ?? [];
  const wanted = names
    .filter((name) => NAME.test(name))
    .sort()
    .slice(-mostRead);
  const read = wanted.map(async (name): Promise<StoredCheck | undefined> => {
    const record = await readSmall(join(directory, name), limitBytes).catch(() => undefined);
    const signature = await readSmall(join(directory, `${name}.sig`), limitBytes).catch(() => undefined);
    return record === undefined ? undefined : { name, record, ...(signature === undefined ? {} : { signature }) };
  });
  return (await Promise.all(read)).filter((check) => check !== undefined);
}

/** Keeps one check: its signature first, so that a record never stands without one. */
export async function writeCheck(
  backupDirectory: string,
  check: { readonly at: string; readonly name: string },
  record: Uint8Array,
  signature: Uint8Array,
): Promise<void> {
  const directory = join(backupDirectory, 'checks');
  await makeDirectory(directory);
  const time = new Date(check.at).toISOString().replace(/[-:.]/g, '');
  const path = join(directory, `${time}-${check.name}.json`);
  await writeWhole(`${path}.sig`, signature);
  await writeWhole(path, record);
}
