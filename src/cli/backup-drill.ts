import { drillBackup } from '../backup/drill.js';
import type { BackupRef, Repository } from '../backup/repository/repository.js';
import { loadSigner } from '../backup/signer-file.js';
import { readTrust } from '../backup/trust.js';
import { exitStatus, RunbookError } from '../errors.js';
import { toJson } from '../model/json.js';
import { drilledText } from '../report/backup-created.js';
import { repositoryOf } from './backup-repository.js';
import type { Context } from './context.js';
import type { BackupDrillFlags } from './flags.js';

/** `backup drill [ID]`: loads a backup, the newest when none is named. Exit 0 good, 3 bad, 4 when it could not be loaded here at all. */
export async function backupDrill(flags: BackupDrillFlags, context: Context): Promise<number> {
  const repository = await repositoryOf(flags.repository, context, { make: false });
  const ref = await wanted(repository, flags);
  const { signal, now } = context;
  const signer = await loadSigner(process.env);
  const trust = await readTrust(repository, process.env);
  const drilled = await drillBackup(ref, { repository, trust, signer, now, signal });
  const { check } = drilled;
  if (context.json) context.stdout(`${toJson({ backup: ref.name, ...check }, 2)}\n`);
  else context.stdout(drilledText(drilled.ref, check, context.columns));
  if (check.result === 'good') return exitStatus.done;
  return check.result === 'bad' ? exitStatus.refused : exitStatus.unseen;
}

async function wanted(repository: Repository, flags: BackupDrillFlags): Promise<BackupRef> {
  const scopes = (await repository.scopes()).filter(({ group }) => flags.group === undefined || group === flags.group);
  const all = (await Promise.all(scopes.map((scope) => repository.list(scope)))).flatMap(({ backups }) => backups);
  const complete = all.filter(({ state }) => state === 'complete').toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const found = flags.id === undefined ? complete.at(-1) : complete.find(({ id }) => id === flags.id?.toUpperCase());
  if (found !== undefined) return found;
  const what = flags.id === undefined ? 'no complete backup' : `no complete backup ${flags.id}`;
  throw new RunbookError('no-backup', `${repository.place} holds ${what}.`, { next: ['redis-runbook backup create'] });
}
