import type { BackupCheck, BackupKind, BackupManifest, BackupTry } from './backup.js';
import type { RetentionRefusal, RetentionRow } from './retention.js';

/** `good`: may be restored from. `unknown`: good but for a signer that nobody accepted. `bad`, `incomplete`: never. */
export type BackupState = 'good' | 'bad' | 'unknown' | 'incomplete';

/** The best that was proven of a backup's data: loaded whole by a server, read by Redis' own checker, every byte as stored. */
export type BackupProof = 'drilled' | 'checked' | 'hashes' | 'none' | 'bad';

/** One backup as screens and JSON show it. */
export interface BackupView {
  readonly fleet: string;
  readonly group: string;
  readonly id: string;
  readonly kind: BackupKind;
  readonly state: BackupState;
  /** ISO 8601 UTC: whose moment the data is; of an incomplete one when it was begun. */
  readonly takenAt: string;
  readonly from?: string;
  readonly sizeBytes?: bigint;
  readonly keys?: bigint;
  readonly proof: BackupProof;
  readonly drilledAt?: string;
  /** Reasons of retention; empty where no policy is known. */
  readonly kept: readonly string[];
  readonly pinned?: string;
  readonly signer?: { readonly name: string; readonly fingerprint: string };
  readonly troubles: readonly { readonly what: string; readonly path?: string; readonly text: string }[];
}

/** The backups of one group, newest first. */
export interface BackupGroupView {
  readonly fleet: string;
  readonly group: string;
  readonly backups: readonly BackupView[];
  /** Names in the group's directory that are no backup's. */
  readonly strange: readonly string[];
  /** Somebody makes one now. */
  readonly underWay?: { readonly user: string; readonly host: string; readonly since: string };
}

export interface BackupListView {
  readonly repository: string;
  readonly groups: readonly BackupGroupView[];
}

/** How one group stands against its target. `late`: the newest good backup is older than the limit, or there is none. */
export interface BackupStatusRow {
  readonly fleet: string;
  readonly group: string;
  readonly state: 'ok' | 'late';
  readonly newest?: Pick<BackupView, 'id' | 'takenAt' | 'sizeBytes' | 'keys'>;
  readonly ageMs?: number;
  readonly limitMs: number;
  readonly lastTry?: BackupTry;
  /** The last try says `under-way` and nobody holds the lock: it was killed. */
  readonly neverFinished: boolean;
  readonly drilledAt?: string;
  readonly good: number;
  /** Good ones whose time is still to come, by this clock. */
  readonly future: number;
  readonly bad: number;
  readonly unknown: number;
  readonly incomplete: number;
}

export interface BackupStatusView {
  readonly repository: string;
  /** ISO 8601 UTC */
  readonly at: string;
  readonly freeBytes: bigint;
  readonly groups: readonly BackupStatusRow[];
}

/** One backup with everything that its papers say. */
export interface BackupDetails {
  readonly repository: string;
  readonly view: BackupView;
  readonly manifest?: BackupManifest;
  readonly checks: readonly BackupCheck[];
  readonly ignoredChecks: number;
}

export interface VerifiedView {
  readonly view: Pick<BackupView, 'fleet' | 'group' | 'id' | 'takenAt'>;
  readonly readBytes: bigint;
  readonly durationMs: number;
  readonly troubles: BackupView['troubles'];
  /** Whether the result could be kept beside the backup, or why not. */
  readonly kept: true | string;
}

export interface PruneGroupView {
  readonly fleet: string;
  readonly group: string;
  readonly backups: readonly BackupView[];
  readonly rows: readonly RetentionRow[];
  readonly refusals: readonly RetentionRefusal[];
  /** Ids that went to the trash now; empty in a dry run. */
  readonly removed: readonly string[];
  /** Ids that somebody reads, so they stayed. */
  readonly busy: readonly { readonly id: string; readonly by: string }[];
}

export interface PruneView {
  readonly repository: string;
  readonly applied: boolean;
  readonly trashMs: number;
  readonly groups: readonly PruneGroupView[];
  /** What left the trash for good, and partial backups that were swept. */
  readonly emptied: readonly string[];
  readonly swept: readonly string[];
}
