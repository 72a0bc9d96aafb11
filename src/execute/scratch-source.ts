import type { ScratchSource } from '../scratch/load.js';
import { type AofOnDisk, findAof, plannedPlace } from './data-place.js';
import { nodeAt } from './node.js';
import type { Reach } from './tools.js';

/** The files that a stopped node would load at its next start, and how much there is to copy. */
export interface DataOnDisk {
  readonly source: ScratchSource;
  readonly sizeBytes: bigint;
}

/** Undefined when it would load nothing. Throws when its config or its files cannot be seen. */
export async function dataOnDisk(at: Reach, node: string): Promise<DataOnDisk | undefined> {
  const place = await plannedPlace(at, node);
  const aof = place.appendonly ? await findAof(at, node, place) : undefined;
  if (place.appendonly && aof === undefined) return undefined;
  if (aof !== undefined && aof.missing.length > 0)
    throw new Error(`the manifest lists files that are not there: ${aof.missing.join(', ')}`);
  const source: ScratchSource = aof === undefined ? { kind: 'rdb', path: place.rdb } : aofSource(aof);
  const paths = aof === undefined ? [place.rdb] : aof.files.map(({ path }) => path);
  const { named } = nodeAt(at, node);
  let sizeBytes = 0n;
  for (const path of paths) {
    const stat = await named.stat(path);
    if (!stat.ok && stat.why === 'absent') return undefined;
    if (!stat.ok) throw new Error(`${path} could not be seen: ${stat.detail}`);
    sizeBytes += stat.value.sizeBytes;
  }
  return { source, sizeBytes };
}

/** Append-only files as a closed server takes them. */
export function aofSource(aof: AofOnDisk): ScratchSource {
  const paths = aof.files.map(({ path }) => path);
  if (aof.manifest) return { kind: 'aof-multi', manifestPath: aof.manifest.path, paths };
  return { kind: 'aof', path: paths[0] ?? '' };
}
