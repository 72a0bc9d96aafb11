import { RunbookError } from '../errors.js';
import type { OpenRun } from '../execute/open-runs.js';
import { pastOf } from '../execute/past.js';
import { lookAndJudge } from './compose.js';
import type { Context } from './context.js';
import { isOver, openRunText } from './find-run.js';
import type { ResumeFlags } from './flags.js';
import { foundRun } from './found-run.js';
import { recheck, teller } from './go-on.js';
import { takeBack } from './take-back.js';

/**
 * `undo [RUN]`: configs, units, roles, holds and locks go back to what they were before the run. Refuses with
 * `writes-accepted` once that would lose writes. Exit statuses: the table in errors.ts; 0 when all is undone.
 */
export async function undoCommand(flags: ResumeFlags, given: Context): Promise<number> {
  const { fleet, open: opened, context } = await foundRun(flags, 'undo', given);
  try {
    const { open, on } = await opened();
    if (open.direction === 'undo' && isOver(open)) {
      if (!context.json)
        context.stdout(`Run ${open.read.directory.run} was undone before: there is nothing to take back.\n`);
      return 0;
    }
    refuseCleaned(open);
    const tell = teller(context);
    tell(`${openRunText(open)}.`);
    tell('Checking what is true now; nothing is changed before it was looked at.');
    const { plan, before } = await recheck(open, on, fleet, tell);
    const now = await lookAndJudge(fleet, context);
    const judged = { ...before, inventory: now.inventory };
    return await takeBack({ open, plan, past: pastOf(open.read.journal.lines), judged, fleet }, flags, context);
  } finally {
    await fleet.close();
  }
}

/** What would have to be put back was removed. */
function refuseCleaned({ read: { directory, journal } }: OpenRun): void {
  const line = journal.lines.find(({ action, phase }) => action === 'clean' && phase === 'intent');
  if (line === undefined) return;
  throw new RunbookError('blocked', `Run ${directory.run} cannot be undone: what it kept was removed by clean.`, {
    facts: [`begun ${line.at} by ${String(line.detail?.who ?? 'an operator')}; nothing was changed now`],
    next: ['redis-runbook status', `redis-runbook history show ${directory.run}`],
  });
}
