import { RunbookError } from '../errors.js';
import type { Path } from '../model/diagnosis.js';
import type { Plan } from '../model/plan.js';
import { type Choice, type Decision, decide } from '../plan/choice.js';
import { makePlan } from '../plan/make-plan.js';
import type { Rejoin } from '../plan/rejoin.js';
import { listed } from '../report/quantities.js';
import type { Judged } from './compose.js';
import type { RecoverFlags } from './flags.js';
import { isLeftOut, leftoversOf } from './leftovers.js';
import { readRunbook } from './runbooks.js';

type Chosen = Omit<RecoverFlags, 'host'>;

const paths: readonly Path[] = ['nothing', 'failover', 'sentinels-only', 'live', 'cold'];

/** The operator's words on the command line as a choice. */
export function choiceOf(flags: Chosen): Choice {
  const path = paths.find((item) => item === flags.path);
  return {
    setAside: flags.setAside,
    without: flags.without,
    hostIsOff: flags.hostIsOff,
    ...(path === undefined ? {} : { path }),
    ...(flags.promote === undefined ? {} : { promote: flags.promote }),
    ...(flags.acceptLoss === undefined ? {} : { acceptLoss: flags.acceptLoss }),
    ...(flags.reason === undefined ? {} : { reason: flags.reason }),
  };
}

/**
 * The path to take: the recommended one, or the one that the operator asked for. This version carries out `cold`;
 * where a gentler one is right it says which, and what cold costs, and goes on only with `--path cold`, or when a run
 * of it was cut off and its locks or holds are still there.
 */
export function pathToTake(judged: Judged, choice: Choice): Path {
  const { recommended, why } = judged.diagnosis.path;
  const wanted = choice.path ?? recommended;
  if (wanted === 'nothing' || wanted === 'cold') return wanted;
  // A cold recovery that was cut off is gone on with: half of its nodes are held, or not proved.
  const left = leftoversOf(judged);
  const leftOut = left !== undefined && isLeftOut(judged, left) ? left : undefined;
  if (choice.path === undefined && left !== undefined && leftOut === undefined) return 'cold';
  throw new RunbookError(
    'gentler-path',
    choice.path === undefined
      ? `The gentlest safe path here is ${recommended}: ${why}. This version cannot carry it out.`
      : `This version cannot carry out the path ${wanted}.`,
    {
      facts: [
        ...(leftOut === undefined
          ? []
          : [`run ${leftOut.run} left ${listed(leftOut.held)} out and holds it: its report says what comes first`]),
        `cold would work: it stops every Redis of ${judged.diagnosis.group} and starts them again in order`,
        'cold costs one save and one load of downtime, and each replica a copy of the data',
      ],
      next: [
        ...judged.diagnosis.leftOut.map(({ host }) => `redis-runbook rejoin ${host}`),
        ...(leftOut === undefined ? [] : [`redis-runbook report ${leftOut.run}`]),
        'redis-runbook status --why',
        'redis-runbook recover --path cold',
      ],
    },
  );
}

/** The decision and the plan that follows from it, with the runbook of its path. */
export async function planFor(
  judged: Judged,
  choice: Choice,
  runbook = 'recover-cold',
): Promise<{ decision: Decision; plan: Plan }> {
  const decision = decide(judged.diagnosis, choice);
  const read = await readRunbook(runbook);
  const { inventory, survey, diagnosis } = judged;
  return { decision, plan: makePlan({ runbook: read, inventory, survey, diagnosis, decision }) };
}

/** The plan of the runbook `rejoin` for a host. */
export async function rejoinPlan({ inventory, survey, diagnosis }: Judged, rejoin: Rejoin): Promise<Plan> {
  const runbook = await readRunbook('rejoin');
  const { master, setAside, reason } = rejoin;
  const decision = { master, setAside, missing: [], ...(reason === undefined ? {} : { reason }) };
  return makePlan({ runbook, inventory, survey, diagnosis, decision, rejoin });
}
