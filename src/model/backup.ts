/**
 * The shapes of a backup: what the manifest says, what a check of it said, and what a try to make one came to. Sizes,
 * offsets and counts are `bigint` (decimal strings in JSON), times ISO 8601 UTC.
 */

/** `rdb`: one snapshot file. `aof`: the append-only files, single or multi-part. */
export type BackupKind = 'rdb' | 'aof';

export const backupKinds: readonly BackupKind[] = ['rdb', 'aof'];

/** What a file of a backup is for. `seen` = answers of INFO, Sentinel, MODULE LIST kept beside the data. */
export type BackupFileRole = 'rdb' | 'aof' | 'aof-base' | 'aof-incr' | 'aof-manifest' | 'config' | 'seen';

/** One stored file. `sizeBytes` and `sha256` are those of the bytes as they are stored. */
export interface BackupFile {
  /** Inside the backup's directory, `/` between the parts: `data/dump.rdb`, `data/appendonlydir/x.1.incr.aof`, `config/redis.conf`. */
  readonly path: string;
  readonly role: BackupFileRole;
  readonly sizeBytes: bigint;
  /** 64 lower-case hex digits. */
  readonly sha256: string;
  /** Absolute path on the host that it came from; missing for answers of commands. */
  readonly from?: string;
  /** Permissions on the host, 0 to 0o7777. */
  readonly mode?: number;
  readonly owner?: string;
  /** Sequence number of a part of a multi-part AOF. */
  readonly sequence?: number;
  /** How it is stored, when not as it was; `plain` are size and hash before compression. */
  readonly compressed?: { readonly how: 'zstd' | 'gzip'; readonly plainBytes: bigint; readonly plainSha256: string };
}

/** Where the file stood before it was compressed: a compressed one has `.zst` or `.gz` behind its path. */
export function plainPath({ path, compressed }: Pick<BackupFile, 'path' | 'compressed'>): string {
  return compressed === undefined ? path : path.replace(compressed.how === 'zstd' ? /\.zst$/ : /\.gz$/, '');
}

/** The node that the data came from, as it was when the snapshot was made. */
export interface BackupSource {
  readonly host: string;
  /** Node id as in fleet.yaml. */
  readonly node: string;
  readonly address: string;
  readonly port: number;
  readonly role: 'master' | 'replica';
  readonly runId: string;
  readonly server: 'redis' | 'valkey';
  /** As the server says it: `7.0.15`. */
  readonly version: string;
  readonly replicationId?: string;
  /** Offset of the data in that replication history: exact for an RDB that holds it, else "at least". */
  readonly offset?: bigint;
}

/** Keys of one database of the data. */
export interface BackupKeyspace {
  readonly database: number;
  readonly keys: bigint;
  /** Keys that have a time to live. */
  readonly expires: bigint;
}

/** How the data left the node. */
export type BackupEngine = 'bgsave' | 'replica-stream' | 'aof-link' | 'aof-copy';

/** Why a backup was made. */
export type BackupReason = 'schedule' | 'manual' | 'before-restore' | 'before-recovery' | 'before-upgrade';

/** Everything that a backup says of itself. Written last; a backup without it is incomplete. */
export interface BackupManifest {
  readonly schema: 'redis-runbook/backup-manifest/1';
  readonly tool: { readonly name: string; readonly version: string };
  /** Four letters, sayable on the phone: `3F8A`. */
  readonly id: string;
  readonly fleet: string;
  readonly group: string;
  readonly kind: BackupKind;
  readonly engine: BackupEngine;
  readonly reason: BackupReason;
  readonly source: BackupSource;
  /** One sentence: why this node and no other. */
  readonly chosenBecause: string;
  readonly startedAt: string;
  /** The moment whose data this is: the RDB's own creation time, or when the AOF was listed. */
  readonly snapshotAt: string;
  readonly finishedAt: string;
  /** Key counts of the data itself where it says so (`from: data`), else of the node at the snapshot (`from: node`). */
  readonly keyspace: { readonly from: 'data' | 'node'; readonly databases: readonly BackupKeyspace[] };
  readonly modules: readonly { readonly name: string; readonly version: string; readonly path?: string }[];
  /** Sorted by path. */
  readonly files: readonly BackupFile[];
  /** What was left out because it holds secrets or could not be read, each with why. */
  readonly leftOut: readonly { readonly path: string; readonly why: string }[];
  readonly tags: readonly string[];
  /** Never pruned, and why: the run that made it, or a person's words. */
  readonly pinned?: string;
  /** What Sentinel said of the group then. */
  readonly sentinel?: { readonly master: string; readonly quorum: number };
  /** What the snapshot cost the node. */
  readonly cost?: { readonly forkMicros?: bigint; readonly copiedOnWriteBytes?: bigint; readonly snapshotMs?: number };
}

export type CheckName = 'hashes' | 'check-rdb' | 'check-aof' | 'drill';

/** What one check of a complete backup said; kept beside it, signed like the manifest. */
export interface BackupCheck {
  readonly schema: 'redis-runbook/backup-check/1';
  readonly id: string;
  /** sha256 of the bytes of manifest.json that was checked: a record belongs to no other backup. */
  readonly manifestSha256: string;
  readonly name: CheckName;
  readonly at: string;
  readonly result: 'good' | 'bad' | 'unknown';
  /** What was found, one sentence each; empty when good. */
  readonly details: readonly string[];
  readonly durationMs: number;
  /** Drill: what the scratch server counted, and what it was. */
  readonly databases?: readonly BackupKeyspace[];
  readonly server?: string;
}

/** The last try to make a backup of a group, good or not: what `backup status` and the metrics tell. Not signed: it proves nothing. */
export interface BackupTry {
  readonly schema: 'redis-runbook/backup-try/1';
  readonly startedAt: string;
  readonly endedAt?: string;
  readonly outcome: 'under-way' | 'good' | 'failed';
  readonly node?: string;
  /** Id of the backup, when there is one. */
  readonly backup?: string;
  /** One sentence, for a failed try. */
  readonly why?: string;
  readonly sizeBytes?: bigint;
}
