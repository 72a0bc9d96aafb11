import { createHash } from 'node:crypto';
import type { BackupFile, BackupManifest } from '../model/backup.js';
import { type BackupTrouble, judgePapers, type Papers } from './judge.js';
import { sumsOf } from './manifest.js';
import { pathTrouble } from './paths.js';
import { codeOf } from './repository/durable.js';
import type { BackupRef, FoundFile, Repository, SealedManifest } from './repository/repository.js';
import { isTrusted, type Trust } from './trust.js';

/** What reading every byte of a backup said. */
export interface Verified extends Papers {
  readonly ref: BackupRef;
  /** Bytes that were read and hashed. */
  readonly readBytes: bigint;
}

export interface VerifyOptions {
  readonly signal: AbortSignal;
  readonly onBytes?: (bytes: number) => void;
  /** Hashes of files that were read from the storage a moment ago, by path: they are not read again. */
  readonly readBack?: ReadonlyMap<string, string>;
}

/**
 * Reads every byte of a complete backup and compares it with the manifest, and the manifest with its signature and its
 * place: everything that is wrong, each by its word. Constant memory. Rejects with RunbookError `no-backup` when it is
 * partial or gone, and with the signal's reason.
 */
export async function verifyBackup(
  repository: Repository,
  ref: BackupRef,
  trust: Trust,
  options: VerifyOptions,
): Promise<Verified> {
  const reader = await repository.open(ref, 'backup verify');
  try {
    const sealed = await reader.sealed();
    const papers = judgePapers(ref, sealed, (signer) => isTrusted(trust, signer));
    const { manifest } = papers;
    if (manifest === undefined) return { ref, ...papers, readBytes: 0n };
    const found = await reader.files();
    const troubles: BackupTrouble[] = [
      ...papers.troubles,
      ...sumsTrouble(manifest, sealed),
      ...extraFiles(manifest, found),
    ];
    let readBytes = 0n;
    for (const file of manifest.files) {
      const counted = (bytes: number) => {
        readBytes += BigInt(bytes);
        options.onBytes?.(bytes);
      };
      const read = () => reader.read(file.path, options);
      const trouble = await fileTrouble(file, found, read, counted, options.readBack?.get(file.path));
      options.signal.throwIfAborted();
      if (trouble !== undefined) troubles.push({ ...trouble, path: file.path });
    }
    return { ref, ...papers, troubles, readBytes };
  } finally {
    await reader.close();
  }
}

type Trouble = Omit<BackupTrouble, 'path'>;

async function fileTrouble(
  file: BackupFile,
  found: readonly FoundFile[],
  read: () => AsyncIterable<Uint8Array>,
  onBytes: (bytes: number) => void,
  readBack: string | undefined,
): Promise<Trouble | undefined> {
  const there = found.find(({ path }) => path === file.path);
  if (there === undefined) return { what: 'missing-file', text: `${file.path} is not there` };
  if (there.what !== 'file')
    return { what: 'not-a-file', text: `${file.path} is ${there.what === 'link' ? 'a link' : 'no regular file'}` };
  if (there.sizeBytes !== file.sizeBytes) return sizeTrouble(file, there.sizeBytes);
  const hash = readBack ?? (await hashOf(file.path, read(), onBytes));
  if (typeof hash !== 'string') return hash;
  if (hash === file.sha256) return undefined;
  return { what: 'hash', text: `${file.path} has other bytes than were stored: its sha256 is not the manifest's` };
}

async function hashOf(
  path: string,
  bytes: AsyncIterable<Uint8Array>,
  onBytes: (bytes: number) => void,
): Promise<string | Trouble> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of bytes) {
      hash.update(chunk);
      onBytes(chunk.length);
    }
  } catch (error) {
    const code = codeOf(error);
    if (code === undefined) throw error;
    return { what: 'unreadable-file', text: `${path} cannot be read (${code})` };
  }
  return hash.digest('hex');
}

function sizeTrouble({ path, sizeBytes }: BackupFile, there: bigint): Trouble {
  const text = `${path} has ${there} bytes, the manifest says ${sizeBytes}`;
  return there < sizeBytes ? { what: 'truncated', text: `${text}: it is cut off` } : { what: 'size', text };
}

function extraFiles(manifest: BackupManifest, found: readonly FoundFile[]): readonly BackupTrouble[] {
  const named = new Set(manifest.files.map(({ path }) => path));
  return found
    .filter(({ path }) => !named.has(path))
    .map(({ path, what }): BackupTrouble => {
      const shown = pathTrouble(path) === undefined ? path : JSON.stringify(path);
      const kind = what === 'file' ? '' : ` (${what === 'link' ? 'a link' : 'no regular file'})`;
      return { what: 'extra-file', path, text: `${shown}${kind} is there and not in the manifest` };
    });
}

/** SHA256SUMS is for people without this tool: one that says otherwise would mislead them. */
function sumsTrouble(manifest: BackupManifest, sealed: Partial<SealedManifest>): readonly BackupTrouble[] {
  if (sealed.manifest === undefined) return [];
  const expected = Buffer.from(sumsOf(manifest, sealed.manifest));
  if (sealed.sums !== undefined && expected.equals(sealed.sums)) return [];
  const text = sealed.sums === undefined ? 'SHA256SUMS is not there' : 'SHA256SUMS says otherwise than the manifest';
  return [{ what: 'sums', text }];
}
