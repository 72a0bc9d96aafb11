import { RunbookError } from '../errors.js';
import type { OpenRun } from '../execute/open-runs.js';
import { changedAnything, resumptionOf } from '../execute/past.js';
import type { Past } from '../execute/resumption.js';
import { refusedBack } from '../execute/stop-again.js';
import { undoPlan } from '../execute/undo-plan.js';
import { rolesGiven, whyNotBack } from '../execute/why-not-back.js';
import { actionsOf, type Plan } from '../model/plan.js';
import { listed } from '../report/quantities.js';
import { createAsk } from './ask.js';
import { conduct, toolsFor } from './carry-out.js';
import type { Fleet, Judged } from './compose.js';
import type { Context } from './context.js';
import { isOver } from './find-run.js';
import type { ResumeFlags } from './flags.js';
import { agree } from './go-on.js';
import { endUndo } from './undo-end.js';

/** A run that is taken back, with what it takes. */
export interface Back {
  readonly open: OpenRun;
  /** The run's own plan, made again. */
  readonly plan: Plan;
  readonly past: Past;
  readonly judged: Judged;
  readonly fleet: Fleet;
}

/** Takes a run back, or goes on with that. Rejects with RunbookError `writes-accepted` before anything is changed. */
export async function takeBack(back: Back, flags: ResumeFlags, context: Context): Promise<number> {
  const { open, past, judged, fleet } = back;
  const { directory } = open.read;
  if (!changedAnything(back.plan, past) && open.direction === 'forward' && isOver(open))
    throw new RunbookError('usage', `Run ${directory.run} changed nothing: there is nothing to take back.`);
  const given = rolesGiven(back.plan, past);
  if (given.length > 0) throw refusedBack(directory.run, given);
  const plan = undoPlan(back.plan, past);
  const reasons = await whyNotBack(plan, past, toolsFor({ judged, fleet, directory }, context), context.signal);
  if (reasons.length > 0) throw refusedBack(directory.run, reasons);
  const resumption = { ...resumptionOf(plan, past), direction: 'undo' as const };
  if (open.direction === 'undo') await agree(plan, resumption, flags, context);
  else await askBack(plan, directory.run, flags, context);
  const result = await conduct({ plan, judged, fleet, directory, resumption }, flags, context);
  return endUndo({ plan, before: judged, result, directory }, fleet, context);
}

async function askBack(plan: Plan, run: string, flags: ResumeFlags, context: Context): Promise<void> {
  if (flags.yes) return;
  const kinds = actionsOf(plan).flatMap((action) => (action.kind === 'undo' ? [action] : []));
  const nodes = (kind: string) => [...new Set(kinds.filter(({ of }) => of.kind === kind).map(({ node }) => node))];
  const lines = [
    ['stopped again', nodes('service.start')],
    ['config put back', nodes('config.rewrite')],
    [
      'started as before',
      kinds.filter(({ of }) => of.kind === 'service.stop' && of.mode !== 'already-stopped').map(({ node }) => node),
    ],
    ['hold released', nodes('service.hold')],
  ] as const;
  for (const [label, names] of lines) if (names.length > 0) context.stderr(`  ${label.padEnd(18)} ${listed(names)}\n`);
  context.stderr('  No data file is put back over a newer one; every kept file stays.\n');
  const key = await createAsk(context).choose(`Undo run ${run} on ${listed(plan.hosts)}?`, [
    { key: 'y', says: 'take it back' },
    { key: 'q', says: 'stop, nothing more is changed' },
  ]);
  if (key !== 'y') throw new RunbookError('stopped', 'stopped at a question; nothing more was changed.');
}
