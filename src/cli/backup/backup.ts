import { RunbookError } from '../../errors.js';
import type { Context } from '../context.js';
import type { BackupFlags } from './flags.js';
import { withPlace } from './same-place.js';

/** `backup SUB`; what an error says to do next is about the same repository. */
export async function backupCommand(flags: BackupFlags, context: Context): Promise<number> {
  try {
    return await dispatch(flags, context);
  } catch (error) {
    if (error instanceof RunbookError) throw withPlace(error, context, flags);
    throw error;
  }
}

/** Each loads what it uses only when it runs. */
async function dispatch(flags: BackupFlags, context: Context): Promise<number> {
  switch (flags.sub) {
    case 'create':
      return (await import('./create.js')).backupCreate(flags, context);
    case 'drill':
      return (await import('./drill.js')).backupDrill(flags, context);
    case 'list':
      return (await import('./look.js')).backupList(flags, context);
    case 'show':
      return (await import('./look.js')).backupShow(flags, context);
    case 'status':
      return (await import('./look.js')).backupStatus(flags, context);
    case 'verify':
      return (await import('./verify.js')).backupVerify(flags, context);
    case 'restore':
      return (await import('./restore.js')).backupRestore(flags, context);
    case 'prune':
      return (await import('./prune.js')).backupPrune(flags, context);
    case 'schedule':
      return (await import('./schedule.js')).backupSchedule(flags, context);
    default:
      throw new RunbookError('usage', `There is no backup ${flags.sub}.`, { next: ['redis-runbook backup --help'] });
  }
}
