import { writeFile } from 'node:fs/promises';
import { exitStatus } from '../errors.js';
import { toJson } from '../model/json.js';
import type { Plan } from '../model/plan.js';
import type { Check } from '../model/readiness.js';
import type { Choice } from '../plan/choice.js';
import { planFileText } from '../plan/plan-file.js';
import { refusalOf } from '../plan/refusal.js';
import { linesOf } from '../report/doctor-text.js';
import { fleetFlag } from '../report/next-lines.js';
import { renderPlanMarkdown } from '../report/plan-markdown.js';
import { renderPlan } from '../report/plan-text.js';
import { headlineLines } from '../report/status-text.js';
import { type Judged, withJudged } from './compose.js';
import type { Context } from './context.js';
import type { PlanFlags } from './flags.js';
import { choiceOf, pathToTake, planFor } from './make-plan.js';
import { operator } from './operator.js';
import { preFlightLines } from './pre-flight.js';
import { probePlan, troubles } from './probe.js';
import { readRunbook } from './runbooks.js';

/** `plan`: the plan of the recommended recovery (or of a runbook), as text, Markdown or JSON. Changes nothing. */
export async function planCommand(flags: PlanFlags, context: Context): Promise<number> {
  return withJudged(context, flags, async (judged, fleet) => {
    const choice = choiceOf(flags);
    const path = flags.runbook === undefined ? pathToTake(judged, choice) : (await readRunbook(flags.runbook)).path;
    if (path === 'nothing') {
      const look = { width: context.columns, colour: context.colour };
      const { group, headline } = judged.diagnosis;
      if (context.json) context.stdout(`${toJson({ schema: 'redis-runbook/no-plan/1', group, headline }, 2)}\n`);
      else context.stdout(`${headlineLines(judged.diagnosis, look).join('\n')}\nNothing to plan.\n`);
      return exitStatus.done;
    }
    const { decision, plan } = await planFor(judged, choice, path, flags.runbook);
    context.stdout(shownPlan(plan, flags.markdown, context));
    const warnings = context.json || flags.markdown ? [] : preFlightLines(judged, context);
    if (warnings.length > 0) context.stdout(`\n${warnings.join('\n')}\n`);
    if (fleet !== undefined && !flags.markdown && !context.json && !context.quiet)
      showTroubles(troubles(await probePlan(plan, judged, fleet, context, false)), context);
    if (flags.out !== undefined) await writePlan(plan, flags.out, context, { judged, choice, runbook: flags.runbook });
    if (decision.missing.length > 0) throw refusalOf(decision);
    return exitStatus.done;
  });
}

/** The plan in the form that the flags ask for. */
export function shownPlan(plan: Plan, markdown: boolean, context: Context): string {
  if (context.json) return `${toJson(plan, 2)}\n`;
  if (markdown) return renderPlanMarkdown(plan);
  return renderPlan(plan, { width: context.columns, colour: context.colour, allDiffs: context.verbose > 0 });
}

/** From what a plan was made, so that `apply` can compare it with the fleet. */
export interface MadeFrom {
  readonly judged: Judged;
  readonly choice: Choice;
  /** As it was named; undefined = the recommended recovery. */
  readonly runbook: string | undefined;
}

/** Writes the plan as Markdown to a file that ends in .md, as JSON to any other: for `apply` where it is said from what it was made. */
export async function writePlan(plan: Plan, file: string, context: Context, from?: MadeFrom): Promise<void> {
  const isPaper = file.endsWith('.md');
  await writeFile(file, isPaper ? renderPlanMarkdown(plan) : planText(plan, context, from), { mode: 0o600 });
  context.stderr(`The plan is in ${file}. Nothing was changed.\n`);
  if (from !== undefined && !isPaper) context.stderr(`redis-runbook apply ${file}   carries it out\n`);
}

function planText(plan: Plan, context: Context, from: MadeFrom | undefined): string {
  const group = from?.judged.survey.groups[plan.group];
  if (from === undefined || group === undefined) return `${toJson(plan, 2)}\n`;
  const { judged, choice, runbook } = from;
  const maker = { at: context.now().toISOString(), by: operator(), fleet: judged.inventory.fleet, choice };
  return planFileText(plan, { ...maker, runbook: runbook ?? plan.runbook.split(' ')[0] ?? '' }, group);
}

/** What the plan would meet and could not do, before anybody says yes to it. */
export function showTroubles(found: readonly Check[], context: Context): void {
  if (found.length === 0) return;
  const lines = found.flatMap((one) =>
    linesOf(one, { width: context.columns, colour: context.colour, fleetFlag: fleetFlag(context.fleetFile) }),
  );
  context.stdout(`\n${['Before you say yes, this was tried and is not as it should be:', ...lines].join('\n')}\n`);
}
