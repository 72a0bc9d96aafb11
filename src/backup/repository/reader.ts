import { join } from 'node:path';
import { RunbookError } from '../../errors.js';
import { manifestLimitBytes } from '../manifest.js';
import { pathTrouble } from '../paths.js';
import { readSmall, whatIs } from './durable.js';
import { filesBelow, readStored } from './found-files.js';
import { takeLock } from './lock.js';
import type { BackupReader, BackupRef, SealedManifest } from './repository.js';

/** Opens a complete backup and keeps prune away from it until it is closed. */
export async function openReader(
  directory: string,
  ref: BackupRef,
  lockPath: string | undefined,
  doing: string,
  now: Date,
): Promise<BackupReader> {
  const lock = lockPath === undefined ? undefined : await takeLock(lockPath, `Reading ${ref.id}`, doing, now);
  if ((await whatIs(join(directory, 'manifest.json'))) !== 'file') {
    await lock?.release();
    throw new RunbookError('no-backup', `${ref.id} is no complete backup: it has no manifest.`, {
      facts: [`looked for in ${directory}`],
      next: ['redis-runbook backup list'],
    });
  }
  return {
    ref,
    files: () => filesBelow(directory),
    sealed: () => sealedIn(directory),
    read: (path, options) => readStored(directory, path, options?.signal),
    localPath: (path) => (pathTrouble(path) === undefined ? join(directory, path) : undefined),
    close: async () => lock?.release(),
  };
}

/** The three files of the seal in a backup's directory, as far as they are there. */
export async function sealedIn(directory: string): Promise<Partial<SealedManifest>> {
  const [manifest, signature, sums] = await Promise.all([
    readSmall(join(directory, 'manifest.json'), manifestLimitBytes),
    readSmall(join(directory, 'manifest.json.sig'), 64 * 1024),
    readSmall(join(directory, 'SHA256SUMS'), manifestLimitBytes),
  ]);
  return {
    ...(manifest === undefined ? {} : { manifest }),
    ...(signature === undefined ? {} : { signature }),
    ...(sums === undefined ? {} : { sums }),
  };
}
