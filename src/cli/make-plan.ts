import { failoverOf, pathsFor } from '../diagnosis/diagnose.js';
import { RunbookError } from '../errors.js';
import type { Path, PathChoice } from '../model/diagnosis.js';
import type { Plan } from '../model/plan.js';
import { type Choice, type Decision, decide } from '../plan/choice.js';
import { makePlan } from '../plan/make-plan.js';
import type { Rejoin } from '../plan/rejoin.js';
import { listed } from '../report/quantities.js';
import type { Judged } from './compose.js';
import type { RecoverFlags } from './flags.js';
import { isLeftOut, leftoversOf } from './leftovers.js';
import { readRunbook } from './runbooks.js';

type Chosen = Omit<RecoverFlags, 'hosts' | 'conf'>;

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

/** The built-in runbook of each path. */
const runbookOf: Readonly<Record<Exclude<Path, 'nothing'>, string>> = {
  failover: 'recover-failover',
  'sentinels-only': 'recover-sentinels-only',
  live: 'recover-live',
  cold: 'recover-cold',
};

/**
 * The path to take: the recommended one, or the one that the operator asked for. A harder one than recommended may be
 * taken where it is possible; a gentler one than is safe is refused with the reason. Throws RunbookError `unsafe-path`,
 * and `blocked` where an earlier run left something out that comes first.
 */
export function pathToTake(judged: Judged, choice: Choice): Path {
  const wanted = choice.path ?? choiceOfPath(judged, choice).recommended;
  if (choice.path !== undefined) refuseUnsafe(judged, choice, choice.path);
  const left = leftoversOf(judged);
  if (choice.path === undefined && left !== undefined && isLeftOut(judged, left))
    throw new RunbookError('blocked', `Run ${left.run} left ${listed(left.held)} out and holds it.`, {
      facts: ['its report says what comes before it may start'],
      next: [
        ...judged.diagnosis.leftOut.map(({ host }) => `redis-runbook rejoin ${host}`),
        `redis-runbook report ${left.run}`,
        'redis-runbook status --why',
      ],
    });
  return wanted;
}

/** The paths as the diagnosis sees them, or as they are with the node and the hosts that the operator names. */
function choiceOfPath({ survey, diagnosis, answers = [] }: Judged, { promote, hostIsOff }: Choice): PathChoice {
  const named = promote !== undefined && promote !== diagnosis.winner;
  return named || hostIsOff.length > 0
    ? pathsFor(survey, diagnosis.group, answers, { promote, off: new Set(hostIsOff) })
    : diagnosis.path;
}

function refuseUnsafe(judged: Judged, choice: Choice, path: Path): void {
  const { recommended, why, ruledOut, impossible = [] } = choiceOfPath(judged, choice);
  const found = [...ruledOut, ...impossible].find((each) => each.path === path);
  if (found === undefined) return;
  throw new RunbookError('unsafe-path', `The path ${path} is not safe here: ${found.why}.`, {
    facts: [`the gentlest safe path is ${recommended}: ${why}`],
    next: ['redis-runbook status --why', 'redis-runbook recover'],
  });
}

/** The decision and the plan that follows from it, with the runbook of its path, or the one that is named. */
export async function planFor(
  judged: Judged,
  choice: Choice,
  path: Path,
  runbook: string = path === 'nothing' ? 'recover-cold' : runbookOf[path],
): Promise<{ decision: Decision; plan: Plan }> {
  const read = await readRunbook(runbook);
  const decision = decide(judged.diagnosis, choice, read.path);
  const { inventory, survey, diagnosis, answers = [] } = judged;
  const forced =
    read.path === 'failover' ? failoverOf(survey, diagnosis.group, answers, new Set(choice.hostIsOff)) : undefined;
  const plan = makePlan({ runbook: read, inventory, survey, diagnosis, decision, ...(forced ? { forced } : {}) });
  return { decision, plan };
}

/** The plan of the runbook `rejoin` for a host. */
export async function rejoinPlan({ inventory, survey, diagnosis }: Judged, rejoin: Rejoin): Promise<Plan> {
  const runbook = await readRunbook('rejoin');
  const { master, setAside, reason } = rejoin;
  const decision = { master, setAside, missing: [], ...(reason === undefined ? {} : { reason }) };
  return makePlan({ runbook, inventory, survey, diagnosis, decision, rejoin });
}
