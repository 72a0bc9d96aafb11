import type { BackupCheck, BackupFile, BackupKeyspace, BackupManifest } from '../model/backup.js';
import { judgePapers } from './judge.js';
import { sha256Of } from './manifest.js';
import type { BackupReader, BackupRef, Repository } from './repository/repository.js';
import { countStored, type ScratchCount } from './scratch-count.js';
import { type Signer, sealCheck } from './sign.js';
import { isTrusted, type Trust } from './trust.js';

export interface DrillTools {
  readonly repository: Repository;
  readonly trust: Trust;
  readonly signer: Signer;
  readonly now: () => Date;
  readonly signal: AbortSignal;
}

/** What a drill found; the same stands beside the backup. */
export interface Drilled {
  readonly ref: BackupRef;
  readonly manifest: BackupManifest | undefined;
  readonly check: BackupCheck;
}

/**
 * Loads a complete backup in a closed server on this machine and compares keys and expires per database with the manifest:
 * proof that it can be loaded, and holds what it says. The result is signed and kept beside the backup. A backup whose
 * papers are wrong is not loaded at all. `unknown` when this machine has no server that reads it. Rejects with RunbookError
 * `no-backup` when it is not there, and with the signal's reason.
 */
export async function drillBackup(ref: BackupRef, tools: DrillTools): Promise<Drilled> {
  const began = performance.now();
  const reader = await tools.repository.open(ref, 'backup drill');
  try {
    const sealed = await reader.sealed();
    const papers = judgePapers(ref, sealed, (signer) => isTrusted(tools.trust, signer));
    const { manifest } = papers;
    const wrong = papers.troubles.map(({ text }) => text);
    const found: Found =
      manifest === undefined || wrong.length > 0
        ? { result: 'bad', details: wrong }
        : await load(manifest, reader, tools.signal);
    const check: BackupCheck = {
      schema: 'redis-runbook/backup-check/1',
      id: ref.id,
      manifestSha256: sha256Of(sealed.manifest ?? new Uint8Array()),
      name: 'drill',
      at: tools.now().toISOString(),
      durationMs: Math.round(performance.now() - began),
      ...found,
    };
    const { record, signature } = sealCheck(check, tools.signer);
    await tools.repository.addCheck(ref, check, record, signature);
    return { ref, manifest, check };
  } finally {
    await reader.close();
  }
}

type Found = Pick<BackupCheck, 'result' | 'details' | 'databases' | 'server'>;

async function load(manifest: BackupManifest, reader: BackupReader, signal: AbortSignal): Promise<Found> {
  const data = {
    kind: manifest.kind,
    server: manifest.source.server,
    files: manifest.files.filter(isData),
    read: (path: string) => reader.read(path, { signal }),
  };
  let count: ScratchCount;
  try {
    count = await countStored(data, signal);
  } catch (error) {
    signal.throwIfAborted();
    const text = error instanceof Error ? error.message : String(error);
    return { result: 'bad', details: [printable(text)] };
  }
  if (!count.ok) return { result: 'unknown', details: [printable(count.why)] };
  const details = compare(manifest, count.databases);
  return {
    result: details.length === 0 ? 'good' : 'bad',
    details,
    databases: count.databases,
    server: `${count.server}${count.confined ? '' : ' (not in a network of its own)'}`,
  };
}

function isData({ path }: BackupFile): boolean {
  return path.startsWith('data/');
}

/** A record holds no control characters, whatever a server or a file said. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 1000);
}

/** Exact where the manifest counted the data itself; what the node said around that moment is only nearly so. */
function compare({ keyspace }: BackupManifest, found: readonly BackupKeyspace[]): readonly string[] {
  if (keyspace.from === 'node') return [];
  const all = new Set([...keyspace.databases, ...found].map(({ database }) => database));
  return [...all].flatMap((database) => {
    const of = (rows: readonly BackupKeyspace[]) => rows.find((row) => row.database === database);
    const [said, there] = [of(keyspace.databases), of(found)];
    if (said?.keys === there?.keys && said?.expires === there?.expires) return [];
    return [`database ${database}: ${words(there)} loaded, the manifest says ${words(said)}`];
  });
}

function words(row: BackupKeyspace | undefined): string {
  return `${row?.keys ?? 0n} keys, ${row?.expires ?? 0n} with a time to live,`;
}
