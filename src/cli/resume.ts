import { exitStatus, RunbookError } from '../errors.js';
import type { OpenRun } from '../execute/open-runs.js';
import { pastOf, resumptionOf } from '../execute/past.js';
import type { Resumption } from '../execute/resumption.js';
import { actionsOf, type Plan, type RestoredBackup } from '../model/plan.js';
import { printableProse } from '../report/escape.js';
import { createAsk } from './ask.js';
import { concluded, conduct } from './carry-out.js';
import { type Fleet, type Judged, lookAndJudge } from './compose.js';
import type { Context } from './context.js';
import { isOver, openRunText } from './find-run.js';
import type { ResumeFlags } from './flags.js';
import { foundRun } from './found-run.js';
import { agree, recheck, teller } from './go-on.js';
import { refuseOtherChoice } from './rebuild.js';
import { takeBack } from './take-back.js';

/**
 * `resume [RUN]`: goes on with a run that was cut off. Its plan is made again and compared, every finished action is
 * looked at, and the rest is carried out by the same engine to the same end. Exit statuses: the table in errors.ts.
 */
export async function resumeCommand(flags: ResumeFlags, given: Context): Promise<number> {
  const found = await foundRun(flags, 'resume', given);
  const { group, context } = found;
  try {
    const { open, on } = await found.open();
    if (isOver(open)) return nothingLeft(open, context);
    return await goOn(open, on, found.fleet, flags, context);
  } catch (error) {
    if (!(error instanceof RunbookError) || error.word !== 'changed' || !(await plansAnew(error, flags, context)))
      throw error;
  } finally {
    await found.fleet.close();
  }
  const { recoverCommand } = await import('./recover.js');
  return recoverCommand({ ...planAnew, ...flags, takeOver: undefined, group }, context);
}

function nothingLeft({ read, direction }: OpenRun, context: Context): number {
  const { run } = read.directory;
  const says = direction === 'undo' ? `Run ${run} was undone` : `Run ${run} came to its end`;
  if (!context.json) context.stdout(`${says}: there is nothing to go on with.\n`);
  return exitStatus.done;
}

async function goOn(
  open: OpenRun,
  on: readonly string[],
  fleet: Fleet,
  flags: ResumeFlags,
  context: Context,
): Promise<number> {
  const { directory, journal } = open.read;
  const tell = teller(context);
  tell(`${openRunText(open)}.`);
  tell('Checking what is true now; nothing is repeated before it was looked at.');
  const { plan, before } = await recheck(open, on, fleet, tell);
  const past = pastOf(journal.lines);
  const now = await lookAndJudge(fleet, context);
  const judged: Judged = { ...before, inventory: now.inventory };
  if (open.direction === 'undo') {
    return takeBack({ open, plan, past, judged, fleet }, flags, context);
  }
  const resumption = resumptionOf(plan, past);
  if (!startsMaster(plan, resumption)) refuseOtherChoice(plan, now);
  await agree(plan, resumption, flags, context);
  const from = plan.restore ?? plan.configsOf;
  const backup = from === undefined ? undefined : await sourceOf(from);
  const all = { plan, judged, fleet, directory, resumption, ...(backup === undefined ? {} : { backup }) };
  const result = await conduct(all, flags, context).finally(() => backup?.close());
  return concluded({ plan, before, result, directory }, fleet, context);
}

async function sourceOf(restore: RestoredBackup) {
  return (await import('./backup/restore-plan.js')).sourceAgain(restore);
}

/** Whether the run got as far as starting the master: from then on its data is what counts, whatever it was chosen for. */
function startsMaster(plan: Plan, { past }: Resumption): boolean {
  return actionsOf(plan).some(
    (action) => action.kind === 'service.start' && action.as === 'master' && past.stands.has(action.id),
  );
}

/** What differs is shown, and on a terminal a new plan is offered. */
async function plansAnew(error: RunbookError, flags: ResumeFlags, context: Context): Promise<boolean> {
  if (flags.yes || context.json || !context.isTerminal || context.noInput) return false;
  context.stderr(`\n${error.message}\n${error.facts.map((fact) => `  ${printableProse(fact)}\n`).join('')}\n`);
  const key = await createAsk(context).choose('Look again and plan anew from what is true now?', [
    { key: 'y', says: 'look and plan; it asks before it changes anything' },
    { key: 'q', says: 'stop' },
  ]);
  return key === 'y';
}

/** A recovery that is planned anew decides nothing in advance. */
const planAnew = {
  hosts: [],
  conf: [],
  dryRun: false,
  step: false,
  path: undefined,
  promote: undefined,
  setAside: [],
  acceptLoss: undefined,
  without: [],
  hostIsOff: [],
  reason: undefined,
  out: undefined,
  markdown: false,
  wait: undefined,
  takeOver: undefined,
  detach: false,
} as const;
