import { access } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { RunbookError } from '../errors.js';
import type { RunDirectory } from '../execute/run-directory.js';
import type { Context } from './context.js';
import type { SelectFlags } from './flags.js';
import { runFiles } from './run-files.js';

/** Where the fleet files that were found are kept. */
export function foundDirectory(context: Pick<Context, 'stateDirectory'>): string {
  return join(context.stateDirectory, 'found');
}

/** Whether the fleet file is one that a search made, and no person wrote. */
function isFoundFile(context: Pick<Context, 'stateDirectory' | 'fleetFile'>): boolean {
  return context.fleetFile !== undefined && dirname(resolve(context.fleetFile)) === foundDirectory(context);
}

/** Whether a run that begins now must keep its fleet file: a search made it, now or for the run before this one. */
export function isToBeKept(context: Pick<Context, 'stateDirectory' | 'fleetFile'>): boolean {
  if (isFoundFile(context)) return true;
  const { fleetFile } = context;
  return fleetFile !== undefined && dirname(dirname(resolve(fleetFile))) === join(context.stateDirectory, 'runs');
}

/** A found fleet file that is named with --fleet is no more whole than it was: only the search asks. Throws `blocked`. */
export function refuseUnasked(context: Context): void {
  if (!isFoundFile(context) || context.isWhole || context.handed !== undefined) return;
  throw new RunbookError(
    'blocked',
    'Nobody has said yet that the fleet that was found is the whole fleet: nothing is done.',
    {
      facts: [`${context.fleetFile} was made by a search`],
      next: [
        'redis-runbook recover HOST   searches again, shows what is found and asks',
        `cp ${context.fleetFile} fleet.yaml   and complete it; it is yours then`,
      ],
    },
  );
}

/** The run's own fleet file, where it was begun with one that a search made and no other is named. */
export async function withKeptFleet(context: Context, { path }: RunDirectory): Promise<Context> {
  if (context.fleetFile !== undefined && context.fleetFile !== './fleet.yaml' && !isFoundFile(context)) return context;
  const kept = join(path, runFiles.fleet);
  const isThere = await access(kept).then(
    () => true,
    () => false,
  );
  return isThere ? { ...context, fleetFile: kept } : context;
}

/** A saved survey is of a fleet that is known. Throws `usage`. */
export function refuseSurvey({ survey }: SelectFlags, command: string): void {
  if (survey === undefined) return;
  throw new RunbookError('usage', 'A HOST is searched and a saved survey is read: one of them is enough.', {
    next: [`redis-runbook ${command} --survey ${survey}`, `redis-runbook ${command} HOST`],
  });
}
