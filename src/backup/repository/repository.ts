import type { BackupCheck, BackupKind, BackupTry } from '../../model/backup.js';
import type { RdbSeen } from '../rdb-seen.js';

/** Whose backups: one group of one fleet. Names as fleet.yaml allows them. */
export interface BackupScope {
  readonly fleet: string;
  readonly group: string;
}

/** One backup in the repository, by its name alone: nothing of it has been read or believed yet. */
export interface BackupRef extends BackupScope {
  /** `20261123T031407Z-rdb-3F8A`, without `.partial`. */
  readonly name: string;
  readonly id: string;
  readonly kind: BackupKind;
  /** ISO 8601 UTC, when it was begun, from the name. */
  readonly begunAt: string;
  /** `partial`: has no manifest, or was never given its final name. Never good, whatever is in it. */
  readonly state: 'complete' | 'partial';
}

/** A file that is whole on the repository's disk. */
export interface StoredFile {
  /** Inside the backup: `data/dump.rdb`. */
  readonly path: string;
  readonly sizeBytes: bigint;
  /** 64 lower-case hex digits, of the bytes as they were read back from the storage. */
  readonly sha256: string;
  /** What an RDB said of itself (`isRdb`); missing where it could not be walked. */
  readonly rdb?: RdbSeen;
}

/** The three files that make a backup complete, as bytes. */
export interface SealedManifest {
  /** manifest.json */
  readonly manifest: Uint8Array;
  /** manifest.json.sig */
  readonly signature: Uint8Array;
  /** SHA256SUMS, for `sha256sum -c` */
  readonly sums: Uint8Array;
}

/** What a writer is begun with. */
export interface BackupStart extends BackupScope {
  readonly kind: BackupKind;
  /** Begin, or go on with this partial backup of the same group (`BackupRef.id`). */
  readonly resume?: string;
}

/**
 * A backup that is being made. It holds the group's writer lock until `finish`, `leave` or `discard`; exactly one of
 * the three ends it. Files are written one after another or side by side; each is whole (fsynced) or not there.
 */
export interface BackupWriter {
  readonly ref: BackupRef;
  /** Files that an earlier try of this backup finished, hashed again now: need not be sent again. Empty for a new one. */
  readonly finished: readonly StoredFile[];
  /** What the earlier try noted with `note`, as written; undefined for a new one, or when it is unreadable. */
  readonly noted: unknown;
  /** Keeps a small JSON value beside the partial backup for whoever resumes it (source, replication id, file list). Replaces the one before. */
  note(value: unknown): Promise<void>;
  /**
   * Stores one file from a stream: read back from the storage and hashed, constant memory, backpressure, at most `limitBytes`. An aborted
   * or failed stream leaves no file. Rejects with RunbookError `usage` for a path outside the grammar or a path that
   * is already stored, `disk-full` when the disk is, `locked` when the lock was lost, with the stream's own error when it fails.
   */
  put(path: string, source: AsyncIterable<Uint8Array>, options?: PutOptions): Promise<StoredFile>;
  /** Bytes of a stored file that `put` or an earlier try finished. */
  read(path: string): AsyncIterable<Uint8Array>;
  /** Removes one stored file of this partial backup (a multi-part AOF whose manifest changed is copied anew). */
  drop(path: string): Promise<void>;
  /** Seals: manifest last, then the name. Resolves when it is listed as complete and would survive a power cut. */
  finish(sealed: SealedManifest): Promise<BackupRef>;
  /** Frees the lock and leaves what is there to be resumed; swept after 24 hours. */
  leave(): Promise<void>;
  /** Frees the lock and removes what is there. */
  discard(): Promise<void>;
}

export interface PutOptions {
  readonly signal?: AbortSignal;
  /** Not more is taken; also how much is expected. */
  readonly limitBytes?: bigint;
  /** About how much will come, where nobody knows exactly. */
  readonly expectedBytes?: bigint;
  /** It is an RDB file: it is walked while it is read back. */
  readonly isRdb?: boolean;
  /** Called with each chunk's length once it is written. */
  readonly onBytes?: (bytes: number) => void;
}

