import { lstat, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeDirectory, syncDirectory, unless } from './durable.js';
import { compactTime, isoTime, isScopeName, parseBackupName } from './names.js';
import type { BackupRef } from './repository.js';

/** A backup in the trash: `trash/<since>/<fleet>/<group>/<name>`. Moved back by hand it is what it was. */
export interface TrashedBackup {
  readonly ref: BackupRef;
  /** ISO 8601 UTC */
  readonly since: string;
  readonly path: string;
}

/** Moves a backup's directory to the trash. */
export async function moveToTrash(root: string, from: string, ref: BackupRef, now: Date): Promise<void> {
  const to = join(root, 'trash', compactTime(now), ref.fleet, ref.group, ref.name);
  await makeDirectory(dirname(to));
  await rename(from, to);
  await syncDirectory(dirname(to));
  await syncDirectory(dirname(from));
}

/** Everything in the trash, oldest first; names that are no backup's are passed over. */
export async function trashedIn(root: string): Promise<readonly TrashedBackup[]> {
  const found: TrashedBackup[] = [];
  for (const time of await namesIn(join(root, 'trash'))) {
    const since = isoTime(time);
    if (since === undefined) continue;
    for (const fleet of (await namesIn(join(root, 'trash', time))).filter(isScopeName)) {
      for (const group of (await namesIn(join(root, 'trash', time, fleet))).filter(isScopeName)) {
        const directory = join(root, 'trash', time, fleet, group);
        for (const name of await namesIn(directory)) {
          const ref = parseBackupName({ fleet, group }, name);
          if (ref !== undefined) found.push({ ref, since, path: join(directory, name) });
        }
      }
    }
  }
  return found;
}

/** Names in a directory, sorted; none when it is not there. */
export async function namesIn(directory: string): Promise<readonly string[]> {
  return [...((await readdir(directory).catch(unless('ENOENT'))) ?? [])].sort();
}

/** Removes a backup's directory for good. The manifest goes first: what is half removed is never taken for a whole one. */
export async function removeBackup(path: string): Promise<void> {
  await rm(join(path, 'manifest.json'), { force: true });
  await syncDirectory(path);
  await rm(path, { recursive: true, force: true });
  await syncDirectory(dirname(path));
}

/** Removes empty directories from `path` upwards, below `top`. */
export async function removeEmpty(path: string, top: string): Promise<void> {
  for (let at = path; at.startsWith(`${top}/`); at = dirname(at)) {
    const gone = await rmdir(at).then(
      () => true,
      () => false,
    );
    if (!gone) return;
  }
}

/** When anything below a directory was changed last, in milliseconds; links are not followed. */
export async function lastTouchedMs(path: string): Promise<number> {
  const stat = await lstat(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  const below = await Promise.all((await namesIn(path)).map((name) => lastTouchedMs(join(path, name)).catch(() => 0)));
  return Math.max(stat.mtimeMs, ...below);
}
