import { type CataloguedBackup, readCatalogue } from '../../backup/catalogue.js';
import { sealCheck } from '../../backup/sign.js';
import { loadSigner } from '../../backup/signer-file.js';
import { type Verified, verifyBackup } from '../../backup/verify.js';
import { viewOf } from '../../backup/view.js';
import { exitStatus, RunbookError, worstOf } from '../../errors.js';
import type { BackupCheck } from '../../model/backup.js';
import type { VerifiedView } from '../../model/backup-view.js';
import { backupVerifyJson, backupVerifyText } from '../../report/backup-show.js';
import type { Context } from '../context.js';
import type { BackupFlags } from './flags.js';
import { findBackup, looksOf, type OpenBackups, openBackups } from './open.js';

/**
 * `backup verify [ID...]`: reads every byte of the named backups, of the newest of each group, or of all with --all, and
 * keeps the result beside each. Exit 0, 1 when one is not as stored, 3 when one is signed by somebody unknown.
 */
export async function backupVerify(flags: BackupFlags, context: Context): Promise<number> {
  const open = await openBackups(flags, context);
  const wanted = await wantedOf(open, flags);
  const verified: VerifiedView[] = [];
  for (const one of wanted) verified.push(await verifyOne(open, one, context));
  context.stdout(
    context.json
      ? backupVerifyJson(open.repository.place, verified)
      : backupVerifyText(verified, looksOf(context, flags)),
  );
  if (verified.length === 0) return exitStatus.unhealthy;
  return worstOf(
    verified.flatMap(({ troubles }) =>
      troubles.map(({ what }) => (what === 'unknown-signer' ? exitStatus.refused : exitStatus.unhealthy)),
    ),
  );
}

async function wantedOf(open: OpenBackups, flags: BackupFlags): Promise<readonly CataloguedBackup[]> {
  if (flags.args.length > 0) {
    const named = await Promise.all(flags.args.map(async (id) => (await findBackup(open, id)).found));
    const partial = named.find(({ ref }) => ref.state === 'partial');
    if (partial === undefined) return named;
    throw new RunbookError('no-backup', `${partial.ref.id} never finished: there is nothing to verify.`, {
      next: ['redis-runbook backup list'],
    });
  }
  const groups = await Promise.all(open.scopes.map((scope) => readCatalogue(open.repository, scope, open.trust)));
  return groups.flatMap((backups) => {
    const complete = backups.filter(({ ref }) => ref.state === 'complete');
    return flags.all ? complete : complete.slice(-1);
  });
}

async function verifyOne(
  { repository, trust }: OpenBackups,
  one: CataloguedBackup,
  context: Context,
): Promise<VerifiedView> {
  const begun = performance.now();
  const verified = await verifyBackup(repository, one.ref, trust, { signal: context.signal });
  const durationMs = Math.round(performance.now() - begun);
  const { fleet, group, id, takenAt } = viewOf(one);
  const kept = await keepResult(repository, verified, durationMs, context);
  return {
    view: { fleet, group, id, takenAt },
    readBytes: verified.readBytes,
    durationMs,
    troubles: verified.troubles,
    kept,
  };
}

/** What verify names and a restore need not mind: nothing of it changes a byte of the data. */
const harmless: readonly string[] = ['unknown-signer', 'extra-file', 'sums'];

/** The result beside the backup, signed; only of a manifest that is somebody's word, and not where this user may not write. */
async function keepResult(
  repository: OpenBackups['repository'],
  verified: Verified,
  durationMs: number,
  context: Context,
): Promise<true | string> {
  const { ref, manifestSha256, troubles } = verified;
  if (manifestSha256 === undefined || verified.manifest === undefined) return 'its manifest cannot be believed';
  const isWhole = troubles.every(({ what }) => harmless.includes(what));
  const check: BackupCheck = {
    schema: 'redis-runbook/backup-check/1',
    id: ref.id,
    manifestSha256,
    name: 'hashes',
    at: context.now().toISOString(),
    result: isWhole ? 'good' : 'bad',
    details: troubles
      .slice(0, 100)
      .map(({ what, text }) => `${what}: ${text}`.replace(/[^\x20-\x7e]/g, '?').slice(0, 1000)),
    durationMs,
  };
  try {
    const { record, signature } = sealCheck(check, await loadSigner(process.env));
    await repository.addCheck(ref, check, record, signature);
    return true;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
