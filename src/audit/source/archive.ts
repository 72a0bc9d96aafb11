import { gunzipSync } from 'node:zlib';
import { Parser, type ReadEntry } from 'tar';
import { type Budget, type GivenFile, givenLimits } from './given.js';

/** Whether the bytes begin as a tar or a gzip file does. */
export function isArchive(bytes: Uint8Array): boolean {
  return isGzip(bytes) || isTar(bytes);
}

function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

function isTar(bytes: Uint8Array): boolean {
  return bytes.length >= 512 && Buffer.from(bytes.subarray(257, 262)).toString('latin1') === 'ustar';
}

/**
 * The regular files of a tar or tgz, read in memory: nothing is ever written, so names with `..`, links and devices can
 * do nothing. A plain gzip file is one file. Links, devices and members over the limits are left out or say why.
 */
export async function readArchive(path: string, bytes: Uint8Array, budget: Budget): Promise<GivenFile[]> {
  const plain = isGzip(bytes) ? unzipped(bytes, budget) : bytes;
  if (plain === undefined) {
    return [{ path, named: true, content: { why: 'too-large', detail: 'unpacks to more than is read' } }];
  }
  if (!isTar(plain)) {
    return [{ path, named: true, content: { text: Buffer.from(plain).toString('utf8') } }];
  }
  return readTar(path, plain, budget);
}

function unzipped(bytes: Uint8Array, budget: Budget): Uint8Array | undefined {
  try {
    return gunzipSync(bytes, { maxOutputLength: Math.max(1, budget.bytes) });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') return undefined;
    throw error;
  }
}

function readTar(path: string, bytes: Uint8Array, budget: Budget): Promise<GivenFile[]> {
  const files: GivenFile[] = [];
  return new Promise((resolve, reject) => {
    const parser = new Parser({
      strict: false,
      gzip: false,
      brotli: false,
      zstd: false,
      onReadEntry: (entry: ReadEntry) => takeEntry(path, entry, budget, files),
    });
    parser.on('end', () => resolve(files));
    parser.on('error', reject);
    parser.end(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  });
}

function takeEntry(archive: string, entry: ReadEntry, budget: Budget, files: GivenFile[]): void {
  const path = `${archive}:${entry.path}`;
  const isFile = entry.type === 'File' || entry.type === 'OldFile' || entry.type === 'ContiguousFile';
  budget.files -= isFile ? 1 : 0;
  const fits = entry.size <= givenLimits.fileBytes && entry.size <= budget.bytes && budget.files >= 0;
  if (!isFile || !fits) {
    if (isFile) files.push({ path, named: false, content: { why: 'too-large', detail: `${entry.size} bytes` } });
    entry.resume();
    return;
  }
  budget.bytes -= entry.size;
  const chunks: Buffer[] = [];
  entry.on('data', (chunk) => chunks.push(Buffer.from(chunk)));
  entry.on('end', () => files.push({ path, named: false, content: { text: Buffer.concat(chunks).toString('utf8') } }));
}
