import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { RunbookError } from '../errors.js';
import { childEnd, startChild } from '../hosts/child.js';
import type { Packing } from '../hosts/host.js';
import { ProgramFailed, through } from '../hosts/through.js';
import type { BackupFile } from '../model/backup.js';
import { codeOf } from './repository/durable.js';

type Packed = NonNullable<BackupFile['compressed']>;
type Stored = Pick<BackupFile, 'path' | 'compressed'>;

/**
 * The bytes of a stored file as they were on their host, in constant memory. Of a compressed one not more is given out than
 * the manifest says, and it ends well only when all of it has the hash of before. Rejects with Error when it is not what was
 * packed, RunbookError `blocked` where this machine has nothing that unpacks it, and with what reading `bytes` said.
 */
export function unpacked({ path, compressed }: Stored, bytes: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  if (compressed === undefined) return bytes;
  return proven(path, compressed, unpackedAsItIs(path, compressed.how, bytes));
}

/** The same of a file whose manifest is still to be written: whatever it unpacks to. */
export function unpackedAsItIs(
  path: string,
  how: Packing,
  bytes: AsyncIterable<Uint8Array>,
): AsyncIterable<Uint8Array> {
  return how === 'gzip' ? gunzipped(path, bytes) : unzstd(path, bytes);
}

async function* proven(
  path: string,
  { plainBytes, plainSha256 }: Packed,
  plain: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  let length = 0n;
  for await (const chunk of plain) {
    length += BigInt(chunk.length);
    if (length > plainBytes) throw new Error(`${path} unpacks to more than the ${plainBytes} bytes of the manifest`);
    hash.update(chunk);
    yield chunk;
  }
  if (length < plainBytes) throw new Error(`${path} unpacks to ${length} bytes, the manifest says ${plainBytes}`);
  if (hash.digest('hex') !== plainSha256) throw new Error(`${path} unpacks to other bytes than were packed`);
}

async function* gunzipped(path: string, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const source = Readable.from(bytes, { objectMode: false });
  const plain = createGunzip();
  // What reading said is the reason, and not that the packed bytes end early.
  source.once('error', (error) => plain.destroy(error));
  try {
    for await (const chunk of source.pipe(plain)) yield chunk as Uint8Array;
  } catch (error) {
    throw codeOf(error)?.startsWith('Z_') === true ? new Error(`${path} is no whole gzip file`) : error;
  } finally {
    source.destroy();
    plain.destroy();
  }
}

/** By the program: Node knows zstd only from 22.15 on. */
async function* unzstd(path: string, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* through(['zstd', '-d', '-c', '-q'], bytes);
  } catch (error) {
    throw error instanceof ProgramFailed ? new Error(`${path} is no whole zstd file`) : withoutProgram(error);
  }
}

const NO_ZSTD = 'it is compressed with zstd, and this machine has no program of that name';

function withoutProgram(error: unknown): unknown {
  if (codeOf(error) !== 'ENOENT') return error;
  return new RunbookError('blocked', `The backup cannot be read here: ${NO_ZSTD}.`, {
    next: ['install zstd, then again', 'zstd -d FILE   on another machine gives the file itself'],
  });
}

/** Why this machine cannot unpack these files, in words; undefined when it can. */
export async function unpackTrouble(files: readonly Pick<BackupFile, 'compressed'>[]): Promise<string | undefined> {
  const needs = files.some(({ compressed }) => compressed?.how === 'zstd');
  return needs && !(await unpacksHere('zstd')) ? NO_ZSTD : undefined;
}

/** Whether this machine can read such a file back. */
export async function unpacksHere(how: Packing): Promise<boolean> {
  if (how === 'gzip') return true;
  const child = startChild('zstd', ['--version'], { PATH: process.env.PATH ?? '' });
  child.stdout.resume();
  child.stderr.resume();
  return childEnd(child).then(
    ({ status }) => status === 0,
    () => false,
  );
}
