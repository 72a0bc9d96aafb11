import { readCatalogue } from '../../backup/catalogue.js';
import { writeMetrics } from '../../backup/schedule/metrics.js';
import { retentionOf, statusRow, viewOf } from '../../backup/view.js';
import { exitStatus, RunbookError } from '../../errors.js';
import type { BackupGroupView, BackupStatusView } from '../../model/backup-view.js';
import { backupListJson, backupListText } from '../../report/backup-list.js';
import { backupShowJson, backupShowText } from '../../report/backup-show.js';
import { backupStatusJson, backupStatusText, nagiosAnswer } from '../../report/backup-status.js';
import type { Context } from '../context.js';
import type { BackupFlags } from './flags.js';
import { findBackup, looksOf, type OpenBackups, openBackups } from './open.js';

/** `backup list`: every backup of the groups. Exit 0. */
export async function backupList(flags: BackupFlags, context: Context): Promise<number> {
  const open = await openBackups(flags, context);
  const groups: BackupGroupView[] = [];
  for (const scope of open.scopes) groups.push(await groupView(open, scope, context));
  const view = { repository: open.repository.place, groups };
  context.stdout(
    context.json ? backupListJson(view) : backupListText(view, { ...looksOf(context, flags), all: flags.all }),
  );
  return exitStatus.done;
}

async function groupView(
  open: OpenBackups,
  scope: OpenBackups['scopes'][number],
  context: Context,
): Promise<BackupGroupView> {
  const backups = await readCatalogue(open.repository, scope, open.trust);
  const { rows } = retentionOf(backups, open.settings, context.now());
  const { strange } = await open.repository.list(scope);
  const underWay = await open.repository.writer(scope);
  const views = backups.map((one) =>
    viewOf(one, rows.find(({ id, keep }) => id === one.ref.id && keep)?.reasons ?? []),
  );
  return {
    ...scope,
    backups: views.sort((a, b) => Date.parse(b.takenAt) - Date.parse(a.takenAt)),
    strange,
    ...(underWay === undefined ? {} : { underWay }),
  };
}

/** `backup show ID`: everything that the papers of one backup say. Exit 0. */
export async function backupShow(flags: BackupFlags, context: Context): Promise<number> {
  const open = await openBackups(flags, context);
  const { found, siblings } = await findBackup(open, flags.args[0] ?? '');
  const { rows } = retentionOf(siblings, open.settings, context.now());
  const view = viewOf(found, rows.find(({ id }) => id === found.ref.id)?.reasons ?? []);
  const { manifest, checks, ignoredChecks } = found;
  const details = {
    repository: open.repository.place,
    view,
    checks,
    ignoredChecks,
    ...(manifest === undefined ? {} : { manifest }),
  };
  context.stdout(context.json ? backupShowJson(details) : backupShowText(details, looksOf(context, flags)));
  return exitStatus.done;
}

/** `backup status`: how old the newest good backup of each group is. Exit 0, 1 when one is too old; --nagios has its own. */
export async function backupStatus(flags: BackupFlags, context: Context): Promise<number> {
  if (flags.nagios) return nagios(flags, context);
  const { view, metrics } = await statusView(flags, context);
  context.stdout(context.json ? backupStatusJson(view) : backupStatusText(view, looksOf(context, flags)));
  if (metrics !== undefined) await writeMetrics(metrics, view);
  return view.groups.length === 0 || view.groups.some(({ state }) => state === 'late')
    ? exitStatus.unhealthy
    : exitStatus.done;
}

/** One line whatever happens: what a monitoring cannot read it calls unknown. */
async function nagios(flags: BackupFlags, context: Context): Promise<number> {
  try {
    const { view, metrics } = await statusView(flags, context);
    if (metrics !== undefined) await writeMetrics(metrics, view);
    const { line, exit } = nagiosAnswer(view);
    context.stdout(`${line}\n`);
    return exit;
  } catch (error) {
    const says = error instanceof Error ? error.message : String(error);
    context.stdout(`UNKNOWN - ${says.replace(/[^\x20-\x7e]/g, '?').replaceAll('|', '/')}\n`);
    if (!(error instanceof RunbookError)) throw error;
    return 3;
  }
}

async function statusView(
  flags: BackupFlags,
  context: Context,
): Promise<{ readonly view: BackupStatusView; readonly metrics: string | undefined }> {
  const { repository, trust, scopes, settings } = await openBackups(flags, context);
  const now = context.now();
  const groups = [];
  for (const scope of scopes) {
    const backups = await readCatalogue(repository, scope, trust);
    const isWritten = (await repository.writer(scope)) !== undefined;
    groups.push(statusRow(scope, backups, await repository.lastTry(scope), isWritten, settings.limitMs, now));
  }
  const view = { repository: repository.place, at: now.toISOString(), freeBytes: await repository.freeBytes(), groups };
  return { view, metrics: flags.metrics };
}
