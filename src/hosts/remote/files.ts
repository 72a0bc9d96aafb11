import { createHash } from 'node:crypto';
import type { FileStat } from '../../model/raw-host.js';
import type { ExecResult } from '../channel.js';
import { fileError } from '../local-files.js';
import { codeOf } from '../reading.js';
import { MAKE, READ, REMOVE, REMOVE_DIRECTORY, STAT } from './file-scripts.js';
import { atNamedPath, type NamedBy, type Script } from './run-as.js';
import { failureOf, textOf, timeoutError, unknownEnd } from './script.js';
import type { Shell } from './sudo.js';
import { sudoError } from './sudo-rights.js';
import { WRITE } from './write-script.js';

/** Time for one small operation on a host; hashing and keeping have one of their own. */
export const SMALL_MS = 30_000;
const LARGE_MS = 6 * 60 * 60 * 1000;
const ANSWER_BYTES = 64 * 1024;
const LISTING_BYTES = 4 * 1024 * 1024;
/** How often a file is opened that is replaced again and again. */
const MOST_TRIES = 5;

/** The files of one host, over its shell. Everything rejects with the system's error (`code`), or as the shell does. */
export interface RemoteFiles {
  read(path: string, limitBytes: number, signal: AbortSignal): Promise<Uint8Array>;
  /** The last bytes of a file. */
  tail(path: string, bytes: number, signal: AbortSignal): Promise<Uint8Array>;
  /** Without following a link. */
  stat(path: string, signal: AbortSignal): Promise<FileStat>;
  list(directory: string, limit: number, signal: AbortSignal): Promise<readonly string[]>;
  /** sha256 of the file or of its first bytes, lower-case hex. */
  hash(path: string, signal: AbortSignal, lengthBytes?: bigint, pace?: 'gently'): Promise<string>;
  /** As WritableHost.write. */
  write(path: string, bytes: Uint8Array, expected: string, signal: AbortSignal): Promise<void>;
  makeDirectory(path: string, signal: AbortSignal): Promise<void>;
  remove(path: string, signal: AbortSignal): Promise<void>;
  removeDirectory(path: string, signal: AbortSignal): Promise<void>;
}

function numberOf(seconds: string): number {
  const [whole = '', fraction = ''] = seconds.split('.');
  const micros = BigInt(whole) * 1_000_000n + BigInt(fraction.slice(0, 6).padEnd(6, '0'));
  return Number(micros) / 1000;
}

const types: Readonly<Record<number, FileStat['type']>> = { 8: 'file', 10: 'link', 4: 'directory' };

/** The line of `stat -c '%s|%.9Y|%.9Z|%a|%u|%g|%d|%i|%f'`; busybox leaves the fractions of seconds out. Throws when it is none. */
export function parseStatLine(line: string): FileStat {
  const fields = line.trim().split('|');
  const [size = '', mtime = '', ctime = '', mode = '', uid = '', gid = '', device = '', inode = '', raw = ''] = fields;
  const numeric = [size, uid, gid, device, inode].every((field) => /^\d+$/.test(field));
  if (!numeric || !/^[0-7]+$/.test(mode) || !/^[0-9a-f]+$/.test(raw)) throw fileError('EIO', `no stat: ${line}`);
  return {
    sizeBytes: BigInt(size),
    mtimeMs: numberOf(mtime),
    ctimeMs: numberOf(ctime),
    mode: Number.parseInt(mode, 8),
    uid: Number(uid),
    gid: Number(gid),
    device: BigInt(device),
    inode: BigInt(inode),
    type: types[Number.parseInt(raw, 16) >> 12] ?? 'other',
  };
}

/** Ends of looking scripts. */
function looked(result: ExecResult, path: string, timeoutMs: number): Uint8Array {
  if (result.timedOut) throw timeoutError(path, timeoutMs);
  if (result.tooLarge) throw fileError('EFBIG', `${path} is larger than may be read`);
  if (result.status !== 0) throw failureOf(result, path);
  return result.stdout;
}

/**
 * Ends of scripts that change something: over its time, or ended by a signal, it is not known. A right that is missing
 * is the host's, and says what would give it.
 */
