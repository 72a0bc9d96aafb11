import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { whatIs } from './durable.js';
import { checkScope, isScopeName, ownNames, parseBackupName } from './names.js';
import type { BackupRef, BackupScope, Repository } from './repository.js';
import { namesIn } from './trash.js';

/** Where a group's backups stand. Throws RunbookError `usage` for names that the repository keeps for itself. */
export function groupDirectory(root: string, { fleet, group }: BackupScope): string {
  checkScope({ fleet, group });
  return join(root, fleet, group);
}

/** Where a complete backup stands; a partial one has another name and is nobody's to read. */
export function directoryOf(root: string, ref: BackupRef): string {
  return join(groupDirectory(root, ref), ref.name);
}

/** The lock of whoever makes a backup of a group; long names are cut and told apart by a hash. */
export function writerLock(root: string, { fleet, group }: BackupScope): string {
  const short = createHash('sha256').update(`${fleet}/${group}`).digest('hex').slice(0, 8);
  return join(root, 'locks', `write-${fleet.slice(0, 60)}-${group.slice(0, 60)}-${short}.json`);
}

/** Groups that have a directory here, sorted. */
export async function scopesIn(root: string): Promise<readonly BackupScope[]> {
  const fleets = (await namesIn(root)).filter((name) => isScopeName(name) && !ownNames.includes(name.toLowerCase()));
  const scopes = fleets.map(async (fleet) => {
    if ((await whatIs(join(root, fleet))) !== 'directory') return [];
    const groups = (await namesIn(join(root, fleet))).filter(isScopeName);
    return groups.map((group) => ({ fleet, group }));
  });
  return (await Promise.all(scopes)).flat();
}

/** Every backup of a group by its name, oldest first; other names are `strange`. */
export async function listIn(root: string, scope: BackupScope): Promise<Awaited<ReturnType<Repository['list']>>> {
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
