import { exitOf } from '../diagnosis/readiness/judge.js';
import { RunbookError } from '../errors.js';
import { refuseFailed, type Tried, tryHost } from '../execute/preflight.js';
import { toJson } from '../model/json.js';
import type { Plan } from '../model/plan.js';
import { linesOf } from '../report/doctor-text.js';
import { fleetFlag } from '../report/next-lines.js';
import type { Fleet, Judged } from './compose.js';
import type { Context } from './context.js';
import type { RecoverFlags } from './flags.js';
import { showTroubles } from './plan.js';
import { probePlan, troubles, withPlaces } from './probe.js';

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

/** `--dry-run`: every probe that changes nothing, after the plan. Exit status of what was tried. */
export async function dryRun(plan: Plan, judged: Judged, fleet: Fleet | undefined, context: Context): Promise<number> {
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

/** A run without a terminal and without `--yes` is refused before anything is touched; `command` is what was typed. */
export function refuseWithoutAnswers(flags: Pick<RecoverFlags, 'yes'>, context: Context, command: string): void {
  if (flags.yes || (context.isTerminal && !context.noInput)) return;
  throw new RunbookError('no-terminal', 'A run asks before it changes anything, and nobody can be asked here.', {
    facts: ['stdin and stderr are not both a terminal, or --no-input was given'],
    next: [
      `redis-runbook ${command}         in a terminal, or`,
      `redis-runbook ${command} --yes   without questions; never accepts a loss`,
    ],
  });
}