export async function changed(
  shell: Shell,
  result: ExecResult,
  path: string,
  signal: AbortSignal,
): Promise<Uint8Array> {
  if (result.timedOut || result.status === null || result.status > 128) throw unknownEnd(shell.host, path);
  if (result.status === 0) return result.stdout;
  const error = failureOf(result, path);
  const rights = await shell.rights(signal);
  if (result.status === 41 && rights.uid !== 0 && rights.sudo === 'not-needed') {
    const facts = sudoError(shell.host, rights.user, '').facts;
    throw Object.assign(sudoError(shell.host, rights.user, error.message), { facts: [error.message, ...facts] });
  }
  throw error;
}

/** Runs a script that changes something. */
export async function change(
  shell: Shell,
  script: Script,
  path: string,
  signal: AbortSignal,
  more: { readonly stdin?: Uint8Array; readonly timeoutMs?: number } = {},
): Promise<string> {
  signal.throwIfAborted();
  const options = { timeoutMs: more.timeoutMs ?? SMALL_MS, limitBytes: ANSWER_BYTES };
  const result = await shell.exec(script, more.stdin ? { ...options, stdin: more.stdin } : options, signal);
  return textOf(await changed(shell, result, path, signal));
}

/** The files of one host; with `namedBy` those that a config file or its server named. */
export function filesOver(shell: Shell, namedBy: () => NamedBy | undefined = () => undefined): RemoteFiles {
  const atPath = (script: string, path: string, mode: 'follow' | 'stay' | 'directory' | 'make', ...args: string[]) =>
    atNamedPath(namedBy(), script, path, mode, ...args);
  const lookOnce = async (
    script: Script,
    path: string,
    limitBytes: number,
    signal: AbortSignal,
    timeoutMs = SMALL_MS,
  ): Promise<Uint8Array> => looked(await shell.look(script, { timeoutMs, limitBytes }, signal), path, timeoutMs);
  // A writer replaces a file by rename between our look at it and our opening of it: the new one is read then.
  const look: typeof lookOnce = async (...asked) => {
    for (let tries = 1; ; tries += 1) {
      try {
        return await lookOnce(...asked);
      } catch (error) {
        if (codeOf(error) !== 'ESTALE' || tries === MOST_TRIES) throw error;
      }
    }
  };
  return {
    async read(path, limitBytes, signal) {
      const script = atPath(READ.whole, path, 'follow', String(limitBytes + 1));
      const bytes = await look(script, path, limitBytes + 1, signal);
      if (bytes.length > limitBytes) throw fileError('EFBIG', `${path} is larger than ${limitBytes} bytes`);
      return bytes;
    },
    tail: (path, bytes, signal) => look(atPath(READ.tail, path, 'follow', String(bytes)), path, bytes, signal),
    stat: async (path, signal) => {
      const script = path === '/' ? atPath(STAT, path, 'directory') : atPath(STAT, path, 'stay');
      return parseStatLine(textOf(await look(script, path, ANSWER_BYTES, signal)));
    },
    async list(directory, limit, signal) {
      const script = atPath(READ.list, directory, 'directory', String(limit));
      const text = textOf(await look(script, directory, LISTING_BYTES, signal));
      return text.split('\0').slice(0, -1).sort();
    },
    async hash(path, signal, lengthBytes, pace) {
      const length = lengthBytes === undefined ? '' : String(lengthBytes);
      const script = atPath(READ.hash, path, 'follow', length, pace ?? '');
      const sum = textOf(await look(script, path, ANSWER_BYTES, signal, LARGE_MS));
      if (!/^[0-9a-f]{64}$/.test(sum)) throw fileError('EIO', `${path}: the host gave no sha256`);
      return sum;
    },
    async write(path, bytes, expected, signal) {
      const arriving = createHash('sha256').update(bytes).digest('hex');
      await change(shell, atPath(WRITE, path, 'stay', expected, arriving), path, signal, { stdin: bytes });
    },
    async makeDirectory(path, signal) {
      await change(shell, atPath(MAKE, path, 'make'), path, signal);
    },
    async remove(path, signal) {
      await change(shell, atPath(REMOVE, path, 'stay'), path, signal);
    },
    async removeDirectory(path, signal) {
      await change(shell, atPath(REMOVE_DIRECTORY, path, 'stay'), path, signal);
    },
  };
}
