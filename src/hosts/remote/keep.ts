import { basename, join } from 'node:path';
import { RunbookError } from '../../errors.js';
import type { HeldOnHost, KeptFile } from '../host.js';
import { fileError } from '../local-files.js';
import { change } from './files.js';
import { KEEP } from './keep-script.js';
import { checkPath, limitArguments, type NamedBy } from './run-as.js';
import type { Shell } from './sudo.js';

/** A large file is copied and hashed on the host: hours on a slow disk. */
const LIMIT_MS = 6 * 60 * 60 * 1000;

function isHow(word: string): word is KeptFile['how'] {
  return word === 'link' || word === 'reflink' || word === 'copy';
}

/**
 * Keeps a regular file of the host under `directory` with its own base name, as WritableHost.keep says: linked, else
 * cloned, else copied, hashed on the host from what was kept. Where the file's directory and `directory` belong to
 * different users each side acts with its own right. Throws RunbookError `changed`, or the system's error.
 */
export async function keepOn(
  shell: Shell,
  path: string,
  directory: string,
  how: 'link-or-copy' | 'copy',
  signal: AbortSignal,
  by?: NamedBy,
): Promise<KeptFile> {
  const { sha256, ...held } = await placeOn(shell, path, directory, how, signal, by);
  if (sha256 === undefined) throw fileError('EIO', `${path}: the host did not say what it kept`);
  return { ...held, sha256 };
}

/** As `keepOn` with `link-or-copy`, without reading a file that could be linked. */
export async function holdOn(
  shell: Shell,
  path: string,
  directory: string,
  signal: AbortSignal,
  by?: NamedBy,
): Promise<HeldOnHost> {
  const { sha256: _, ...held } = await placeOn(shell, path, directory, 'hold', signal, by);
  return held;
}

async function placeOn(
  shell: Shell,
  path: string,
  directory: string,
  how: 'link-or-copy' | 'copy' | 'hold',
  signal: AbortSignal,
  by: NamedBy | undefined,
): Promise<HeldOnHost & { readonly sha256?: string }> {
  const script = { script: KEEP, args: [checkPath(path), checkPath(directory), how, ...limitArguments(by)] };
  const kept = join(directory, basename(path));
  const said = await change(shell, script, path, signal, { timeoutMs: LIMIT_MS }).catch((error: unknown) => {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (code === 'EEXIST') {
      throw new RunbookError('changed', `${kept} holds another content than ${path}: it is not replaced`);
    }
    if (code === 'ESTALE') {
      throw new RunbookError('changed', `${path} was replaced while it was being kept: nothing was kept of it`);
    }
    throw error;
  });
  const [done = '', size = '', sha256 = ''] = said.trim().split(' ');
  if (!isHow(done) || !/^\d+$/.test(size)) throw fileError('EIO', `${path}: the host did not say what it kept`);
  const hashed = /^[0-9a-f]{64}$/.test(sha256) ? { sha256 } : {};
  return { original: path, kept, how: done, sizeBytes: BigInt(size), ...hashed };
}
