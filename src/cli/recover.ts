import { exitOf } from '../diagnosis/readiness/judge.js';
import { exitStatus, RunbookError, worstOf } from '../errors.js';
import { refuseFailed, type Tried, tryHost } from '../execute/preflight.js';
import { toJson } from '../model/json.js';
import type { Plan } from '../model/plan.js';
import type { Choice } from '../plan/choice.js';
import { linesOf } from '../report/doctor-text.js';
import { paint, wrap } from '../report/layout.js';
import { fleetFlag } from '../report/next-lines.js';
import { listed } from '../report/quantities.js';
import { headlineLines } from '../report/status-text.js';
import { createAsk } from './ask.js';
import { type Branches, createBranches } from './branches.js';
import { carryOut, operator } from './carry-out.js';
import { type Fleet, type Judged, lookAndJudge, withJudged } from './compose.js';
import { askConsents } from './consents.js';
import type { Context } from './context.js';
import { refuseDetached } from './detach.js';
import type { RecoverFlags } from './flags.js';
import { clearLocks, type Leftovers, leftoversOf, settled } from './leftovers.js';
import { passLock } from './locked.js';
import { choiceOf, pathToTake, planFor } from './make-plan.js';
import { shownPlan, showTroubles, writePlan } from './plan.js';
import { probePlan, troubles, withPlaces } from './probe.js';
import { choicePages } from './recover-screens.js';
import { statusOf } from './status.js';

/** `recover`: look, decide, plan, ask, carry out, look again, report. Exit statuses: the table in errors.ts. */
export async function recoverCommand(flags: RecoverFlags, context: Context): Promise<number> {
  if (flags.host !== undefined)
    throw new RunbookError('usage', 'This version does not discover a fleet from one address.', {
      next: ['redis-runbook recover --fleet FILE'],
    });
  refuseDetached(flags);
  return withJudged(context, flags, async (first, fleet) => {
    const acts = fleet !== undefined && !flags.dryRun && flags.out === undefined;
    const seen = acts && (await passLock(fleet, flags, context)) ? await lookAndJudge(fleet, context) : first;
    const judged = await settled(seen, fleet, context);
    const choice = choiceOf(flags);
    if (pathToTake(judged, choice) === 'nothing') return nothingToDo(judged, fleet, flags.yes, context);
    if (!context.json && !context.quiet) context.stdout(choicePages(judged, context));
    const branches = createBranches();
    try {
      return await withAgreed(branches, judged, fleet, flags, context);
    } finally {
      await branches.drop();
    }
  });
}

async function withAgreed(
  branches: Branches,
  judged: Judged,
  fleet: Fleet | undefined,
  flags: RecoverFlags,
  context: Context,
): Promise<number> {
  const { plan, choice } = await agreedPlan(branches, judged, fleet, flags, context);
  if (!context.json && !context.quiet) showPlan(plan, flags.markdown, context);
  if (flags.out !== undefined) {
    await writePlan(plan, flags.out, context, { judged, choice, runbook: undefined });
    return exitStatus.done;
  }
  if (flags.dryRun || fleet === undefined) return dryRun(plan, judged, fleet, context);
  refuseWithoutAnswers(flags, context);
  await preflight(plan, judged, fleet, context);
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
  const says = wrap(clear ?? todo ?? 'Nothing was changed.', context.columns);
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
  fleet: Fleet | undefined,
  flags: RecoverFlags,
  context: Context,
): Promise<{ readonly plan: Plan; readonly choice: Choice }> {
  const choice = choiceOf(flags);
  const first = await planFor(judged, choice);
  if (fleet !== undefined && !flags.yes) await branches.offer(first.decision, judged, fleet, context);
  const given = await askConsents(first.decision, choice, createAsk(context), flags.yes, context);
  return { choice: given, plan: given === choice ? first.plan : (await planFor(judged, given)).plan };
}

export function showPlan(plan: Plan, markdown: boolean, context: Context): void {
  context.stdout(`\n${paint('verdict', '3/4 THE PLAN', context.colour)}\n${shownPlan(plan, markdown, context)}`);
}

async function tryPlaces(plan: Plan, judged: Judged, fleet: Fleet, context: Context): Promise<readonly Tried[]> {
  const hosts = fleet.hosts.filter((host) => plan.hosts.includes(host.entry.name));
  return (await Promise.all(hosts.map((host) => tryHost(plan, judged.survey, host, context.signal)))).flat();
}

/** What would stop the run half way is found out before its first act; what else is not as it should be is told, once. */
export async function preflight(plan: Plan, judged: Judged, fleet: Fleet, context: Context): Promise<void> {
  const isTold = !context.json && !context.quiet;
  const [tried, probes] = await Promise.all([
    tryPlaces(plan, judged, fleet, context),
    isTold ? probePlan(plan, judged, fleet, context, false) : [],
  ]);
  refuseFailed(tried);
  if (!isTold) return;
  const checks = withPlaces(probes, tried);
  showTroubles([...troubles(checks), ...checks.filter(({ id, state }) => id === 'disk' && state === 'note')], context);
}

async function dryRun(plan: Plan, judged: Judged, fleet: Fleet | undefined, context: Context): Promise<number> {
  const probes =
    fleet === undefined
      ? []
      : withPlaces(await probePlan(plan, judged, fleet, context, true), await tryPlaces(plan, judged, fleet, context));
  const status = exitOf(probes);
  if (context.json) {
    context.stdout(`${toJson(plan)}\n`);
    context.stdout(`${toJson({ schema: 'redis-runbook/dry-run/1', type: 'result', probes, exit: status })}\n`);
    return status;
  }
  const lines = probes.flatMap((probe) =>
    linesOf(probe, { width: context.columns, colour: context.colour, fleetFlag: fleetFlag(context.fleetFile) }),
  );
  context.stdout(
    ['', 'DRY RUN: nothing was changed. What was tried without changing anything:', ...lines, ''].join('\n'),
  );
  return status;
}

export function refuseWithoutAnswers(flags: Pick<RecoverFlags, 'yes'>, context: Context): void {
  if (flags.yes || (context.isTerminal && !context.noInput)) return;
  throw new RunbookError('no-terminal', 'A recovery asks before it changes anything, and nobody can be asked here.', {
    facts: ['stdin and stderr are not both a terminal, or --no-input was given'],
    next: [
      'redis-runbook recover         in a terminal, or',
      'redis-runbook recover --yes   without questions; never accepts a loss',
    ],
  });
}
