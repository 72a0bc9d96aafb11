import { RunbookError } from '../../errors.js';
import type { BackupSource } from '../../execute/tools.js';
import type { BackupFile, BackupManifest } from '../../model/backup.js';
import type { RestoredBackup } from '../../model/plan.js';
import { judgePapers } from '../judge.js';
import type { BackupReader, Repository } from '../repository/repository.js';
import { slow } from '../take/receive.js';
import { isTrusted, type Trust } from '../trust.js';
import { unpacked } from '../unpack.js';

/** The bytes of a backup for a run, and prune kept away from it until `close`. */
export interface OpenSource extends BackupSource {
  close(): Promise<void>;
}

/**
 * Opens the backup that a plan names. Its manifest must be the one that was verified when the plan was made, and still be
 * signed by somebody trusted; each file is hashed by the host that gets it. Throws RunbookError `no-backup`, `bad-backup`.
 */
export async function openSource(
  backup: RestoredBackup,
  repository: Repository,
  trust: Trust,
  bytesPerSecond?: number,
): Promise<OpenSource> {
  const { backups } = await repository.list(backup);
  const ref = backups.find(({ name }) => name === backup.name);
  if (ref === undefined)
    throw new RunbookError('no-backup', `${backup.id} is not in ${repository.place} any more.`, {
      next: ['redis-runbook backup list'],
    });
  const reader = await repository.open(ref, 'backup restore');
  let files: BackupManifest['files'] = [];
  try {
    const papers = judgePapers(ref, await reader.sealed(), (signer) => isTrusted(trust, signer));
    if (papers.manifestSha256 !== backup.manifestSha256 || papers.troubles.length > 0)
      throw new RunbookError('bad-backup', `${backup.id} is not the backup that was verified for this plan.`, {
        facts: papers.troubles.map(({ what, text }) => `${what}: ${text}`),
        next: [`redis-runbook backup verify ${backup.id}`],
      });
    files = papers.manifest?.files ?? [];
  } catch (error) {
    await reader.close();
    throw error;
  }
  return {
    read: (stored, fromByte, signal) => {
      const bytes = bytesFrom(reader, fileIn(files, stored), fromByte, signal);
      return bytesPerSecond === undefined ? bytes : slow(bytes, bytesPerSecond, signal);
    },
    close: () => reader.close(),
  };
}

function fileIn(files: BackupManifest['files'], stored: string): BackupFile {
  const file = files.find(({ path }) => path === stored);
  if (file === undefined) throw new Error(`the backup holds no ${stored}`);
  return file;
}

/** From a byte of the file as it was on its host: a compressed one is unpacked from its beginning. */
async function* bytesFrom(
  reader: BackupReader,
  file: BackupFile,
  fromByte: bigint,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  let skip = fromByte;
  for await (const chunk of unpacked(file, reader.read(file.path, { signal }))) {
    const length = BigInt(chunk.length);
    if (skip >= length) skip -= length;
    else {
      yield skip === 0n ? chunk : chunk.subarray(Number(skip));
      skip = 0n;
    }
  }
}
