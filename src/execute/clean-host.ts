import { dirname } from 'node:path';
import type { WritableHost } from '../hosts/host.js';
import { isBelow, type OwnName, type OwnNames } from './kept-by-run.js';
import { hostOf, nodeAt } from './node.js';
import type { Reach } from './tools.js';

/** A file of a run that is there. */
export interface OwnFile extends OwnName {
  readonly sizeBytes: bigint;
}

/** What of a run is on one host. */
export interface KeptOnHost {
  readonly host: string;
  readonly files: readonly OwnFile[];
  /** The run's own directories that are there, the deepest first. */
  readonly directories: readonly OwnName[];
  /** In the run's directories and not in its record: left alone. */
  readonly others: readonly string[];
  /** What could not be seen, in words: it stays. */
  readonly unseen: readonly string[];
}

/** Looks which of a run's names are there, and what else lies beside them. Changes nothing. */
export async function keptOnHost(host: string, names: OwnNames, reach: Reach): Promise<KeptOnHost> {
  const unseen = [...names.unseen];
  const files: OwnFile[] = [];
  for (const name of names.files) {
    const stat = await at(name, host, reach).stat(name.path);
    if (stat.ok && stat.value.type === 'file') files.push({ ...name, sizeBytes: stat.value.sizeBytes });
    else if (stat.ok) unseen.push(`${name.path} is no regular file any more`);
    else if (stat.why !== 'absent') unseen.push(`${name.path}: ${stat.detail}`);
  }
  const directories = directoriesOf(names);
  const there: OwnName[] = [];
  const others: string[] = [];
  const known = new Set([...names.files, ...directories].map(({ path }) => path));
  for (const directory of directories) {
    const list = await at(directory, host, reach).list(directory.path);
    if (list.ok) {
      there.push(directory);
      others.push(...list.value.map((name) => `${directory.path}/${name}`).filter((path) => !known.has(path)));
    } else if (list.why !== 'absent') unseen.push(`${directory.path}: ${list.detail}`);
  }
  return { host, files, directories: there, others, unseen };
}

/** The run's directories and those below them that its files are in, the deepest first. */
function directoriesOf({ files, roots }: OwnNames): readonly OwnName[] {
  const all = new Map<string, OwnName>(roots.map((root) => [root.path, root]));
  for (const file of files) {
    const root = roots.find(({ path }) => isBelow(file.path, path));
    for (let path = dirname(file.path); root && path !== root.path; path = dirname(path))
      all.set(path, { ...file, path });
  }
  return [...all.values()]
    .map(({ path, node }) => (node === undefined ? { path } : { path, node }))
    .sort((a, b) => b.path.split('/').length - a.path.split('/').length);
}

/**
 * Removes what was seen, file by file, each with the right of the owner of its directory, then the directories that are
 * empty; what is gone already is fine. Gives what is there afterwards, seen anew. Rejects with ClaimLost once the host is
 * somebody else's; ends early, with what is left, when the signal ends.
 */
export async function cleanHost(kept: KeptOnHost, names: OwnNames, reach: Reach): Promise<KeptOnHost> {
  const failed: string[] = [];
  for (const file of kept.files) {
    if (reach.signal.aborted) break;
    try {
      await at(file, kept.host, reach).remove(file.path);
    } catch (error) {
      if (error instanceof Error && error.name === 'ClaimLost') throw error;
      failed.push(`${file.path}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  for (const directory of kept.directories) {
    if (reach.signal.aborted) break;
    await at(directory, kept.host, reach)
      .removeDirectory(directory.path)
      .catch((error: unknown) => {
        if (error instanceof Error && error.name === 'ClaimLost') throw error;
        failed.push(`${directory.path}: ${String(error)}`);
      });
  }
  const left = await keptOnHost(kept.host, names, reach);
  return { ...left, unseen: [...left.unseen, ...failed] };
}

function at(name: OwnName, host: string, reach: Reach): WritableHost {
  return name.node === undefined ? hostOf(reach, host) : nodeAt(reach, name.node).named;
}
