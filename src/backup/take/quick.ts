import { RunbookError } from '../../errors.js';
import type { BackupCheck } from '../../model/backup.js';
import type { BackupRef, Repository, StoredFile } from '../repository/repository.js';
import { type Signer, sealCheck } from '../sign.js';
import type { Trust } from '../trust.js';
import { verifyBackup } from '../verify.js';

export interface QuickTools {
  readonly repository: Repository;
  readonly trust: Trust;
  readonly signer: Signer;
  readonly now: () => Date;
  readonly signal: AbortSignal;
}

/**
 * Verifies a new backup and keeps the result beside it: every byte of it was read back from the repository's disk, large
 * files while they were written (`stored`). Rejects with RunbookError `bad-backup` when it is not what was sent.
 */
export async function quickVerify(
  ref: BackupRef,
  stored: readonly StoredFile[],
  tools: QuickTools,
): Promise<BackupCheck> {
  const began = performance.now();
  const readBack = new Map(stored.map(({ path, sha256 }) => [path, sha256]));
  const verified = await verifyBackup(tools.repository, ref, tools.trust, { signal: tools.signal, readBack });
  const details = verified.troubles
    .slice(0, 100)
    .map(({ what, text }) => `${what}: ${text}`.replace(/[^\x20-\x7e]/g, '?').slice(0, 1000));
  const check: BackupCheck = {
    schema: 'redis-runbook/backup-check/1',
    id: ref.id,
    manifestSha256: verified.manifestSha256 ?? '0'.repeat(64),
    name: 'hashes',
    at: tools.now().toISOString(),
    result: details.length === 0 ? 'good' : 'bad',
    details,
    durationMs: Math.round(performance.now() - began),
  };
  const { record, signature } = sealCheck(check, tools.signer);
  await tools.repository.addCheck(ref, check, record, signature);
  if (check.result === 'good') return check;
  throw new RunbookError('bad-backup', `The backup ${ref.id} does not read back as it was sent.`, {
    facts: details,
    next: [`redis-runbook backup verify ${ref.id}`, 'redis-runbook backup create'],
  });
}
