import { RunbookError } from '../../errors.js';
import { nodeAt } from '../../execute/node.js';
import type { BackupFile, BackupKeyspace, BackupManifest } from '../../model/backup.js';
import type { RdbSeen } from '../rdb-seen.js';
import type { BackupRef, BackupWriter, StoredFile } from '../repository/repository.js';
import { countStored } from '../scratch-count.js';
import { sealManifest } from '../sign.js';
import { answersBeside, configsBeside } from './beside.js';
import { takeSnapshot } from './bgsave.js';
import { type Held, holdAof, holdRdb, release } from './held-files.js';
import { manifestOf, type StoredBeside } from './manifest-of.js';
import { type Noted, noteOf } from './noted.js';
import type { TakeRequest } from './request.js';
import { type Sent, sendAndProve } from './send.js';
import { type SourceNow, settledSource, sourceNow } from './source-now.js';
import type { TakeTools } from './take-tools.js';

export interface Taken {
  readonly ref: BackupRef;
  readonly manifest: BackupManifest;
  /** Its data files, as they were stored. */
  readonly stored: readonly StoredFile[];
  /** Config files in it that hold secrets as they are. */
  readonly withSecrets: readonly string[];
}

/**
 * Makes a new backup with an open writer: snapshot, held files, note, data, what goes beside it, and the manifest last.
 * The held files are let go of whatever happens, but for a kill; the writer is left as it is when this rejects.
 */
export async function takeNew(request: TakeRequest, writer: BackupWriter, tools: TakeTools): Promise<Taken> {
  const { reach } = tools;
  const startedAt = tools.now().toISOString();
  const { before, snapshot } = await beginning(request, tools);
  const held = await (request.kind === 'rdb' ? holdRdb : holdAof)(reach, request.node.id, writer.ref.id);
  try {
    const after = await sourceNow(reach, request.node);
    refuseRestart(before, after);
    const noted: Noted = {
      node: request.node.id,
      held,
      nodeKeyspace: after.keyspace,
      manifest: manifestPart(
        request,
        held,
        { startedAt, snapshotAt: tools.now().toISOString() },
        before,
        after,
        snapshot?.cost,
      ),
    };
    await writer.note(noteOf(noted));
    return await finishFrom(request, noted, writer, tools, snapshot?.notBeforeSeconds);
  } catch (error) {
    await release(reach, request.node.id, held);
    throw error;
  }
}

/** The node right before its data was taken, and the snapshot, when one was made. */
async function beginning(request: TakeRequest, { reach, turns, tell }: TakeTools) {
  const { id } = request.node;
  const settled = () => settledSource(reach, request.node, request.kind);
  if (request.kind !== 'rdb') return { before: await settled(), snapshot: undefined };
  const host = nodeAt(reach, id).host.entry.name;
  const saved = async () => {
    const before = await settled();
    tell(`snapshot on ${id} (BGSAVE)`);
    return { before, snapshot: await takeSnapshot(reach, id, { limitMs: request.snapshotLimitMs, tell }) };
  };
  return turns.onHost(host, reach.signal, saved, () => tell(`${id} waits: another node of ${host} saves`));
}

/** Data of a node that was another process before is of no known moment. Throws RunbookError `backup-failed`. */
export function refuseRestart(before: SourceNow, after: SourceNow): void {
  if (before.source.runId === after.source.runId) return;
  throw new RunbookError('backup-failed', `${after.source.node} was restarted during the snapshot: it is not used.`, {
    facts: [`its run id was ${before.source.runId} and is ${after.source.runId}`],
    next: ['redis-runbook status', 'redis-runbook backup create'],
  });
}

function manifestPart(
  request: TakeRequest,
  held: Held,
  times: { readonly startedAt: string; readonly snapshotAt: string },
  before: SourceNow,
  now: SourceNow,
  cost: BackupManifest['cost'],
): Noted['manifest'] {
  const linked = held.files.every(({ how, role }) => how === 'link' || role === 'aof-manifest');
  const fork = now.forkMicros === undefined ? {} : { forkMicros: now.forkMicros };
  return {
    ...times,
    engine: request.kind === 'rdb' ? 'bgsave' : linked ? 'aof-link' : 'aof-copy',
    // What the node had flushed before is in the append-only files for sure; an RDB tells its own offset.
    source: request.kind === 'aof' ? before.source : now.source,
    chosenBecause: request.chosenBecause,
    reason: request.reason,
    tags: request.tags,
    modules: now.modules,
    ...(request.sentinel === undefined ? {} : { sentinel: request.sentinel }),
    ...(cost === undefined ? {} : { cost: { ...cost, ...fork } }),
  };
}

