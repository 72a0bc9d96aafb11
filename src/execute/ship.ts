import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { KeptFile, WritableHost } from '../hosts/host.js';
import { openHashed } from '../hosts/resumed.js';

/**
 * Brings kept files to the run's directory on the operator's machine: what is set aside, or may hold writes that nobody
 * else has, must not depend on one disk (a hard link is not a second copy). Hashed on the way and compared with what was
 * kept; throws when they differ. A connection that is lost meanwhile costs no byte twice. `keptUnder` is the directory on the host that their paths are shown below; the same
 * tree stands here afterwards. Returns where.
 */
export async function shipHere(
  host: WritableHost,
  files: readonly KeptFile[],
  keptUnder: string,
  node: string,
  runDirectory: string,
  signal: AbortSignal,
): Promise<string> {
  const directory = join(runDirectory, 'kept', node.replace(/[^A-Za-z0-9_.-]/g, '_'));
  const shipped = files.map(async (file) => {
    const path = join(directory, relative(keptUnder, file.kept));
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await shipOne(host, file, path, signal);
  });
  // Nothing is left under way when one fails.
  for (const end of await Promise.allSettled(shipped)) if (end.status === 'rejected') throw end.reason;
  return directory;
}

async function shipOne(host: WritableHost, file: KeptFile, path: string, signal: AbortSignal): Promise<void> {
  const { chunks, sha256 } = openHashed(host, file.kept, signal, file.sizeBytes);
  await pipeline(Readable.from(chunks), createWriteStream(path, { mode: 0o600, flush: true }), { signal });
  if (sha256() !== file.sha256) throw new Error(`the copy of ${file.kept} here differs from it`);
}
