import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RunbookError } from '../errors.js';
import { refuseBad } from '../execute/journal.js';
import { readLeftOut } from '../execute/left-out-file.js';
import { directionOf, endOf, openRuns } from '../execute/open-runs.js';
import { pastOf } from '../execute/past.js';
import type { RunRead } from '../execute/run-directory.js';
import type { LeftOutHost } from '../model/left-out.js';
import { actionsOf, type Plan } from '../model/plan.js';
import { listed } from '../report/quantities.js';
import { proveSalvage, salvagesIn } from '../salvage/read.js';
import type { Fleet } from './compose.js';
import type { Context } from './context.js';
import { RESULT_FILE } from './follow.js';

/** Why the kept files of a run may still be needed, and the command that ends that. */
export interface StillToDo {
  readonly says: string;
  readonly next: string;
}

/** A run whose plan and journal are on this machine. */
export interface PlannedRun extends RunRead {
  readonly plan: Plan;
}

/** What is left to do about a run before its kept files may go; `compared`: nodes whose files the operator compared. */
export async function stillToDo(
  read: PlannedRun,
  compared: readonly string[],
  runs: string,
  fleet: Fleet,
  context: Context,
): Promise<readonly StillToDo[]> {
  const { run, path } = read.directory;
  refuseBad(read.journal, path, run);
  const { lines } = read.journal;
  const open = (await openRuns(runs, read.directory.fleet)).find((each) => each.read.directory.run === run);
  if (open !== undefined)
    return [{ says: `it is unfinished: it stopped ${open.stopped}`, next: `redis-runbook resume ${run}` }];
  const leftOut = (await leftOutBy(run, fleet, context)).map(({ host }) => ({
    says: `${host} was left out of it and is not back`,
    next: `redis-runbook rejoin ${host}`,
  }));
  const isDone = endOf(lines)?.outcome === 'done' && directionOf(lines) !== 'undo';
  return isDone ? [...leftOut, ...(await notCompared(read, compared))] : leftOut;
}

/** What is in kept files alone, or may be, by the word of nobody but the run. */
async function notCompared(read: PlannedRun, compared: readonly string[]): Promise<readonly StillToDo[]> {
  const { run } = read.directory;
  const waiting = (nodes: readonly string[]) => nodes.filter((node) => !compared.includes(node));
  const aside = waiting(await withoutBundle(read));
  const tails = waiting(await tailsOf(read)).filter((node) => !read.plan.setAside.includes(node));
  const word = (nodes: readonly string[]) =>
    `redis-runbook clean ${run} --compared ${nodes.join(',')} --reason "..."   once they were compared, or are given up`;
  const isRestore = read.plan.restore !== undefined;
  return [
    ...(aside.length === 0
      ? []
      : [
          {
            says: `what only ${listed(aside)} held is in its kept files alone`,
            next: isRestore ? word(aside) : `redis-runbook salvage collect ${run}`,
          },
        ]),
    ...(tails.length === 0
      ? []
      : [
          {
            says: `${listed(tails)} may hold a few last writes that the master never got, in kept files that nobody compared`,
            next: word(tails),
          },
        ]),
  ];
}

/** Hosts that the run left out and that are not back, by what any host of the fleet remembers. Throws `too-little-seen`. */
async function leftOutBy(run: string, { hosts }: Fleet, { signal }: Context): Promise<readonly LeftOutHost[]> {
  const reads = await Promise.allSettled(hosts.map((host) => readLeftOut(host, signal)));
  const seen = reads.flatMap((read) => (read.status === 'fulfilled' ? [read.value.hosts] : []));
  if (seen.length * 2 <= hosts.length)
    throw new RunbookError('too-little-seen', 'Whether a host is still left out cannot be seen on most hosts.', {
      facts: reads.flatMap((read) => (read.status === 'rejected' ? [String(read.reason)] : [])),
      next: ['redis-runbook doctor   which hosts are out of reach, and why'],
    });
  const own = seen.flat().filter((one) => one.run === run);
  const open = own.filter(
    (one) => one.doneAt === undefined && !own.some((other) => other.host === one.host && other.doneAt !== undefined),
  );
  return [...new Map(open.map((one) => [one.host, one])).values()];
}

/** Nodes that may hold last writes: as the run's end said, else, where that is not recorded here, all that it kept but the master. */
async function tailsOf({ directory, plan, journal }: PlannedRun): Promise<readonly string[]> {
  if (plan.rejoins !== undefined) return [];
  const result = resultIn(await readFile(join(directory.path, RESULT_FILE), 'utf8').catch(() => ''));
  if (result !== undefined) return result;
  const { stands } = pastOf(journal.lines);
  const kept = actionsOf(plan).filter(
    ({ id, kind, node }) => kind === 'data.keep' && stands.has(id) && node !== plan.master,
  );
  return [...new Set(kept.map(({ node }) => node))];
}

function resultIn(text: string): readonly string[] | undefined {
  try {
    const { leftToDo } = JSON.parse(text) as { leftToDo?: unknown };
    if (!Array.isArray(leftToDo)) return undefined;
    return leftToDo.flatMap((one: { tail?: unknown }) => (typeof one.tail === 'string' ? [one.tail] : []));
  } catch {
    return undefined;
  }
}

/** Nodes that were set aside and of which no whole bundle is on this machine. */
async function withoutBundle({ directory, plan }: PlannedRun): Promise<readonly string[]> {
  if (plan.restore !== undefined) return plan.setAside;
  const bundles = plan.setAside.length === 0 ? [] : await salvagesIn(directory.path);
  for (const bundle of bundles) await proveSalvage(bundle);
  return plan.setAside.filter((node) => !bundles.some(({ manifest }) => manifest.node === node));
}
