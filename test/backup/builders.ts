import { createHash } from 'node:crypto';
import type { BackupRef, BackupScope, Repository } from '../../src/backup/repository/repository.js';
import { newKeyPem, type Signer, sealManifest, signerOf } from '../../src/backup/sign.js';
import type { BackupFile, BackupManifest } from '../../src/model/backup.js';

export const scope: BackupScope = { fleet: 'shop', group: 'stn-master' };
export const signer: Signer = signerOf('mina@ops1', newKeyPem());

export async function* bytes(...chunks: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield new TextEncoder().encode(chunk);
}

/** A file of a manifest with the size and hash of `content`. */
export function fileOf(path: string, content: string, role: BackupFile['role'] = 'rdb'): BackupFile {
  const sha256 = createHash('sha256').update(content).digest('hex');
  return { path, role, sizeBytes: BigInt(Buffer.byteLength(content)), sha256 };
}

/** A manifest of an RDB backup taken at `begunAt`. */
export function manifestOf(
  ref: Pick<BackupRef, 'id' | 'fleet' | 'group' | 'kind' | 'begunAt'>,
  more: Partial<BackupManifest> = {},
): BackupManifest {
  return {
    schema: 'redis-runbook/backup-manifest/1',
    tool: { name: 'redis-runbook', version: '0.1.0' },
    id: ref.id,
    fleet: ref.fleet,
    group: ref.group,
    kind: ref.kind,
    engine: 'bgsave',
    reason: 'manual',
    source: {
      host: 'pv3',
      node: 'pv3',
      address: '10.0.10.3',
      port: 6379,
      role: 'replica',
      runId: '7'.repeat(40),
      server: 'redis',
      version: '7.0.15',
      replicationId: 'b'.repeat(40),
      offset: 93_868_004n,
    },
    chosenBecause: 'pv3 is the replica with the smallest lag',
    startedAt: ref.begunAt,
    snapshotAt: ref.begunAt,
    finishedAt: ref.begunAt,
    keyspace: { from: 'data', databases: [{ database: 0, keys: 1_208_870n, expires: 12n }] },
    modules: [],
    files: [fileOf('data/dump.rdb', 'REDIS0010 data')],
    leftOut: [],
    tags: [],
    ...more,
  };
}

/** Makes one complete backup with real files; `at` is when it was begun. */
export async function makeBackup(
  repository: Repository,
  at: string,
  more: Partial<BackupManifest> & { readonly by?: Signer; readonly where?: BackupScope } = {},
): Promise<BackupRef> {
  const { by = signer, where = scope, ...said } = more;
  const writer = await repository.begin({ ...where, kind: 'rdb' }, new Date(at));
  await writer.put('data/dump.rdb', bytes('REDIS0010 ', 'data'));
  await writer.put('config/redis.conf', bytes('port 6379\n'));
  const files = [fileOf('data/dump.rdb', 'REDIS0010 data'), fileOf('config/redis.conf', 'port 6379\n', 'config')];
  return writer.finish(sealManifest(manifestOf(writer.ref, { files, ...said }), by));
}