/** A complete backup that is being read; prune leaves it alone until `close`. */
export interface BackupReader {
  readonly ref: BackupRef;
  /** Every file below the backup's directory but its own (`manifest.json`, `manifest.json.sig`, `SHA256SUMS`, `checks/`), sorted; links and specials are named as such. */
  files(): Promise<readonly FoundFile[]>;
  /** manifest.json, its signature, SHA256SUMS; undefined what is missing. At most `limitBytes` of each. Rejects with the system's error. */
  sealed(): Promise<Partial<SealedManifest>>;
  /** Bytes of one file. Rejects with RunbookError `usage` for a path outside the grammar; links are not followed. */
  read(path: string, options?: { readonly signal?: AbortSignal }): AsyncIterable<Uint8Array>;
  /** Path on this machine where a directory repository keeps the file; undefined where files have none. For reading only. */
  localPath(path: string): string | undefined;
  close(): Promise<void>;
}

export interface FoundFile {
  readonly path: string;
  readonly what: 'file' | 'link' | 'other';
  readonly sizeBytes: bigint;
}

/** A check record as stored, with its signature; nothing of it is believed yet. */
export interface StoredCheck {
  readonly name: string;
  readonly record: Uint8Array;
  readonly signature?: Uint8Array;
}

/** Who holds a lock, by the lock's own words (shown, never believed for more). */
export interface LockHolder {
  readonly pid: number;
  readonly host: string;
  readonly user: string;
  /** What it does: `backup create`, `backup prune`. */
  readonly doing: string;
  /** ISO 8601 UTC */
  readonly since: string;
}

export interface RepositoryLock {
  /** Rejects with RunbookError `locked` when the lock is no longer ours. */
  check(): Promise<void>;
  release(): Promise<void>;
}

export interface PruneOutcome {
  readonly ref: BackupRef;
  /** Being read by somebody, so it stayed. */
  readonly busy?: LockHolder;
}

/** Where backups are kept. Everything in it can be read without this tool. */
export interface Repository {
  /** For messages: a path. */
  readonly place: string;
  /** Random, made once, in repo.json; what the operator's trust is bound to. */
  readonly id: string;
  /** Groups that have anything here, sorted. */
  scopes(): Promise<readonly BackupScope[]>;
  /** Every backup of a group, oldest first; what has another name is passed over and counted in `strange`. */
  list(scope: BackupScope): Promise<{ readonly backups: readonly BackupRef[]; readonly strange: readonly string[] }>;
  /** Takes the group's writer lock. Rejects with RunbookError `locked` (who, since when, doing what) while another lives, `usage` when `resume` names nothing. */
  begin(start: BackupStart, now: Date): Promise<BackupWriter>;
  /** Who makes a backup of a group now; undefined when nobody does, or its process is proven dead. */
  writer(scope: BackupScope): Promise<LockHolder | undefined>;
  /** Opens a complete backup. Rejects with RunbookError `no-backup` when it is not there or partial. */
  open(ref: BackupRef, doing: string): Promise<BackupReader>;
  /** The seal of a complete backup without opening it; undefined when it is not there (any more). */
  sealed(ref: BackupRef): Promise<Partial<SealedManifest> | undefined>;
  /** Checks kept beside a complete backup, oldest first. */
  checks(ref: BackupRef): Promise<readonly StoredCheck[]>;
  /** Keeps one check (bytes and their signature) beside a complete backup, under a name of its time and what it is. */
  addCheck(
    ref: BackupRef,
    check: Pick<BackupCheck, 'at' | 'name'>,
    record: Uint8Array,
    signature: Uint8Array,
  ): Promise<void>;
  /** The last try of a group; undefined when there is none or it is unreadable. */
  lastTry(scope: BackupScope): Promise<BackupTry | undefined>;
  noteTry(scope: BackupScope, what: BackupTry): Promise<void>;
  /** Takes the repository's pruner lock. Rejects with RunbookError `locked` while another lives. */
  lockForPrune(now: Date): Promise<RepositoryLock>;
  /** Moves a backup to the trash, unless somebody reads it. Needs the pruner lock. */
  trash(lock: RepositoryLock, ref: BackupRef, now: Date): Promise<PruneOutcome>;
  /** What is in the trash and since when. */
  trashed(): Promise<readonly { readonly ref: BackupRef; readonly since: string }[]>;
  /** Removes for good what has been in the trash since before `before`; gives what went. */
  emptyTrash(lock: RepositoryLock, before: Date): Promise<readonly BackupRef[]>;
  /** Removes partial backups begun before `before` that nobody writes; gives what went. Needs the pruner lock. */
  sweep(lock: RepositoryLock, before: Date): Promise<readonly BackupRef[]>;
  /** Bytes that are free where the repository is. */
  freeBytes(): Promise<bigint>;
}
