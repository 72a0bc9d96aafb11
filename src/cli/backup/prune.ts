import { readCatalogue } from '../../backup/catalogue.js';
import type { RepositoryLock } from '../../backup/repository/repository.js';
import { retentionOf, viewOf } from '../../backup/view.js';
import { exitStatus } from '../../errors.js';
import type { PruneGroupView, PruneView } from '../../model/backup-view.js';
import { backupPruneJson, backupPruneText } from '../../report/backup-prune.js';
import type { Context } from '../context.js';
import type { BackupFlags } from './flags.js';
import { looksOf, type OpenBackups, openBackups } from './open.js';

/** A partial backup is left to be gone on with for so long. */
const sweepAfterMs = 24 * 3_600_000;

/**
 * `backup prune`: what the policy keeps and what goes, each with its reason; with --apply what goes is moved to the
 * trash, the trash is emptied of what is old enough, and partial backups of yesterday are swept. Exit 0, 3 when it is
 * refused for a group, 8 when it was stopped between two backups.
 */
export async function backupPrune(flags: BackupFlags, context: Context): Promise<number> {
  const open = await openBackups(flags, context);
  const view = flags.apply ? await applied(open, flags, context) : await planned(open, flags, context);
  context.stdout(context.json ? backupPruneJson(view) : backupPruneText(view, looksOf(context, flags)));
  if (context.signal.aborted) return exitStatus.incomplete;
  return view.groups.some(({ refusals }) => refusals.length > 0) ? exitStatus.refused : exitStatus.done;
}

async function planned(open: OpenBackups, flags: BackupFlags, context: Context): Promise<PruneView> {
  const groups: PruneGroupView[] = [];
  for (const scope of open.scopes) groups.push(await pruneGroup(open, scope, flags, context));
  return {
    repository: open.repository.place,
    applied: false,
    trashMs: open.settings.trashMs,
    groups,
    emptied: [],
    swept: [],
  };
}

async function applied(open: OpenBackups, flags: BackupFlags, context: Context): Promise<PruneView> {
  const { repository, settings } = open;
  const lock = await repository.lockForPrune(context.now());
  try {
    const groups: PruneGroupView[] = [];
    for (const scope of open.scopes) groups.push(await pruneGroup(open, scope, flags, context, lock));
    // A clock that is wrong empties no trash either.
    const clockIsWrong = groups.some(({ refusals }) =>
      refusals.some(({ what }) => what === 'clock' || what === 'newest-too-old'),
    );
    const before = (ms: number) => new Date(context.now().getTime() - ms);
    const emptied = clockIsWrong ? [] : await repository.emptyTrash(lock, before(settings.trashMs));
    const swept = clockIsWrong ? [] : await repository.sweep(lock, before(sweepAfterMs));
    return {
      repository: repository.place,
      applied: true,
      trashMs: settings.trashMs,
      groups,
      emptied: emptied.map(({ id }) => id),
      swept: swept.map(({ id }) => id),
    };
  } finally {
    await lock.release();
  }
}

async function pruneGroup(
  { repository, settings, trust }: OpenBackups,
  scope: OpenBackups['scopes'][number],
  flags: BackupFlags,
  context: Context,
  lock?: RepositoryLock,
): Promise<PruneGroupView> {
  const backups = await readCatalogue(repository, scope, trust);
  const plan = retentionOf(backups, settings, context.now());
  const refusals = plan.refusals.filter(({ what }) => !(flags.removeMost && what === 'most-would-go'));
  const removed: string[] = [];
  const busy: { readonly id: string; readonly by: string }[] = [];
  if (lock !== undefined && refusals.length === 0) {
    // The oldest first: broken off in the middle, what is left is the newer.
    for (const { id } of plan.rows.filter(({ keep }) => !keep).toReversed()) {
      const ref = backups.find((one) => one.ref.id === id)?.ref;
      if (context.signal.aborted) break;
      const outcome = ref === undefined ? undefined : await repository.trash(lock, ref, context.now());
      if (outcome?.busy !== undefined)
        busy.push({ id, by: `${outcome.busy.doing}, ${outcome.busy.user} on ${outcome.busy.host}` });
      else if (outcome !== undefined) removed.push(id);
    }
  }
  return { ...scope, backups: backups.map((one) => viewOf(one)), rows: plan.rows, refusals, removed, busy };
}
