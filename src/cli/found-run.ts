import { RunbookError } from '../errors.js';
import { refuseBad } from '../execute/journal.js';
import type { OpenRun } from '../execute/open-runs.js';
import { runsDirectory } from '../execute/run-directory.js';
import { bringRun, compared } from './bring.js';
import { type Fleet, openFleet } from './compose.js';
import type { Context } from './context.js';
import { findRun } from './find-run.js';
import type { ResumeFlags } from './flags.js';
import { withKeptFleet } from './found-file.js';
import { refuseWithoutAnswers } from './go-on.js';
import { passLock } from './locked.js';

/** A run that is gone on with or taken back, and the fleet that it is of. The caller closes the fleet. */
export interface FoundRun {
  readonly fleet: Fleet;
  readonly group: string;
  /** With the fleet file that the run was begun with, where no other is named. */
  readonly context: Context;
  /** The run as this machine and the hosts' copies have it, and the hosts that have one. */
  readonly open: () => Promise<{ readonly open: OpenRun; readonly on: readonly string[] }>;
}

/** Finds the run that `resume` or `undo` is about, on this machine or by its copies on the fleet. */
export async function foundRun(flags: ResumeFlags, command: 'resume' | 'undo', context: Context): Promise<FoundRun> {
  const runs = runsDirectory(process.env);
  const here = await findRun(runs, flags.run, command, context);
  if (here) refuseBad(here.read.journal, here.read.directory.path, here.read.directory.run);
  refuseWithoutAnswers(command, here?.read.directory.run ?? flags.run ?? '', flags.yes, context);
  if (flags.takeOver && flags.run === undefined)
    throw new RunbookError('usage', '--take-over is for a run that is named.', {
      next: [`redis-runbook ${command} RUN --take-over`],
    });
  const own = here ? await withKeptFleet(context, here.read.directory) : context;
  const fleet = await openFleet(own, here ? { ...flags, group: here.plan.group } : flags);
  try {
    await passLock(fleet, { wait: flags.wait, takeOver: flags.takeOver ? flags.run : undefined }, context);
  } catch (error) {
    await fleet.close();
    throw error;
  }
  const open = async () => compared(here ?? (await bringRun(fleet, runs, flags.run, context)), fleet, runs, context);
  return { fleet, group: fleet.group, context: own, open };
}
