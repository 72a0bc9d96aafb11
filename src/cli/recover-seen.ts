import { exitStatus, worstOf } from '../errors.js';
import type { Path } from '../model/diagnosis.js';
import { toJson } from '../model/json.js';
import type { Plan } from '../model/plan.js';
import type { Choice } from '../plan/choice.js';
import { paint, wrap } from '../report/layout.js';
import { fleetFlag } from '../report/next-lines.js';
import { listed } from '../report/quantities.js';
import { headlineLines } from '../report/status-text.js';
import { createAsk } from './ask.js';
import { type Branches, createBranches } from './branches.js';
import { carryOut, operator } from './carry-out.js';
import { type Fleet, type Judged, lookAndJudge } from './compose.js';
import { askConsents } from './consents.js';
import type { Context } from './context.js';
import type { RecoverFlags } from './flags.js';
import { clearLocks, type Leftovers, leftoversOf, settled } from './leftovers.js';
import { passLock } from './locked.js';
import { choiceOf, pathToTake, planFor } from './make-plan.js';
import { shownPlan, writePlan } from './plan.js';
import { dryRun, preflight, refuseWithoutAnswers } from './preflight.js';
import { choicePages } from './recover-screens.js';
import { statusOf } from './status.js';
import { tellStillThere } from './still-there.js';
import { withMaster } from './which-master.js';

/** What comes after the look: decide, plan, ask, carry out, look again, report. `first` is what was seen. */
export async function recoverSeen(
  first: Judged,
  fleet: Fleet | undefined,
  flags: RecoverFlags,
  context: Context,
): Promise<number> {
  const acts = fleet !== undefined && !flags.dryRun && flags.out === undefined;
  const seen = acts && (await passLock(fleet, flags, context)) ? await lookAndJudge(fleet, context) : first;
  const judged = await settled(seen, fleet, context);
  const choice = choiceOf(flags);
  const path = pathToTake(judged, choice);
  if (path === 'nothing') return nothingToDo(judged, fleet, flags.yes, context);
  if (!context.json && !context.quiet) context.stdout(choicePages(judged, path, context));
  const branches = createBranches();
  try {
    return await withAgreed(branches, judged, path, fleet, flags, context);
  } finally {
    await branches.drop();
  }
}

async function withAgreed(
  branches: Branches,
  judged: Judged,
  path: Path,
  fleet: Fleet | undefined,
  flags: RecoverFlags,
  context: Context,
): Promise<number> {
  const { plan, choice } = await agreedPlan(branches, judged, path, fleet, flags, context);
  if (!context.json && !context.quiet) showPlan(plan, flags.markdown, context);
  if (flags.out !== undefined) {
    await writePlan(plan, flags.out, context, { judged, choice, runbook: undefined });
    return exitStatus.done;
  }
  if (fleet === undefined) return dryRun(plan, judged, fleet, context);
  if (flags.dryRun) {
    await tellStillThere(plan, judged, fleet, choice.setAside, context);
    return dryRun(plan, judged, fleet, context);
  }
  refuseWithoutAnswers(flags, context, 'recover');
  // Both end before either is judged: nothing is printed behind a refusal.
  const both = await Promise.allSettled([
    preflight(plan, judged, fleet, context),
    tellStillThere(plan, judged, fleet, choice.setAside, context),
  ]);
  for (const each of both) if (each.status === 'rejected') throw each.reason;
  return carryOut(plan, judged, fleet, flags, context, branches.keepIn);
}

async function nothingToDo(judged: Judged, fleet: Fleet | undefined, yes: boolean, context: Context): Promise<number> {
  const look = { width: context.columns, colour: context.colour };
  const left = leftoversOf(judged);
  const clear = left && fleet && yes ? await clearLocks(left, fleet, operator(), context.signal) : undefined;
  const todo = left && clear === undefined ? leftText(left, context) : undefined;
  const status = worstOf([statusOf(judged.survey, judged.diagnosis), todo ? exitStatus.leftToDo : exitStatus.done]);
  const { group, headline } = judged.diagnosis;
  if (context.json) {
    const result = { schema: 'redis-runbook/run/1', type: 'result', group, outcome: 'nothing-to-do', headline };
    context.stdout(`${toJson({ ...result, ...(clear ? { cleared: clear } : {}), exit: status })}\n`);
    return status;
  }
  const back = judged.diagnosis.leftOut.map(
    ({ host }) => `redis-runbook rejoin ${host}${fleetFlag(context.fleetFile)}`,
  );
  const rejoin = back.length === 0 ? [] : ['Left to do:', ...back.map((command) => `  ${command}`)];
  const says = [...wrap(clear ?? todo ?? 'Nothing was changed.', context.columns), ...rejoin];
  context.stdout(`${[...headlineLines(judged.diagnosis, look), 'There is nothing to recover.', ...says].join('\n')}\n`);
  return status;
}

function leftText(left: Leftovers, context: Context): string {
  const recover = `redis-runbook recover --yes${fleetFlag(context.fleetFile)}`;
  return `Nothing was changed. Run ${left.run} left its lock on ${listed(left.locked)}; this takes it away: ${recover}`;
}

/** The plan with every consent that it needs given, or refused. */
async function agreedPlan(
  branches: Branches,
  judged: Judged,
  path: Path,
  fleet: Fleet | undefined,
  flags: RecoverFlags,
  context: Context,
): Promise<{ readonly plan: Plan; readonly choice: Choice }> {
  const choice = await withMaster(choiceOf(flags), judged, flags, context);
  const first = await planFor(judged, choice, path);
  if (fleet !== undefined && !flags.yes) await branches.offer(first.decision, judged, fleet, context);
  const given = await askConsents(first.decision, choice, createAsk(context), flags.yes, context);
  return { choice: given, plan: given === choice ? first.plan : (await planFor(judged, given, path)).plan };
}

/** Prints the plan as the third of the four screens. */
export function showPlan(plan: Plan, markdown: boolean, context: Context): void {
  context.stdout(`\n${paint('verdict', '3/4 THE PLAN', context.colour)}\n${shownPlan(plan, markdown, context)}`);
}
