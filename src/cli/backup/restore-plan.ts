import { judgePapers } from '../../backup/judge.js';
import { openRepository } from '../../backup/repository/open.js';
import { type OpenSource, openSource } from '../../backup/restore/source.js';
import { rdbVersionOf } from '../../backup/scratch-count.js';
import { readTrust } from '../../backup/trust.js';
import { RunbookError } from '../../errors.js';
import type { BackupManifest } from '../../model/backup.js';
import type { Plan, RestoredBackup } from '../../model/plan.js';
import { known } from '../../model/seen.js';
import type { GroupSurvey } from '../../model/survey.js';
import type { Choice, Decision } from '../../plan/choice.js';
import { makePlan } from '../../plan/make-plan.js';
import { decideRestore } from '../../plan/restore-choice.js';
import { type BackupData, restoredFiles } from '../../plan/restore-files.js';
import type { Runbook } from '../../plan/runbook-file.js';
import { restorePlaceOf } from '../../plan/steps/restore.js';
import type { Judged } from '../compose.js';
import { readRunbook } from '../runbooks.js';

/** The group that is judged. */
export function groupOf({ survey, diagnosis }: Judged): GroupSurvey {
  const group = survey.groups[diagnosis.group];
  if (group === undefined) throw new Error(`the survey holds no group ${diagnosis.group}`);
  return group;
}

/** From a decision to the plan that brings a backup back. Throws RunbookError where the new master could not load it. */
export function restorePlan(
  { backup, proven }: { readonly backup: RestoredBackup; readonly proven: BackupData },
  judged: Judged,
  decision: Decision,
  runbook: Runbook,
): Plan {
  const { inventory, survey, diagnosis } = judged;
  const seen = groupOf(judged).redis.find(({ node }) => node === decision.master);
  const entry = inventory.hosts.flatMap(({ nodes }) => nodes).find(({ id }) => id === decision.master);
  const place = seen && entry && restorePlaceOf({ entry, seen });
  if (seen === undefined || place === undefined)
    throw new RunbookError(
      'too-little-seen',
      `What ${decision.master} would load is not known: its config was not seen.`,
      {
        facts: seen !== undefined && !seen.config.ok ? [seen.config.detail] : [],
        next: ['redis-runbook doctor', '--promote NODE   for another one'],
      },
    );
  const files = restoredFiles(proven, { node: decision.master, place, server: known(seen.server) });
  return makePlan({ runbook, inventory, survey, diagnosis, decision, restore: { backup, place, files } });
}

/**
 * The plan of a restore that was cut off, made again from the backup that it names, what was seen when it began, and what
 * was decided then. Throws RunbookError `no-backup` or `bad-backup` when the backup is not there as it was.
 */
export async function restorePlanAgain(backup: RestoredBackup, judged: Judged, choice: Choice): Promise<Plan> {
  const proven = await dataOf(backup);
  const request = { id: backup.id, source: proven.manifest.source, choice };
  const decision = decideRestore(judged.diagnosis, groupOf(judged), request);
  return restorePlan({ backup, proven }, judged, decision, await readRunbook('restore'));
}

/** The bytes for a run that goes on with a restore; the caller closes it. */
export async function sourceAgain(backup: RestoredBackup): Promise<OpenSource> {
  const repository = await openRepository(backup.repository, { make: false, now: new Date() });
  return openSource(backup, repository, await readTrust(repository, process.env));
}

async function dataOf(backup: RestoredBackup): Promise<BackupData> {
  const source = await sourceAgain(backup);
  try {
    const manifest = await manifestAgain(backup);
    const { signal } = new AbortController();
    const read = (path: string) => source.read(path, 0n, signal);
    return { manifest, rdbVersion: await rdbVersionOf({ files: manifest.files, read }) };
  } finally {
    await source.close();
  }
}

/** Of a backup whose papers `openSource` has just judged. */
export async function manifestAgain(backup: RestoredBackup): Promise<BackupManifest> {
  const repository = await openRepository(backup.repository, { make: false, now: new Date() });
  const { backups } = await repository.list(backup);
  const ref = backups.find(({ name }) => name === backup.name);
  const sealed = ref && (await repository.sealed(ref));
  const manifest = ref && sealed && judgePapers(ref, sealed, () => true).manifest;
  if (manifest === undefined) throw new Error(`${backup.id} went away`);
  return manifest;
}
