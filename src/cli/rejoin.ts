import { exitStatus, worstOf } from '../errors.js';
import { toJson } from '../model/json.js';
import { decideRejoin, type Rejoin, type RejoinChoice } from '../plan/rejoin.js';
import { printable } from '../report/escape.js';
import { wrap } from '../report/layout.js';
import { carryOut } from './carry-out.js';
import { type Judged, withJudged } from './compose.js';
import type { Context } from './context.js';
import type { RejoinFlags } from './flags.js';
import { rejoinPlan } from './make-plan.js';
import { shownPlan } from './plan.js';
import { dryRun, preflight, refuseWithoutAnswers } from './preflight.js';
import { compareData } from './rejoin-compare.js';
import { statusOf } from './status.js';

/** `rejoin HOST`: brings a host that was left out back behind the master that serves. Exit statuses: the table in errors.ts. */
export async function rejoinCommand(flags: RejoinFlags, context: Context): Promise<number> {
  return withJudged(context, flags, async (judged, fleet) => {
    const data = fleet && (await compareData(judged, fleet, flags.host, context));
    const diagnosis = data?.diagnosis ?? judged.diagnosis;
    const rejoin = decideRejoin(judged.survey, diagnosis, {
      ...choiceOf(flags),
      ...(data ? { compared: data.keys } : {}),
    });
    if (rejoin.works.length === 0 && rejoin.notes.length === 0) return nothingToDo(judged, rejoin, context);
    const plan = await rejoinPlan(judged, rejoin);
    if (!context.json && !context.quiet) {
      context.stdout(`${wrap(headline(rejoin), context.columns).join('\n')}\n\n`);
      context.stdout(shownPlan(plan, false, context));
    }
    if (flags.dryRun || fleet === undefined) return dryRun(plan, judged, fleet, context);
    refuseWithoutAnswers(flags, context, `rejoin ${rejoin.host}`);
    await preflight(plan, judged, fleet, context);
    const answers = data?.answers ?? [];
    return carryOut(plan, { ...judged, diagnosis, answers }, fleet, flags, context);
  });
}

function choiceOf({ host, setAside, reason }: RejoinFlags): RejoinChoice {
  return { host, setAside, ...(reason === undefined ? {} : { reason }) };
}

function headline({ host, master, works, setAside }: Rejoin): string {
  if (works.length === 0)
    return `${host} is as it should be: everything on it follows ${master}. Only the note that it was left out is open.`;
  const data =
    setAside.length > 0
      ? `What only ${setAside.map(printable).join(', ')} holds is set aside: kept there and here, and not served.`
      : `${master} has everything that ${host} holds.`;
  return `${host} comes back behind ${master}, which serves. ${data}`;
}

function nothingToDo({ survey, diagnosis }: Judged, { host, master }: Rejoin, context: Context): number {
  const status = worstOf([statusOf(survey, diagnosis)]);
  const says = `${host} takes part: everything on it follows ${master}. There is nothing to do.`;
  if (context.json) {
    const result = { schema: 'redis-runbook/run/1', type: 'result', group: diagnosis.group, outcome: 'nothing-to-do' };
    context.stdout(`${toJson({ ...result, headline: [says], exit: exitStatus.done })}\n`);
    return exitStatus.done;
  }
  const rest = status === exitStatus.done ? [] : diagnosis.headline.map(printable);
  context.stdout(`${wrap([says, ...rest].join(' '), context.columns).join('\n')}\n`);
  return exitStatus.done;
}
