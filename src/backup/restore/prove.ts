import { RunbookError } from '../../errors.js';
import type { BackupKeyspace, BackupManifest } from '../../model/backup.js';
import type { CataloguedBackup } from '../catalogue.js';
import { drilledAt } from '../catalogue.js';
import { type DrillTools, drillBackup } from '../drill.js';
import { rdbVersionOf } from '../scratch-count.js';
import { type Verified, verifyBackup } from '../verify.js';

/** A backup that may be restored: every byte as signed, and what is known of loading it. */
export interface ProvenBackup {
  readonly manifest: BackupManifest;
  readonly manifestSha256: string;
  readonly readBytes: bigint;
  /** Format version of its RDB or of its AOF's base. */
  readonly rdbVersion: number | undefined;
  /** Counted by a server that loaded it, else while it was read; undefined where nothing could count it. */
  readonly databases: readonly BackupKeyspace[] | undefined;
  /** When a server last loaded it, ISO 8601; undefined when none ever did. */
  readonly drilledAt: string | undefined;
  /** Why it could not be loaded here now, where it never was. */
  readonly notDrilledWhy: string | undefined;
  /** What verify names and a restore need not mind. */
  readonly remarks: readonly string[];
}

/** Nothing of it changes a byte of the data. */
const harmless: readonly string[] = ['extra-file', 'sums'];

/**
 * Reads every byte of a backup and refuses it unless all of them, the manifest and its signature are right; one that no
 * server ever loaded is loaded here first, in a closed one. Touches no fleet. Throws RunbookError `bad-backup`, `unknown-signer`,
 * `no-backup`.
 */
export async function proveBackup(
  one: CataloguedBackup,
  tools: DrillTools,
  tell: (text: string) => void,
): Promise<ProvenBackup> {
  refuseState(one);
  const { repository, trust, signal } = tools;
  tell(`Reading every byte of ${one.ref.id}, and its signature ...`);
  const verified = await verifyBackup(repository, one.ref, trust, { signal });
  const { manifest, manifestSha256 } = refuseTroubles(one, verified);
  const found = await loadedOnce(one, manifest, tools, tell);
  return {
    manifest,
    manifestSha256,
    readBytes: verified.readBytes,
    rdbVersion: await versionIn(one, manifest, tools),
    ...found,
    remarks: verified.troubles.map(({ text }) => text),
  };
}

function refuseState({ ref, state, troubles, checks }: CataloguedBackup): void {
  const { id } = ref;
  if (state === 'good') return;
  if (state === 'incomplete')
    throw new RunbookError('no-backup', `${id} never finished: there is nothing to restore.`, {
      next: ['redis-runbook backup list'],
    });
  if (state === 'unknown')
    throw new RunbookError('unknown-signer', `${id} is signed by somebody whom nobody here has accepted.`, {
      facts: troubles.map(({ text }) => text),
      next: ['compare the fingerprint with its owner, then add --accept-signer NAME'],
    });
  const bad = checks.filter(({ result }) => result === 'bad').flatMap(({ details }) => details);
  throw badBackup(id, troubles.length > 0 ? troubles.map(({ what, text }) => `${what}: ${text}`) : bad);
}

function badBackup(id: string, facts: readonly string[]): RunbookError {
  return new RunbookError('bad-backup', `${id} is not what was stored, and is not restored. Nothing was touched.`, {
    facts: facts.slice(0, 20),
    next: ['redis-runbook backup list   for another one', `redis-runbook backup verify ${id}`],
  });
}

function refuseTroubles(
  { ref }: CataloguedBackup,
  { troubles, manifest, manifestSha256 }: Verified,
): { readonly manifest: BackupManifest; readonly manifestSha256: string } {
  const wrong = troubles.filter(({ what }) => !harmless.includes(what));
  if (manifest !== undefined && manifestSha256 !== undefined && wrong.length === 0) return { manifest, manifestSha256 };
  throw badBackup(
    ref.id,
    wrong.map(({ what, text }) => `${what}: ${text}`),
  );
}

type Loaded = Pick<ProvenBackup, 'databases' | 'drilledAt' | 'notDrilledWhy'>;

async function loadedOnce(
  one: CataloguedBackup,
  manifest: BackupManifest,
  tools: DrillTools,
  tell: (text: string) => void,
): Promise<Loaded> {
  const counted = manifest.keyspace.from === 'data' ? manifest.keyspace.databases : undefined;
  const at = drilledAt(one);
  const before = one.checks.findLast(({ name, result }) => name === 'drill' && result === 'good');
  if (at !== undefined) return { databases: before?.databases ?? counted, drilledAt: at, notDrilledWhy: undefined };
  tell(`${one.ref.id} was never loaded: loading it in a closed server on this machine first ...`);
  const { check } = await drillBackup(one.ref, tools);
  if (check.result === 'bad') throw badBackup(one.ref.id, check.details);
  if (check.result === 'good')
    return { databases: check.databases ?? counted, drilledAt: check.at, notDrilledWhy: undefined };
  return { databases: counted, drilledAt: undefined, notDrilledWhy: check.details.join('; ') };
}

async function versionIn(
  { ref }: CataloguedBackup,
  { files }: BackupManifest,
  { repository, signal }: DrillTools,
): Promise<number | undefined> {
  const reader = await repository.open(ref, 'backup restore');
  try {
    return await rdbVersionOf({ files, read: (path) => reader.read(path, { signal }) });
  } finally {
    await reader.close();
  }
}
