import { hostname, userInfo } from 'node:os';
import { exitStatus, RunbookError } from '../errors.js';
import { execute } from '../execute/engine.js';
import { openJournal } from '../execute/journal.js';
import { makeRunDirectory, runsDirectory, saveInRun } from '../execute/run-directory.js';
import type { Plan } from '../model/plan.js';
import type { RunResult } from '../model/run.js';
import { paint } from '../report/layout.js';
import { headlineLines, renderStatusJson } from '../report/status-text.js';
import { saveSurvey } from '../survey/saved.js';
import { createAsk } from './ask.js';
import { type Fleet, type Judged, lookAndJudge, withJudged } from './compose.js';
import { askConsents } from './consents.js';
import type { Context } from './context.js';
import type { RecoverFlags } from './flags.js';
import { createGate, createStep } from './gates.js';
import { choiceOf, pathToTake, planFor } from './make-plan.js';
import { shownPlan, writePlan } from './plan.js';
import { probeFleet } from './probe.js';
import { choicePages } from './recover-screens.js';
import { endRun } from './run-end.js';
import { createRunScreen } from './run-screen.js';
import { statusOf } from './status.js';

/** `recover`: look, decide, plan, ask, carry out, look again, report. Exit statuses: the table in errors.ts. */
export async function recoverCommand(flags: RecoverFlags, context: Context): Promise<number> {
  if (flags.host !== undefined)
    throw new RunbookError('usage', 'This version does not discover a fleet from one address.', {
      next: ['redis-runbook recover --fleet FILE'],
    });
  return withJudged(context, flags, async (judged, fleet) => {
    const choice = choiceOf(flags);
    if (pathToTake(judged, choice) === 'nothing') return nothingToDo(judged, context);
    if (!context.json && !context.quiet) context.stdout(choicePages(judged, context));
    const plan = await agreedPlan(judged, flags, context);
    if (!context.json && !context.quiet) showPlan(plan, flags.markdown, context);
    if (flags.out !== undefined) {
      await writePlan(plan, flags.out, context);
      return exitStatus.done;
    }
    if (flags.dryRun || fleet === undefined) return dryRun(plan, fleet, context);
    refuseWithoutAnswers(flags, context);
    return carryOut(plan, judged, fleet, flags, context);
  });
}

function nothingToDo(judged: Judged, context: Context): number {
  const look = { width: context.columns, colour: context.colour };
  if (context.json) context.stdout(renderStatusJson(judged.survey, judged.diagnosis));
  else
    context.stdout(
      `${headlineLines(judged.diagnosis, look).join('\n')}\nThere is nothing to recover. Nothing was changed.\n`,
    );
  return statusOf(judged.survey, judged.diagnosis);
}

/** The plan with every consent that it needs given, or refused. */
async function agreedPlan(judged: Judged, flags: RecoverFlags, context: Context): Promise<Plan> {
  const choice = choiceOf(flags);
  const first = await planFor(judged, choice);
  const given = await askConsents(first.decision, choice, createAsk(context), flags.yes, context);
  return given === choice ? first.plan : (await planFor(judged, given)).plan;
}

function showPlan(plan: Plan, markdown: boolean, context: Context): void {
  context.stdout(`\n${paint('verdict', '3/4 THE PLAN', context.colour)}\n${shownPlan(plan, markdown, context)}`);
}

async function dryRun(plan: Plan, fleet: Fleet | undefined, context: Context): Promise<number> {
  if (context.json) context.stdout(shownPlan(plan, false, context));
  const probes = fleet === undefined ? [] : await probeFleet(plan, fleet, context);
  const failed = probes.filter((probe) => !probe.ok);
  if (!context.json) {
    const lines = probes.map((probe) => `  ${probe.ok ? 'ok' : 'x '}  ${probe.host}  ${probe.says}`);
    context.stdout(['', 'DRY RUN: nothing was changed. Probes that change nothing:', ...lines, ''].join('\n'));
  }
  return failed.length > 0 ? exitStatus.unseen : exitStatus.done;
}

function refuseWithoutAnswers(flags: RecoverFlags, context: Context): void {
  if (flags.yes || (context.isTerminal && !context.noInput)) return;
  throw new RunbookError('no-terminal', 'A recovery asks before it changes anything, and nobody can be asked here.', {
    facts: ['stdin and stderr are not both a terminal, or --no-input was given'],
    next: [
      'redis-runbook recover         in a terminal, or',
      'redis-runbook recover --yes   without questions; never accepts a loss',
    ],
  });
}

async function carryOut(
  plan: Plan,
  judged: Judged,
  fleet: Fleet,
  flags: RecoverFlags,
  context: Context,
): Promise<number> {
  const directory = await makeRunDirectory(runsDirectory(process.env), judged.inventory.fleet, context.now());
  await saveInRun(directory.path, 'plan.json', plan);
  await saveSurvey(`${directory.path}/survey-before.json`, judged.raw, judged.inventory);
  if (!context.json && !context.quiet)
    context.stdout(
      `\n${paint('verdict', '4/4 DO IT', context.colour)}\nRun ${directory.run} is being recorded in ${directory.path}\n`,
    );
  const journal = await openJournal(directory.path, directory.run, context.now);
  const who = `${userInfo().username}@${hostname()}`;
  const ask = createAsk(context);
  let result: RunResult;
  try {
    result = await execute(
      plan,
      {
        hosts: new Map(fleet.hosts.map((host) => [host.entry.name, host])),
        inventory: fleet.inventory,
        passwords: fleet.passwords,
        journal,
        directory: directory.path,
        run: directory.run,
        who,
        now: context.now,
      },
      {
        gate: createGate(plan, ask, flags.yes, context),
        onEvent: createRunScreen(context),
        signal: context.signal,
        now: context.stopNow,
        ...(flags.step ? { step: createStep(ask, context) } : {}),
      },
    );
  } finally {
    await journal.close();
  }
  const after = context.signal.aborted ? undefined : await lookAndJudge(fleet, context).catch(() => undefined);
  if (after) await saveSurvey(`${directory.path}/survey-after.json`, after.raw, after.inventory);
  return endRun({ plan, before: judged.diagnosis, after, result, who }, context);
}