/** Sends what is not there yet, collects what goes beside, and seals: the second half of a new backup, and all of one that is gone on with. */
export async function finishFrom(
  request: TakeRequest,
  noted: Noted,
  writer: BackupWriter,
  tools: TakeTools,
  notBeforeSeconds?: number,
): Promise<Taken> {
  const onWait = () => tools.tell(`what ${request.node.id} holds waits until the data of others is here`);
  const arriving = () => arrived(request, noted, writer, tools, notBeforeSeconds);
  const { data, rdb, stored, keyspace } = await tools.turns.here(tools.reach.signal, arriving, onWait);
  const beside = await putBeside(request, writer, tools);
  const manifest = manifestOf(request, noted, {
    ref: writer.ref,
    data,
    beside,
    rdb: rdb?.summary,
    keyspace,
    version: tools.version,
    at: tools.now(),
  });
  tools.reach.signal.throwIfAborted();
  const ref = await writer.finish(sealManifest(manifest, tools.signer));
  return { ref, manifest, stored, withSecrets: beside.withSecrets };
}

/** What is held is here, let go there, and counted. */
async function arrived(
  request: TakeRequest,
  noted: Noted,
  writer: BackupWriter,
  tools: TakeTools,
  notBeforeSeconds: number | undefined,
): Promise<Omit<Sent, 'held'> & { readonly keyspace: readonly BackupKeyspace[] | undefined }> {
  const { held, ...sent } = await sendAndProve(request, noted, writer, tools);
  if (sent.rdb !== undefined) refuseBadRdb(noted, sent.rdb, notBeforeSeconds);
  await release(tools.reach, request.node.id, held);
  return { ...sent, keyspace: sent.rdb?.databases ?? (await countAof(noted, sent.data, writer, tools)) };
}

/** What an append-only file holds is known only once it was loaded: proof that it can be, before it is called a backup. */
async function countAof(
  noted: Noted,
  files: readonly BackupFile[],
  writer: BackupWriter,
  tools: TakeTools,
): Promise<readonly BackupKeyspace[] | undefined> {
  if (!files.some(({ role }) => role.startsWith('aof'))) return undefined;
  const data = { kind: 'aof' as const, server: noted.manifest.source.server, files, read: writer.read };
  const count = await countStored(data, tools.reach.signal);
  if (count.ok) return count.databases;
  tools.tell(`the keys are not counted: ${count.why}`);
  return undefined;
}

/** A snapshot that is torn, of another dataset or older than what was asked for is not what this backup is to be. */
export function refuseBadRdb(
  noted: Pick<Noted, 'node' | 'manifest'>,
  { summary }: RdbSeen,
  notBeforeSeconds: number | undefined,
): void {
  const { source } = noted.manifest;
  const wrong = (why: string) =>
    new RunbookError('backup-failed', `The snapshot of ${noted.node} is not used: ${why}.`, {
      next: ['redis-runbook backup create'],
    });
  if (!summary.complete) throw wrong('the file ends before its end');
  if (summary.checksum === 'wrong') throw wrong('its checksum is wrong');
  if (notBeforeSeconds !== undefined && summary.ctimeSeconds !== undefined && summary.ctimeSeconds < notBeforeSeconds)
    throw wrong(`it was written at ${summary.ctimeSeconds}, before it was asked for (${notBeforeSeconds})`);
  if (summary.replid !== undefined && source.replicationId !== undefined && summary.replid !== source.replicationId)
    throw wrong("its replication id is not the node's: the node changed its master meanwhile");
}

/** Stores what goes beside the data. */
export async function putBeside(
  request: TakeRequest,
  writer: BackupWriter,
  { reach }: TakeTools,
): Promise<StoredBeside> {
  const { inventory } = reach.tools;
  const configs = await configsBeside(reach, inventory, request.node, request.withSecrets);
  const answers = await answersBeside(reach, request.node.id, request.survey);
  const files = [...configs.files, ...answers];
  for (const { path } of writer.finished) {
    if (!path.startsWith('data/')) await writer.drop(path);
  }
  const stored: BackupFile[] = [];
  for (const { path, role, from, bytes } of files) {
    const { sizeBytes, sha256 } = await writer.put(path, once(bytes), { signal: reach.signal });
    stored.push({ path, role, sizeBytes, sha256, ...(from === undefined ? {} : { from }) });
  }
  return { files: stored, leftOut: configs.leftOut, withSecrets: configs.withSecrets };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
