import { RunbookError } from '../../errors.js';
import { actionsOf, type Plan, type RestoredBackup } from '../../model/plan.js';
import { fingerprintOf } from '../../plan/canonical.js';
import { type AgreedConfig, configPlan } from '../../plan/config-plan.js';
import type { Judged } from '../compose.js';
import { agreedAgain } from './config-backs.js';
import { storedConfigs } from './config-targets.js';
import { manifestAgain, sourceAgain } from './restore-plan.js';

/**
 * The plan of a run that brought configs back, made again: from the backup that it names, the files as they were seen when
 * it began, and those of them that a person agreed to then. Throws RunbookError `no-backup` or `bad-backup` when the backup
 * is not there as it was, `changed` where it could not be made so again.
 */
export async function configPlanAgain(backup: RestoredBackup, stored: Plan, before: Judged): Promise<Plan> {
  const source = await sourceAgain(backup);
  try {
    const agreed: AgreedConfig[] = [];
    const found = await storedConfigs(source, await manifestAgain(backup), before);
    for (const action of actionsOf(stored)) {
      if (action.kind !== 'config.rewrite') continue;
      const one = found.find(({ entry, path }) => entry.id === action.node && path === action.path);
      const again = one && agreedAgain(one, before);
      if (again === undefined) throw gone(action.path, backup.id);
      agreed.push(again);
    }
    const group = before.survey.groups[before.diagnosis.group];
    return configPlan(before.diagnosis.group, backup, group === undefined ? '' : fingerprintOf(group), agreed);
  } finally {
    await source.close();
  }
}

function gone(path: string, id: string): RunbookError {
  return new RunbookError('changed', `What the run had to do with ${path} cannot be read from backup ${id} again.`, {
    next: [`redis-runbook backup restore ${id} --configs   compares anew`],
  });
}
