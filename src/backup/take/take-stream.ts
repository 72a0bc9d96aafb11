import { RunbookError } from '../../errors.js';
import { infoOf, nodeAt, openReplicationTo, withReader } from '../../execute/node.js';
import type { FullSync } from '../../hosts/replication.js';
import type { BackupManifest } from '../../model/backup.js';
import type { BackupWriter, StoredFile } from '../repository/repository.js';
import { sealManifest } from '../sign.js';
import { manifestOf } from './manifest-of.js';
import type { Noted } from './noted.js';
import { progress } from './progress.js';
import { slow } from './receive.js';
import type { TakeRequest } from './request.js';
import { type SourceNow, sourceNow } from './source-now.js';
import { putBeside, refuseBadRdb, refuseRestart, type Taken } from './take.js';
import type { TakeTools } from './take-tools.js';

const PATH = 'data/dump.rdb';
/** A node that waits says something every ten seconds (repl-ping-replica-period), one that sends is never silent for long. */
const SILENCE_LIMIT_MS = 60_000;

/**
 * Makes a new backup with an open writer without a file on the node's disk: the node gives its data as to a replica of it, and
 * the replication id and offset of that sync are the backup's. Nothing is held and nothing noted: one that is cut off is begun
 * again. Rejects with RunbookError `changed` when the node is not what was chosen, with what the connection says when it ends
 * before the data does; the writer is left as it is then.
 */
export async function takeStream(request: TakeRequest, writer: BackupWriter, tools: TakeTools): Promise<Taken> {
  const { reach, turns, tell } = tools;
  const startedAt = tools.now().toISOString();
  const { id } = request.node;
  const host = nodeAt(reach, id).host.entry.name;
  const onWait = () => tell(`${id} waits until the data of others is here`);
  const stream = () => turns.here(reach.signal, () => streamed(request, writer, tools), onWait);
  const onBusyHost = () => tell(`${id} waits: another node of ${host} saves`);
  const { before, sync, stored, snapshotAt } = await turns.onHost(host, reach.signal, stream, onBusyHost);
  const after = await sourceNow(reach, request.node);
  refuseRestart(before, after);
  const noted = {
    node: request.node.id,
    nodeKeyspace: after.keyspace,
    manifest: manifestPart(request, { startedAt, snapshotAt }, before, after, sync),
  };
  refuseUnlike(noted, stored, sync);
  const beside = await putBeside(request, writer, tools);
  const { sizeBytes, sha256 } = stored;
  const manifest = manifestOf(request, noted, {
    ref: writer.ref,
    data: [{ path: PATH, role: 'rdb', sizeBytes, sha256 }],
    beside,
    rdb: stored.rdb?.summary,
    keyspace: stored.rdb?.databases,
    version: tools.version,
    at: tools.now(),
  });
  reach.signal.throwIfAborted();
  const ref = await writer.finish(sealManifest(manifest, tools.signer));
  return { ref, manifest, stored: [stored], withSecrets: beside.withSecrets };
}

/** A replica that was promoted meanwhile would be a master that sentinels look at. */
function refuseOtherRole({ source }: SourceNow, { node, role }: TakeRequest): void {
  if (source.role === role) return;
  throw new RunbookError('changed', `${node.id} was a ${role} a moment ago and is a ${source.role} now.`, {
    next: ['redis-runbook status', 'redis-runbook backup create'],
  });
}

interface Streamed {
  /** The node right before it was asked. */
  readonly before: SourceNow;
  readonly sync: FullSync;
  readonly stored: StoredFile;
  readonly snapshotAt: string;
}

async function streamed(request: TakeRequest, writer: BackupWriter, tools: TakeTools): Promise<Streamed> {
  const { reach, tell, now } = tools;
  const { id } = request.node;
  const before = await sourceNow(reach, request.node);
  refuseOtherRole(before, request);
  const expectedBytes = await memoryOf(request, tools);
  const link = await openReplicationTo(reach, id);
  try {
    if (request.compress === 'zstd' || request.compress === 'gzip') tell(`what ${id} streams itself is not compressed`);
    tell(`${id} is asked for its data as by a replica (PSYNC)`);
    const limits = { startLimitMs: request.snapshotLimitMs, silenceLimitMs: SILENCE_LIMIT_MS };
    const sync = await link.fullSync(limits);
    const snapshotAt = now().toISOString();
    if (sync.form.by === 'length')
      tell(
        `${id} sends a file that it saved on its disk, for another replica or by a setting that was changed just now`,
      );
    const bytes =
      request.bytesPerSecond === undefined ? sync.payload : slow(sync.payload, request.bytesPerSecond, reach.signal);
    const onBytes = progress(PATH, sync.form.by === 'length' ? sync.form.bytes : undefined, tell);
    const stored = await writer.put(PATH, bytes, { signal: reach.signal, isRdb: true, expectedBytes, onBytes });
    return { before, sync, stored, snapshotAt };
  } finally {
    link.close();
  }
}

/** An RDB file is hardly ever larger than the data in memory. */
async function memoryOf({ node }: TakeRequest, { reach }: TakeTools): Promise<bigint> {
  const info = await withReader(reach, node.id, (reader) => infoOf(reader, 'memory'));
  const used = info.get('used_memory') ?? '';
  return /^\d+$/.test(used) ? BigInt(used) : 0n;
}

function manifestPart(
  request: TakeRequest,
  times: { readonly startedAt: string; readonly snapshotAt: string },
  before: SourceNow,
  after: SourceNow,
  sync: FullSync,
): Noted['manifest'] {
  const { replicationId, offset } = sync;
  const cost: BackupManifest['cost'] = after.forkMicros === undefined ? undefined : { forkMicros: after.forkMicros };
  return {
    ...times,
    engine: 'replica-stream',
    source: { ...before.source, replicationId, offset },
    chosenBecause: request.chosenBecause,
    reason: request.reason,
    tags: request.tags,
    modules: after.modules,
    ...(request.sentinel === undefined ? {} : { sentinel: request.sentinel }),
    ...(cost === undefined ? {} : { cost }),
  };
}

/** What arrived has no hash of its host to be compared with: it can be read through to its end, and is of the place that the node promised. */
function refuseUnlike(
  noted: Pick<Noted, 'node' | 'manifest'>,
  { rdb }: StoredFile,
  { replicationId, offset }: FullSync,
): void {
  const refused = (why: string) =>
    new RunbookError('backup-failed', `The data that ${noted.node} sent is not used: ${why}.`, {
      next: ['redis-runbook backup create --engine bgsave', 'redis-runbook backup create --engine stream   once more'],
    });
  if (rdb === undefined) throw refused('it holds what this version cannot read through, and it has no other proof');
  refuseBadRdb(noted, rdb, undefined);
  const { replid, offset: own } = rdb.summary;
  if (replid !== undefined && replid !== replicationId)
    throw refused(`it is of ${replid}, and ${replicationId} was promised`);
  if (own !== undefined && own >= 0n && own !== offset)
    throw refused(`it is of offset ${own}, and ${offset} was promised`);
}
