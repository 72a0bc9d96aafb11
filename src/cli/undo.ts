import { refuseBad } from '../execute/journal.js';
import { pastOf } from '../execute/past.js';
import { runsDirectory } from '../execute/run-directory.js';
import { lookAndJudge, openFleet } from './compose.js';
import type { Context } from './context.js';
import { findRun, isOver, openRunText } from './find-run.js';
import type { UndoFlags } from './flags.js';
import { recheck, refuseWithoutAnswers, teller } from './go-on.js';
import { takeBack } from './take-back.js';

/**
 * `undo [RUN]`: configs, units, roles, holds and locks go back to what they were before the run. Refuses with
 * `writes-accepted` once that would lose writes. Exit statuses: the table in errors.ts; 0 when all is undone.
 */
export async function undoCommand(flags: UndoFlags, context: Context): Promise<number> {
  const open = await findRun(runsDirectory(process.env), flags.run, 'undo', context);
  const { run, path } = open.read.directory;
  refuseBad(open.read.journal, path, run);
  if (open.direction === 'undo' && isOver(open)) {
    if (!context.json) context.stdout(`Run ${run} was undone before: there is nothing to take back.\n`);
    return 0;
  }
  refuseWithoutAnswers('undo', run, flags.yes, context);
  const fleet = await openFleet(context, { ...flags, group: open.plan.group });
  try {
    const tell = teller(context);
    tell(`${openRunText(open)}.`);
    tell('Checking what is true now; nothing is changed before it was looked at.\n');
    const { plan, before } = await recheck(open, fleet, tell);
    const now = await lookAndJudge(fleet, context);
    const judged = { ...before, inventory: now.inventory };
    return await takeBack({ open, plan, past: pastOf(open.read.journal.lines), judged, fleet }, flags, context);
  } finally {
    await fleet.close();
  }
}
