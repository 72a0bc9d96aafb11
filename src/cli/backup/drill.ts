import { type CataloguedBackup, readCatalogue } from '../../backup/catalogue.js';
import { type Drilled, drillBackup } from '../../backup/drill.js';
import { loadSigner } from '../../backup/signer-file.js';
import { exitStatus, RunbookError, worstOf } from '../../errors.js';
import { toJson } from '../../model/json.js';
import { drilledText } from '../../report/backup-created.js';
import type { Context } from '../context.js';
import type { BackupFlags } from './flags.js';
import { findBackup, type OpenBackups, openBackups } from './open.js';

/**
 * `backup drill [ID...]`: loads the named backups, or the newest of each group, and keeps the result beside each. Exit 0
 * good, 1 when one is not, 4 when one could not be loaded on this machine at all.
 */
export async function backupDrill(flags: BackupFlags, context: Context): Promise<number> {
  const open = await openBackups(flags, context);
  const { repository, trust } = open;
  const signer = await loadSigner(process.env);
  const drilled: Drilled[] = [];
  for (const { ref } of await wantedOf(open, flags)) {
    drilled.push(await drillBackup(ref, { repository, trust, signer, now: context.now, signal: context.signal }));
  }
  if (context.json) {
    const checks = drilled.map(({ ref, check }) => ({ backup: ref.name, group: ref.group, ...check }));
    context.stdout(`${toJson({ schema: 'redis-runbook/backup-drill/1', checks }, 2)}\n`);
  } else for (const { ref, check } of drilled) context.stdout(drilledText(ref, check, context.columns));
  const status = { good: exitStatus.done, bad: exitStatus.unhealthy, unknown: exitStatus.unseen };
  return worstOf(drilled.map(({ check }) => status[check.result]));
}

async function wantedOf(open: OpenBackups, flags: BackupFlags): Promise<readonly CataloguedBackup[]> {
  const named = await Promise.all(flags.args.map(async (id) => (await findBackup(open, id)).found));
  const groups = await Promise.all(open.scopes.map((scope) => readCatalogue(open.repository, scope, open.trust)));
  const newest = groups.flatMap((all) => all.filter(({ ref }) => ref.state === 'complete').slice(-1));
  const wanted = flags.args.length > 0 ? named : newest;
  if (wanted.length > 0 && wanted.every(({ ref }) => ref.state === 'complete')) return wanted;
  throw new RunbookError('no-backup', `${open.repository.place} holds no complete backup to load.`, {
    next: ['redis-runbook backup list', 'redis-runbook backup create'],
  });
}
