import type { BackupFile, BackupKeyspace, BackupManifest, BackupSource } from '../../model/backup.js';
import type { RdbSummary } from '../../model/formats.js';
import type { BackupRef } from '../repository/repository.js';
import type { Noted } from './noted.js';
import type { TakeRequest } from './request.js';

/** What was stored beside the data. */
export interface StoredBeside {
  readonly files: readonly BackupFile[];
  readonly leftOut: BackupManifest['leftOut'];
  readonly withSecrets: readonly string[];
}

interface Made {
  readonly ref: BackupRef;
  /** Its data files, as they are stored. */
  readonly data: readonly BackupFile[];
  readonly beside: StoredBeside;
  /** What the RDB said of itself. */
  readonly rdb: RdbSummary | undefined;
  /** Counted in the data itself; undefined where it could not be. */
  readonly keyspace: readonly BackupKeyspace[] | undefined;
  readonly version: string;
  readonly at: Date;
}

/** The manifest of a backup whose files are all stored. What an RDB says of itself is exact and wins over what the node said around it. */
export function manifestOf(
  request: TakeRequest,
  noted: Pick<Noted, 'manifest' | 'nodeKeyspace'>,
  made: Made,
): BackupManifest {
  const { ref, data, beside, rdb, keyspace } = made;
  return {
    schema: 'redis-runbook/backup-manifest/1',
    tool: { name: 'redis-runbook', version: made.version },
    id: ref.id,
    fleet: request.scope.fleet,
    group: request.scope.group,
    kind: request.kind,
    ...noted.manifest,
    source: exactSource(noted.manifest.source, rdb),
    snapshotAt: momentOf(rdb?.ctimeSeconds) ?? noted.manifest.snapshotAt,
    finishedAt: made.at.toISOString(),
    keyspace:
      keyspace === undefined
        ? { from: 'node', databases: noted.nodeKeyspace }
        : { from: 'data', databases: keyspace.filter(({ keys }) => keys > 0n) },
    files: [...data, ...beside.files],
    leftOut: beside.leftOut,
  };
}

function exactSource(source: BackupSource, summary: RdbSummary | undefined): BackupSource {
  const { replid, offset } = summary ?? {};
  if (replid === undefined || offset === undefined || offset < 0n) return source;
  return { ...source, replicationId: replid, offset };
}

function momentOf(seconds: number | undefined): string | undefined {
  return seconds === undefined ? undefined : new Date(seconds * 1000).toISOString();
}
