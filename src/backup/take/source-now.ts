import { setTimeout as sleep } from 'node:timers/promises';
import { RunbookError } from '../../errors.js';
import { answerOf, infoOf, withReader } from '../../execute/node.js';
import type { Reach } from '../../execute/tools.js';
import type { BackupKeyspace, BackupKind, BackupManifest, BackupSource } from '../../model/backup.js';
import type { NodeEntry } from '../../model/inventory.js';
import { parseInfo, parseRunningRedis } from '../../redis/info.js';
import { keyspaceOf } from '../../redis/keyspace.js';

/** What a node says of itself at one moment, as a manifest keeps it. */
export interface SourceNow {
  readonly source: BackupSource;
  readonly keyspace: readonly BackupKeyspace[];
  readonly modules: BackupManifest['modules'];
  readonly forkMicros?: bigint;
  /** Everything up to the offset has been written to the append-only file (it may not be synced yet). */
  readonly aofFlushed: boolean;
  /** The last write to it failed. */
  readonly aofTrouble: boolean;
}

const FLUSH_LIMIT_MS = 3000;
const POLL_MS = 20;

/**
 * The same before append-only files are held: its offset is in them. That is so when nothing waits to be written to them, or
 * when three seconds have passed: a slow fsync keeps writes back for two at most (aof.c:flushAppendOnlyFile). Throws
 * RunbookError `backup-failed` where the node cannot write them at all.
 */
export async function settledSource(reach: Reach, node: NodeEntry, kind: BackupKind): Promise<SourceNow> {
  const first = await sourceNow(reach, node);
  const until = performance.now() + FLUSH_LIMIT_MS;
  for (let now = first; ; now = await sourceNow(reach, node)) {
    if (kind === 'rdb') return now;
    if (now.aofTrouble)
      throw new RunbookError('backup-failed', `${node.id} cannot write its append-only file: it is behind its data.`, {
        facts: ['INFO says aof_last_write_status: err; its log says why'],
        next: ['redis-runbook status', 'redis-runbook backup create --kind rdb'],
      });
    if (now.aofFlushed) return now;
    if (performance.now() > until) return first;
    await sleep(POLL_MS, undefined, { signal: reach.signal });
  }
}

/** Asks the node who it is and what it holds. Throws when it does not answer. */
export async function sourceNow(reach: Reach, node: NodeEntry): Promise<SourceNow> {
  return withReader(reach, node.id, async (reader) => {
    const text = String(await answerOf(reader, 'INFO', 'all'));
    const fields = parseInfo(text);
    const running = parseRunningRedis(text);
    const keyspace = await infoOf(reader, 'keyspace');
    const stats = await infoOf(reader, 'stats');
    const modules = String(await answerOf(reader, 'INFO', 'modules'));
    const fork = stats.get('latest_fork_usec');
    return {
      source: {
        host: node.host,
        node: node.id,
        address: node.address,
        port: node.port,
        role: running.role,
        runId: running.runId,
        server: running.flavour,
        version: running.version,
        ...(running.replid === '' ? {} : { replicationId: running.replid }),
        offset: running.offset < 0n ? 0n : running.offset,
      },
      keyspace: keyspaceOf(keyspace),
      modules: modulesIn(modules),
      aofFlushed: fields.get('aof_buffer_length') === '0',
      aofTrouble: fields.get('aof_last_write_status') === 'err',
      ...(fork !== undefined && /^\d+$/.test(fork) ? { forkMicros: BigInt(fork) } : {}),
    };
  });
}

/** `module:name=NAME,ver=N,...` lines of INFO modules (4.0 and later). */
function modulesIn(info: string): BackupManifest['modules'] {
  const found = info.matchAll(/^module:name=([\w.-]{1,200}),ver=(\d{1,20})/gm);
  return [...found].map(([, name = '', version = '']) => ({ name, version }));
}
