import { RunbookError } from '../errors.js';
import { directionOf, endOf, type OpenRun, openRuns, stoppedIn } from '../execute/open-runs.js';
import { listRuns, readRun } from '../execute/run-directory.js';
import { fleetFlag } from '../report/next-lines.js';
import type { Context } from './context.js';

/**
 * The run of this machine that `resume` and `undo` are about: the named one, or the one that did not come to its end;
 * undefined when this machine has none. Throws RunbookError `usage` for several when none is named.
 */
export async function findRun(
  runs: string,
  run: string | undefined,
  command: 'resume' | 'undo',
  context: Context,
): Promise<OpenRun | undefined> {
  if (run !== undefined) {
    const isHere = (await listRuns(runs)).some((each) => each.run === run.toUpperCase());
    return isHere ? namedRun(runs, run) : undefined;
  }
  const open = await openRuns(runs);
  const [first, ...more] = open;
  if (more.length === 0) return first;
  throw new RunbookError('usage', `${open.length} runs are unfinished: say which.`, {
    facts: open.map(openRunText),
    next: open.map(({ read }) => `redis-runbook ${command} ${read.directory.run}${fleetFlag(context.fleetFile)}`),
  });
}

/** The run of this id on this machine. Throws RunbookError `usage` when there is none, or it never got a plan. */
export async function namedRun(runs: string, run: string): Promise<OpenRun> {
  const read = await readRun(runs, run);
  const { plan, journal, directory } = read;
  if (plan === undefined)
    throw new RunbookError('usage', `Run ${directory.run} has no plan: it ended before it began.`, {
      next: [`redis-runbook history show ${directory.run}`, 'redis-runbook recover'],
    });
  return { read, plan, direction: directionOf(journal.lines), stopped: stoppedIn(plan, journal.lines) };
}

/** Whether the last part of a run came to its end. */
export function isOver({ read }: OpenRun): boolean {
  return endOf(read.journal.lines)?.outcome === 'done';
}

/** A run that is unfinished, in one line. */
export function openRunText({ read, plan, direction, stopped }: OpenRun): string {
  const what = direction === 'undo' ? 'was being undone and stopped' : 'stopped';
  return `Run ${read.directory.run} of ${plan.group} (${plan.runbook}, begun ${read.directory.begun}) ${what} ${stopped}`;
}
