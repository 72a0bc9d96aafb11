import { basename, join } from 'node:path';
import { RunbookError } from '../../errors.js';
import type { KeptFile } from '../host.js';
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

/** A file of the host, where it is kept, and how; `later`: it is not hashed now. */
export interface ToKeep {
  readonly path: string;
  readonly directory: string;
  readonly how: 'link-or-copy' | 'copy';
  readonly hash?: 'now' | 'later' | undefined;
}

/**
 * Keeps a regular file of the host under `directory` with its own base name, as WritableHost.keep says: linked, else
 * cloned, else copied, hashed on the host from what was kept. Where the file's directory and `directory` belong to
 * different users each side acts with its own right. Throws RunbookError `changed`, or the system's error.
 */
export async function keepOn(shell: Shell, keep: ToKeep, signal: AbortSignal, by?: NamedBy): Promise<KeptFile> {
  const { path, directory, how, hash = 'now' } = keep;
  const args = [checkPath(path), checkPath(directory), how, ...limitArguments(by), hash];
  const script = { script: KEEP, args };
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
  const isHashed = hash === 'later' ? sha256 === '' : /^[0-9a-f]{64}$/.test(sha256);
  if (!isHow(done) || !/^\d+$/.test(size) || !isHashed) {
    throw fileError('EIO', `${path}: the host did not say what it kept`);
  }
  return { original: path, kept, how: done, sizeBytes: BigInt(size), sha256 };
}
