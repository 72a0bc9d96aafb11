import { exitStatus, worstOf } from '../errors.js';
import { runFleetName, runsDirectory } from '../execute/run-directory.js';
import type { Diagnosis, Finding } from '../model/diagnosis.js';
import type { Survey } from '../model/survey.js';
import { foundJson } from '../report/found-text.js';
import { headlineLines, renderStatus, renderStatusJson } from '../report/status-text.js';
import { saveSurvey } from '../survey/saved.js';
import { type Judged, withJudged } from './compose.js';
import type { Context } from './context.js';
import type { StatusFlags } from './flags.js';
import type { FoundFleet } from './found.js';
import { refuseSurvey } from './found-file.js';
import { openRunLines } from './open-run-lines.js';

const WATCH_EVERY_MS = 2000;

/** `status`: what is true, on one screen. Exit 0 healthy, 1 not healthy, 4 when it could not be judged, 10 while a host is left out. */
export async function statusCommand(flags: StatusFlags, context: Context): Promise<number> {
  if (flags.hosts.length > 0) {
    refuseSurvey(flags, 'status');
    return statusOfFound(flags, context);
  }
  return statusIn(flags, context);
}

/** Without a fleet file: what was found first, then the same status. */
async function statusOfFound(flags: StatusFlags, context: Context): Promise<number> {
  const { findFleet, onFound, showFound } = await import('./found.js');
  const fleet = await findFleet(flags, 'status', context);
  showFound(fleet, flags, context);
  return onFound(fleet, (own) => statusIn(flags, own, fleet));
}

async function statusIn(flags: StatusFlags, context: Context, found?: FoundFleet): Promise<number> {
  if (flags.watch && flags.survey === undefined) return watch(flags, context);
  return withJudged(context, flags, async (judged) => {
    if (flags.save !== undefined) await saveSurvey(flags.save, judged.raw, judged.inventory);
    context.stdout(shown(judged, flags, context, found));
    if (!context.json && flags.survey === undefined) await tellOpenRuns(judged, context);
    if (flags.save !== undefined) context.stderr(`Saved without secrets in ${flags.save}\n`);
    return statusOf(judged.survey, judged.diagnosis);
  });
}

/** A run of this machine that is half way comes before everything else that one may do about the fleet. */
async function tellOpenRuns(judged: Judged, context: Context): Promise<void> {
  const runs = runsDirectory(process.env);
  const lines = await openRunLines(runs, context.fleetFile, runFleetName(judged.inventory.fleet));
  if (lines.length > 0) context.stdout(`\n${lines.join('\n')}\n`);
}

function shown(judged: Judged, flags: StatusFlags, context: Context, found?: FoundFleet): string {
  if (context.json)
    return renderStatusJson(judged.survey, judged.diagnosis, found && foundJson(found.found, context.fleetFile ?? ''));
  const look = { width: context.columns, colour: context.colour };
  if (context.quiet) return `${headlineLines(judged.diagnosis, look).join('\n')}\n`;
  return renderStatus(judged.survey, judged.diagnosis, {
    ...look,
    why: flags.why,
    verbose: context.verbose > 0,
    utcOffsetMinutes: -context.now().getTimezoneOffset(),
    ...(context.fleetFile === undefined ? {} : { fleetFile: context.fleetFile }),
    ...(context.foundFrom === undefined ? {} : { foundFrom: context.foundFrom }),
  });
}

/**
 * 1 when it could be judged and is not healthy, 4 when a redis host or the whole state could not be seen; 10 when it serves
 * and a host that a run left out was not rejoined yet (that such a host is out of reach is known, and no news).
 */
export function statusOf(survey: Survey, diagnosis: Diagnosis): number {
  const leftOut = diagnosis.leftOut.map(({ host }) => host);
  const isDark = ({ id, nodes }: Finding) =>
    id === 'files-not-readable' || (id === 'redis-host-unreachable' && !nodes.every((host) => leftOut.includes(host)));
  const dark = diagnosis.findings.some(isDark);
  const serves = diagnosis.state === 'healthy' || diagnosis.state === 'degraded';
  const unanswered = survey.groups[diagnosis.group]?.redis.some(
    (node) => node.process.ok && node.process.value !== null && !node.running.ok,
  );
  return worstOf([
    dark || unanswered === true || diagnosis.state === 'unknown' ? exitStatus.unseen : exitStatus.done,
    diagnosis.state === 'healthy' ? exitStatus.done : exitStatus.unhealthy,
    leftOut.length > 0 && serves ? exitStatus.leftToDo : exitStatus.done,
  ]);
}

/** Redraws on a terminal; elsewhere a block is printed when something changed. Ends with the status of the last look. */
async function watch(flags: StatusFlags, context: Context): Promise<number> {
  let last = '';
  let status: number = exitStatus.unseen;
  while (!context.signal.aborted) {
    const look = await withJudged(context, flags, async (judged) => judged).catch((error: unknown) => {
      if (context.signal.aborted) return undefined;
      throw error;
    });
    if (!look) break;
    status = statusOf(look.survey, look.diagnosis);
    const key = look.diagnosis.headline.join(' ');
    if (!context.plain) context.stdout(`\u001b[2J\u001b[H${shown(look, flags, context)}`);
    else if (key !== last) context.stdout(shown(look, flags, context));
    last = key;
    await pause(WATCH_EVERY_MS, context.signal);
  }
  return status;
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener('abort', done, { once: true });
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}
