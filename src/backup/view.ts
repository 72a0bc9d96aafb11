import type { BackupTry } from '../model/backup.js';
import type { BackupProof, BackupStatusRow, BackupView } from '../model/backup-view.js';
import type { BackupSettings, RetentionBackup, RetentionPlan } from '../model/retention.js';
import { type CataloguedBackup, drilledAt } from './catalogue.js';
import { decideRetention } from './retention/decide.js';
import { fingerprintOf } from './sign.js';

/** One catalogued backup as screens show it; `kept` are the reasons of retention. */
export function viewOf(backup: CataloguedBackup, kept: readonly string[] = []): BackupView {
  const { ref, manifest, signer, state, troubles } = backup;
  const drilled = drilledAt(backup);
  return {
    fleet: ref.fleet,
    group: ref.group,
    id: ref.id,
    kind: ref.kind,
    state,
    takenAt: takenAt(backup),
    proof: proofOf(backup),
    kept,
    troubles,
    ...(drilled === undefined ? {} : { drilledAt: drilled }),
    ...(signer === undefined ? {} : { signer: { name: signer.name, fingerprint: fingerprintOf(signer.key) } }),
    ...(manifest === undefined ? {} : fromManifest(manifest)),
  };
}

function fromManifest(manifest: NonNullable<CataloguedBackup['manifest']>): Partial<BackupView> {
  return {
    from: manifest.source.node,
    sizeBytes: manifest.files.reduce((sum, file) => sum + file.sizeBytes, 0n),
    keys: manifest.keyspace.databases.reduce((sum, { keys }) => sum + keys, 0n),
    ...(manifest.pinned === undefined ? {} : { pinned: manifest.pinned }),
  };
}

/** The moment of the data; an unbelieved manifest says nothing, so the name does. */
function takenAt({ ref, manifest, state }: CataloguedBackup): string {
  if (manifest === undefined || state === 'bad') return ref.begunAt;
  const { snapshotAt, finishedAt } = manifest;
  // The node's own clock said when; it cannot have been after the backup was whole by ours.
  return Date.parse(snapshotAt) > Date.parse(finishedAt) ? finishedAt : snapshotAt;
}

function proofOf({ checks, state }: CataloguedBackup): BackupProof {
  if (state === 'bad') return 'bad';
  const good = new Set(checks.filter(({ result }) => result === 'good').map(({ name }) => name));
  if (good.has('drill')) return 'drilled';
  if (good.has('check-rdb') || good.has('check-aof')) return 'checked';
  return good.has('hashes') ? 'hashes' : 'none';
}

/** What retention says of a group's backups, by the fleet's policy. */
export function retentionOf(backups: readonly CataloguedBackup[], settings: BackupSettings, now: Date): RetentionPlan {
  const { keep, limitMs, timeZone } = settings;
  return decideRetention(keep, backups.map(forRetention), { now, limitMs, timeZone });
}

function forRetention(backup: CataloguedBackup): RetentionBackup {
  const { ref, manifest, state } = backup;
  const drilled = drilledAt(backup);
  return {
    id: ref.id,
    takenAt: takenAt(backup),
    state,
    tags: manifest?.tags ?? [],
    ...(drilled === undefined ? {} : { drilledAt: drilled }),
    ...(manifest?.pinned === undefined ? {} : { pinned: manifest.pinned }),
  };
}

/** A clock that is this much ahead of another is no reason not to count. */
const clockToleranceMs = 5 * 60_000;

/** How a group stands: the newest good backup against the limit. One from the future would look fresh for years: it is told and not counted. */
export function statusRow(
  scope: { readonly fleet: string; readonly group: string },
  backups: readonly CataloguedBackup[],
  lastTry: BackupTry | undefined,
  isWritten: boolean,
  limitMs: number,
  now: Date,
): BackupStatusRow {
  const all = backups.filter(({ state }) => state === 'good').map((one) => viewOf(one));
  const good = all.filter(({ takenAt }) => Date.parse(takenAt) <= now.getTime() + clockToleranceMs);
  const newest = good.reduce<BackupView | undefined>(
    (best, one) => (best === undefined || Date.parse(one.takenAt) > Date.parse(best.takenAt) ? one : best),
    undefined,
  );
  const ageMs = newest === undefined ? undefined : Math.max(0, now.getTime() - Date.parse(newest.takenAt));
  const drilled = good
    .flatMap((one) => one.drilledAt ?? [])
    .sort()
    .at(-1);
  const of = (state: string) => backups.filter((one) => one.state === state).length;
  return {
    ...scope,
    state: ageMs !== undefined && ageMs <= limitMs ? 'ok' : 'late',
    limitMs,
    neverFinished: lastTry?.outcome === 'under-way' && !isWritten,
    good: good.length,
    future: all.length - good.length,
    bad: of('bad'),
    unknown: of('unknown'),
    incomplete: of('incomplete'),
    ...(newest === undefined ? {} : { newest }),
    ...(ageMs === undefined ? {} : { ageMs }),
    ...(lastTry === undefined ? {} : { lastTry }),
    ...(drilled === undefined ? {} : { drilledAt: drilled }),
  };
}
