import { open } from 'node:fs/promises';
import { RunbookError } from '../errors.js';
import type { Plan } from '../model/plan.js';
import { canonicalFacts } from '../plan/canonical.js';
import type { Choice } from '../plan/choice.js';
import { movedFacts, planDifferences } from '../plan/plan-differences.js';
import { type Made, type PlanRead, parsePlanFile, tampered, wentBack } from '../plan/plan-file.js';
import { printableProse } from '../report/escape.js';
import { createAsk } from './ask.js';
import { carryOut } from './carry-out.js';
import { type Judged, lookAndJudge, withJudged } from './compose.js';
import { askConsents } from './consents.js';
import type { Context } from './context.js';
import { refuseDetached } from './detach.js';
import type { RecoverFlags } from './flags.js';
import { passLock } from './locked.js';
import { pathToTake, planFor } from './make-plan.js';
import { preflight, refuseWithoutAnswers } from './preflight.js';
import { showPlan } from './recover-seen.js';
import { readRunbook } from './runbooks.js';

const LIMIT_BYTES = 32 * 1024 * 1024;

/** What `apply` takes of the flags of `recover`: losses are agreed to once more, by whoever carries the plan out. */
export type ApplyFlags = Pick<
  RecoverFlags,
  'group' | 'survey' | 'yes' | 'step' | 'detach' | 'wait' | 'takeOver' | 'setAside' | 'acceptLoss' | 'reason'
>;

/**
 * `apply FILE`: carries out a plan that `plan --out` wrote. The fleet is looked at afresh and the plan made anew from the
 * runbook and the operator's words in the file; nothing of the file itself is carried out. Refused with `changed` when
 * facts that the plan rests on moved, with `plan-tampered` when the file holds another plan than they give.
 */
export async function applyCommand(file: string, flags: ApplyFlags, context: Context): Promise<number> {
  refuseDetached(flags);
  const read = parsePlanFile(file, await textOf(file));
  const group = flags.group ?? read.made.facts.group;
  return withJudged(context, { group, survey: undefined }, async (first, fleet) => {
    if (fleet === undefined) throw new Error('apply works on a fleet');
    const judged = (await passLock(fleet, flags, context)) ? await lookAndJudge(fleet, context) : first;
    refuseMoved(file, read, judged);
    const plan = await agreedPlan(read.made, judged, flags, context);
    if (read.plan.runbook !== plan.runbook) throw moved(file, read, [`the runbook is ${plan.runbook} now`]);
    const differing = planDifferences(read.plan, plan);
    if (differing.length > 0) throw tampered(file, differing.map(printableProse));
    if (!context.json && !context.quiet) showPlan(plan, false, context);
    refuseWithoutAnswers(flags, context, 'apply');
    await preflight(plan, judged, fleet, context);
    return carryOut(plan, judged, fleet, flags, context);
  });
}

/** The plan made anew, with every consent that it needs given once more, or refused. */
async function agreedPlan(made: Made, judged: Judged, flags: ApplyFlags, context: Context): Promise<Plan> {
  const choice = choiceOf(made, flags);
  const path = made.runbook === undefined ? pathToTake(judged, choice) : (await readRunbook(made.runbook)).path;
  const first = await planFor(judged, choice, path, made.runbook);
  const given = await askConsents(first.decision, choice, createAsk(context), flags.yes, context);
  return given === choice ? first.plan : (await planFor(judged, given, path, made.runbook)).plan;
}

async function textOf(file: string): Promise<string> {
  try {
    const handle = await open(file, 'r');
    try {
      if ((await handle.stat()).size > LIMIT_BYTES) throw new Error('it is larger than a plan can be');
      return await handle.readFile('utf8');
    } finally {
      await handle.close();
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new RunbookError('plan-file', `${file} cannot be read: ${why}.`, {
      next: ['redis-runbook plan --out FILE   makes a plan file'],
    });
  }
}

/** The operator's words in the file, without any consent to a loss: that is given by whoever applies it. */
function choiceOf({ choice }: Made, flags: ApplyFlags): Choice {
  const { path, promote, without, hostIsOff } = choice;
  const reason = flags.reason ?? choice.reason;
  return {
    without,
    hostIsOff,
    setAside: flags.setAside,
    ...(path === undefined ? {} : { path }),
    ...(promote === undefined ? {} : { promote }),
    ...(flags.acceptLoss === undefined ? {} : { acceptLoss: flags.acceptLoss }),
    ...(reason === undefined ? {} : { reason }),
  };
}

function refuseMoved(file: string, read: PlanRead, { survey, diagnosis, inventory }: Judged): void {
  const group = survey.groups[diagnosis.group];
  if (group === undefined) throw new Error(`no group ${diagnosis.group}`);
  const { facts, fleet } = read.made;
  const other =
    fleet === inventory.fleet ? [] : [`it is a plan for the fleet ${fleet}, and this is ${inventory.fleet}`];
  const found = [...other, ...movedFacts(facts, canonicalFacts(group)), ...wentBack(read.made, group, diagnosis)];
  if (found.length > 0) throw moved(file, read, found);
}

function moved(file: string, { made }: PlanRead, found: readonly string[]): RunbookError {
  const shown = found.slice(0, 20).map(printableProse);
  const more = found.length > shown.length ? [`and ${found.length - shown.length} more`] : [];
  const when = printableProse(made.at);
  return new RunbookError('changed', `The fleet is not as it was when ${file} was made, ${when}.`, {
    facts: [...shown, ...more],
    next: ['redis-runbook status', 'redis-runbook plan --out FILE   a new plan, from the fleet as it is'],
  });
}
