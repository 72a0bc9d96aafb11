import { join } from 'node:path';
import { diagnose } from '../diagnosis/diagnose.js';
import { RunbookError } from '../errors.js';
import { fromJson, toJson } from '../model/json.js';
import { actionsOf, type Plan } from '../model/plan.js';
import type { Answer } from '../model/survey.js';
import type { Choice } from '../plan/choice.js';
import { decide } from '../plan/choice.js';
import { decideRejoin, doubtsOf } from '../plan/rejoin.js';
import { interpret } from '../survey/interpret.js';
import { loadSurvey } from '../survey/saved.js';
import { settleInventory } from '../survey/settle.js';
import type { Fleet, Judged } from './compose.js';
import { planFor, rejoinPlan } from './make-plan.js';
import { runFiles } from './run-files.js';

/** The operator's words that a plan was made with, as the plan itself tells them. */
export function choiceOfPlan(plan: Plan): Choice {
  const leftOut = plan.leftOut.flatMap(({ node }) => (node === undefined ? [] : [node]));
  return {
    path: plan.path,
    promote: plan.master,
    setAside: [...plan.setAside, ...leftOut],
    without: plan.leftOut.flatMap(({ host, node }) => (node === undefined ? [host] : [])),
    hostIsOff: plan.hostIsOff ?? [],
    ...(plan.acceptedLoss === undefined ? {} : { acceptLoss: plan.acceptedLoss }),
    ...(plan.reason === undefined ? {} : { reason: plan.reason }),
  };
}

/** A plan made once more, with what it was made from. */
export interface Rebuilt {
  readonly plan: Plan;
  /** What was seen when the run began. */
  readonly before: Judged;
}

/**
 * Makes the plan of a run once more: by this tool's own runbook, from this fleet.yaml, from what was seen when the run
 * began and from what the operator decided then. Nothing of the stored plan is carried out; it is only compared. Throws
 * RunbookError('changed') with each difference.
 */
export async function rebuiltPlan(directory: string, stored: Plan, fleet: Fleet): Promise<Rebuilt> {
  const { raws } = await loadSurvey(join(directory, runFiles.survey));
  const survey = interpret(fleet.inventory, raws);
  const answers = await answersIn(directory);
  const inventory = settleInventory(fleet.inventory, raws);
  const before: Judged = { inventory, raw: raws, survey, diagnosis: diagnose(survey, stored.group, answers), answers };
  const plan = await madeAgain(before, stored);
  const differences = differencesOf(stored, plan);
  if (differences.length === 0) return { plan, before };
  throw new RunbookError('changed', 'The plan of the run cannot be made again as it was.', {
    facts: [...differences.slice(0, 5), ...(differences.length > 5 ? [`and ${differences.length - 5} more`] : [])],
    next: [
      `redis-runbook ${stored.rejoins === undefined ? 'recover' : `rejoin ${stored.rejoins}`}   plans anew from what is true now`,
    ],
  });
}

async function madeAgain(before: Judged, stored: Plan): Promise<Plan> {
  const [runbook] = stored.runbook.split(' ');
  if (stored.restore !== undefined) {
    const { restorePlanAgain } = await import('./backup/restore-plan.js');
    return restorePlanAgain(stored.restore, before, choiceOfPlan(stored));
  }
  if (stored.configsOf !== undefined) {
    const { configPlanAgain } = await import('./backup/config-again.js');
    return configPlanAgain(stored.configsOf, stored, before);
  }
  if (stored.rejoins === undefined) return (await planFor(before, choiceOfPlan(stored), stored.path, runbook)).plan;
  const { rejoins: host, setAside, reason } = stored;
  // What was compared key by key then was good enough for a plan; the files are kept by now.
  const compared = new Map(
    doubtsOf(before.survey, before.diagnosis, host).map(({ node }) => [
      node.node,
      { ok: true as const, only: 0n, different: 0n },
    ]),
  );
  const choice = { host, setAside, compared, ...(reason === undefined ? {} : { reason }) };
  return rejoinPlan(before, decideRejoin(before.survey, before.diagnosis, choice));
}

async function answersIn(directory: string): Promise<readonly Answer[]> {
  const { readFile } = await import('node:fs/promises');
  const text = await readFile(join(directory, runFiles.answers), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '[]';
    throw error;
  });
  return fromJson(text) as readonly Answer[];
}

/** What differs between a stored plan and the one that was made again, in words, action by action; empty when nothing does. */
function differencesOf(stored: Plan, made: Plan): readonly string[] {
  const parts = (plan: Plan) => new Map(actionsOf(plan).map((action) => [action.id, toJson(action)]));
  const [was, is] = [parts(stored), parts(made)];
  const gone = [...was.keys()].filter((id) => !is.has(id)).map((id) => `${id} is not in it any more`);
  const more = [...is.keys()].filter((id) => !was.has(id)).map((id) => `${id} was not in it`);
  const other = [...is]
    .filter(([id, text]) => was.has(id) && was.get(id) !== text)
    .map(([id]) => `${id} is another one`);
  if (gone.length + more.length + other.length > 0) return [...gone, ...more, ...other];
  const fields = Object.keys({ ...stored, ...made }) as (keyof Plan)[];
  return fields.filter((field) => toJson(stored[field]) !== toJson(made[field])).map((field) => `its ${field} differs`);
}

/**
 * Whether what is true now still allows the choice that the run was made for: the same master, and nothing given up that
 * was not given up then. Throws RunbookError('changed') when it does not.
 */
export function refuseOtherChoice(plan: Plan, now: Judged): void {
  // What the group holds was given up for a backup: whoever holds it by now.
  if (plan.restore !== undefined) return;
  // Neither data nor a role changes.
  if (plan.configsOf !== undefined) return;
  const problem = problemOf(plan, now);
  if (problem === undefined) return;
  throw new RunbookError('changed', `${plan.master} is no longer what the run was planned for.`, {
    facts: [problem],
    next: ['redis-runbook status --why', 'redis-runbook recover'],
  });
}

function problemOf(plan: Plan, now: Judged): string | undefined {
  try {
    const { missing } = decide(now.diagnosis, choiceOfPlan(plan), plan.path);
    const [first] = missing;
    return first === undefined ? undefined : `${first.node}: ${first.why}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
