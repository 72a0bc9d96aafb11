import { lstat, rm, rmdir } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import type { KeptOnHost, OwnFile } from '../execute/clean-host.js';
import { isBelow } from '../execute/kept-by-run.js';
import type { JournalLine } from '../model/run.js';

/** What stands for the machine of the operator where hosts are listed. */
const HERE = 'this machine';

/** The copies of kept data that a run brought to its directory on this machine, by its journal; those that are there. */
export async function keptHere(runDirectory: string, lines: readonly JournalLine[]): Promise<KeptOnHost> {
  const root = join(runDirectory, 'kept');
  const paths = [...new Set(lines.flatMap(({ detail }) => shippedBy(detail)))].filter((path) => isBelow(path, root));
  const files: OwnFile[] = [];
  for (const path of paths) {
    const stat = await lstat(path, { bigint: true }).catch(() => undefined);
    if (stat?.isFile()) files.push({ path, sizeBytes: stat.size });
  }
  return { host: HERE, files, directories: [], others: [], unseen: [] };
}

/** As `shipHere` placed them: the same tree below the directory here. */
function shippedBy(detail: JournalLine['detail']): readonly string[] {
  if (detail === undefined) return [];
  const { here, directory, files } = detail;
  if (typeof here !== 'string' || typeof directory !== 'string' || !Array.isArray(files)) return [];
  return files.flatMap((file: { kept?: unknown }) =>
    typeof file.kept === 'string' ? [join(here, relative(directory, file.kept))] : [],
  );
}

/** Removes them and the directories that are empty then; gives what is there afterwards. */
export async function cleanHere(
  { files }: KeptOnHost,
  runDirectory: string,
  lines: readonly JournalLine[],
): Promise<KeptOnHost> {
  const unseen: string[] = [];
  for (const { path } of files) {
    await rm(path, { force: true }).catch((error: Error) => unseen.push(error.message));
    for (let at = dirname(path); isBelow(at, runDirectory); at = dirname(at)) await rmdir(at).catch(() => undefined);
  }
  return { ...(await keptHere(runDirectory, lines)), unseen };
}
