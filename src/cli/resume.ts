import { exitStatus, RunbookError } from '../errors.js';
import { refuseBad } from '../execute/journal.js';
import type { OpenRun } from '../execute/open-runs.js';
import { pastOf, resumptionOf } from '../execute/past.js';
import type { Resumption } from '../execute/resumption.js';
import { runsDirectory } from '../execute/run-directory.js';
import type { Plan, Stage } from '../model/plan.js';
import { actionsOf } from '../model/plan.js';
import { printableProse } from '../report/escape.js';
import { wrap } from '../report/layout.js';
import { createAsk } from './ask.js';
import { concluded, conduct } from './carry-out.js';
import { type Fleet, type Judged, lookAndJudge, openFleet } from './compose.js';
import type { Context } from './context.js';
import { findRun, isOver } from './find-run.js';
import type { ResumeFlags } from './flags.js';
import { rebuiltPlan, refuseOtherChoice } from './rebuild.js';

/**
 * `resume [RUN]`: goes on with a run that was cut off. Its plan is made again and compared, every finished action is
 * looked at, and the rest is carried out by the same engine to the same end. Exit statuses: the table in errors.ts.
 */
export async function resumeCommand(flags: ResumeFlags, context: Context): Promise<number> {
  const open = await findRun(runsDirectory(process.env), flags.run, 'resume', context);
  const { run } = open.read.directory;
  refuseBad(open.read.journal, open.read.directory.path, run);
  if (isOver(open)) return nothingLeft(open, context);
  refuseWithoutAnswers(run, flags.yes, context);
  const fleet = await openFleet(context, { ...flags, group: open.plan.group });
  try {
    return await goOn(open, fleet, flags, context);
  } catch (error) {
    if (!(error instanceof RunbookError) || error.word !== 'changed' || !(await plansAnew(error, flags, context)))
      throw error;
  } finally {
    await fleet.close();
  }
  const { recoverCommand } = await import('./recover.js');
  return recoverCommand({ ...planAnew, ...flags, group: open.plan.group }, context);
}

function nothingLeft({ read, direction }: OpenRun, context: Context): number {
  const { run } = read.directory;
  const says = direction === 'undo' ? `Run ${run} was undone` : `Run ${run} came to its end`;
  if (!context.json) context.stdout(`${says}: there is nothing to go on with.\n`);
  return exitStatus.done;
}

async function goOn(open: OpenRun, fleet: Fleet, flags: ResumeFlags, context: Context): Promise<number> {
  const { directory, journal } = open.read;
  const tell = teller(context);
  tell(`Run ${directory.run} (${open.plan.runbook}, begun ${directory.begun}) stopped ${open.stopped}.`);
  tell('Checking what is true now; nothing is repeated before it was looked at.\n');
  if (journal.torn !== undefined)
    note(tell, 'journal', 'its last line was never finished: what it was about is looked at');
  note(tell, 'journal', `${journal.lines.length} lines intact`);
  const { plan, before } = await rebuiltPlan(directory.path, open.plan, fleet);
  note(tell, 'plan', `made again from ${plan.runbook} and the survey: the same ${actionsOf(plan).length} actions`);
  const resumption = resumptionOf(plan, pastOf(journal.lines), 'journal');
  const now = await lookAndJudge(fleet, context);
  if (!startsMaster(plan, resumption)) refuseOtherChoice(plan, now);
  await agree(plan, resumption, flags, context);
  const judged: Judged = { ...before, inventory: now.inventory };
  const result = await conduct({ plan, judged, fleet, directory, resumption }, flags, context);
  return concluded({ plan, before, result, directory }, fleet, context);
}

/** Whether the run got as far as starting the master: from then on its data is what counts, whatever it was chosen for. */
function startsMaster(plan: Plan, { past }: Resumption): boolean {
  return actionsOf(plan).some(
    (action) => action.kind === 'service.start' && action.as === 'master' && past.stands.has(action.id),
  );
}

/** One question before it goes on, where the stage that it goes on with was agreed to before. */
async function agree(plan: Plan, { stages }: Resumption, flags: ResumeFlags, context: Context): Promise<void> {
  const [first] = stages;
  if (flags.yes || first === undefined || first.gate !== undefined) return;
  const question = `Go on with stage ${numberOf(plan, first)} ${first.title}?`;
  const key = await createAsk(context).choose(question, [
    { key: 'y', says: 'go on' },
    { key: 'q', says: 'stop, nothing more is changed' },
  ]);
  if (key !== 'y') throw new RunbookError('stopped', 'stopped at a question; nothing more was changed.');
}

function numberOf(plan: Plan, stage: Stage): number {
  return plan.stages.findIndex((each) => each.id === stage.id) + 1;
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
  host: undefined,
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
} as const;

function refuseWithoutAnswers(run: string, yes: boolean, context: Context): void {
  if (yes || (context.isTerminal && !context.noInput)) return;
  throw new RunbookError('no-terminal', 'A run that goes on asks first, and nobody can be asked here.', {
    facts: ['stdin and stderr are not both a terminal, or --no-input was given'],
    next: [
      `redis-runbook resume ${run}         in a terminal, or`,
      `redis-runbook resume ${run} --yes   without questions`,
    ],
  });
}

type Tell = (text: string) => void;

/** Prints where a person reads; nothing for --json and --quiet. */
function teller(context: Context): Tell {
  if (context.json || context.quiet) return () => undefined;
  return (text) => context.stdout(`${wrap(printableProse(text), context.columns).join('\n')}\n`);
}

function note(tell: Tell, label: string, text: string): void {
  tell(`  ok  ${label.padEnd(14)}  ${text}`);
}
