import { answerOf, infoOf, withReader } from '../../execute/node.js';
import type { Reach } from '../../execute/tools.js';
import type { BackupKeyspace, BackupManifest, BackupSource } from '../../model/backup.js';
import type { NodeEntry } from '../../model/inventory.js';
import { parseRunningRedis } from '../../redis/info.js';

/** What a node says of itself at one moment, as a manifest keeps it. */
export interface SourceNow {
  readonly source: BackupSource;
  readonly keyspace: readonly BackupKeyspace[];
  readonly modules: BackupManifest['modules'];
  readonly forkMicros?: bigint;
}

/** Asks the node who it is and what it holds. Throws when it does not answer. */
export async function sourceNow(reach: Reach, node: NodeEntry): Promise<SourceNow> {
  return withReader(reach, node.id, async (reader) => {
    const running = parseRunningRedis(String(await answerOf(reader, 'INFO', 'all')));
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
      ...(fork !== undefined && /^\d+$/.test(fork) ? { forkMicros: BigInt(fork) } : {}),
    };
  });
}

function keyspaceOf(fields: ReadonlyMap<string, string>): readonly BackupKeyspace[] {
  return [...fields].flatMap(([name, value]) => {
    const database = /^db(\d{1,7})$/.exec(name)?.[1];
    const row = /^keys=(\d+),expires=(\d+)/.exec(value);
    if (database === undefined || row === null) return [];
    return [{ database: Number(database), keys: BigInt(row[1] ?? 0), expires: BigInt(row[2] ?? 0) }];
  });
}

/** `module:name=NAME,ver=N,...` lines of INFO modules (4.0 and later). */
function modulesIn(info: string): BackupManifest['modules'] {
  const found = info.matchAll(/^module:name=([\w.-]{1,200}),ver=(\d{1,20})/gm);
  return [...found].map(([, name = '', version = '']) => ({ name, version }));
}
