import { exitStatus, RunbookError } from '../errors.js';
import { cleanHost, type KeptOnHost, keptOnHost } from '../execute/clean-host.js';
import { openJournal } from '../execute/journal.js';
import { namesOnHost, type OwnNames } from '../execute/kept-by-run.js';
import { listRuns, readRun, runFleetName, runsDirectory } from '../execute/run-directory.js';
import type { Reach } from '../execute/tools.js';
import { actionsOf } from '../model/plan.js';
import { type CleanHostView, type CleanRunView, type CleanView, cleanJson, cleanText } from '../report/clean-text.js';
import { fleetFlag } from '../report/next-lines.js';
import { count, listed, size } from '../report/quantities.js';
import { reachOf } from './branch-compare.js';
import { cleanHere, keptHere } from './clean-here.js';
import { type PlannedRun, type StillToDo, stillToDo } from './clean-refusals.js';
import { type Fleet, openFleet } from './compose.js';
import type { Context } from './context.js';
import type { CleanFlags } from './flags.js';
import { operator } from './operator.js';
import { lockBriefly } from './short-lock.js';

/** One run, what of it is where, and what comes first. */
interface Looked {
  readonly read: PlannedRun;
  readonly todo: readonly StillToDo[];
  readonly names: ReadonlyMap<string, OwnNames>;
  readonly kept: readonly KeptOnHost[];
  readonly here: KeptOnHost;
}

/**
 * `clean [RUN]`: what ended runs kept on the hosts and here; only shown, or removed with --apply. Refused while something is
 * left to do. Exit 0, 3 when it is refused for a run, 4 where something could not be seen, 8 where something is still there.
 */
export async function cleanCommand(flags: CleanFlags, context: Context): Promise<number> {
  if (flags.compared.length > 0 && flags.reason === undefined)
    throw new RunbookError('usage', '--compared needs --reason: what was found, or why it is given up.', {
      next: [`redis-runbook clean ${flags.run ?? 'RUN'} --compared ${flags.compared.join(',')} --reason "..."`],
    });
  const runs = runsDirectory(process.env);
  const fleet = await openFleet(context, flags, 'every group');
  try {
    const reads = flags.run === undefined ? await endedRuns(runs, fleet) : [await namedRun(runs, flags.run, fleet)];
    const looked: Looked[] = [];
    for (const read of reads) looked.push(await look(read, flags, runs, fleet, context));
    if (flags.run !== undefined) refuse(looked);
    const shown: CleanRunView[] = [];
    for (const each of looked)
      shown.push(flags.apply && each.todo.length === 0 ? await clean(each, flags, fleet, context) : viewOf(each));
    const view = { applied: flags.apply, named: flags.run !== undefined, runs: shown };
    const looks = { width: context.columns, colour: context.colour, fleetFlag: fleetFlag(context.fleetFile) };
    context.stdout(context.json ? cleanJson(view) : cleanText(view, looks));
    return statusOf(view);
  } finally {
    await fleet.close();
  }
}

async function namedRun(runs: string, run: string, fleet: Fleet): Promise<PlannedRun> {
  const read = await readRun(runs, run);
  const { directory, plan } = read;
  if (directory.fleet !== runFleetName(fleet.inventory.fleet))
    throw new RunbookError('usage', `Run ${directory.run} is of the fleet ${directory.fleet}, not of this one.`, {
      next: [`redis-runbook clean ${directory.run} --fleet FILE`],
    });
  if (plan === undefined)
    throw new RunbookError('usage', `Run ${directory.run} has no plan: it kept nothing.`, {
      next: ['redis-runbook history list'],
    });
  return { ...read, plan };
}

/** The runs of this fleet that were not cleaned to the end. */
async function endedRuns(runs: string, fleet: Fleet): Promise<readonly PlannedRun[]> {
  const own = (await listRuns(runs)).filter((each) => each.fleet === runFleetName(fleet.inventory.fleet));
  const reads = await Promise.all(own.map((each) => readRun(runs, each.run)));
  return reads.flatMap((read) => {
    const { plan, journal } = read;
    const isClean = journal.lines.findLast(({ action }) => action === 'clean')?.outcome === 'done';
    return plan === undefined || isClean ? [] : [{ ...read, plan }];
  });
}

async function look(
  read: PlannedRun,
  flags: CleanFlags,
  runs: string,
  fleet: Fleet,
  context: Context,
): Promise<Looked> {
  const { plan, journal, directory } = read;
  const todo = await stillToDo(read, flags.compared, runs, fleet, context);
  const reach = reachOf(fleet, context);
  const hosts = [...new Set(actionsOf(plan).map(({ host }) => host))].sort();
  const names = new Map<string, OwnNames>();
  const kept = await Promise.all(
    hosts.map(async (host): Promise<KeptOnHost> => {
      const nothing = { host, files: [], directories: [], others: [] };
      if (!reach.tools.hosts.has(host)) return { ...nothing, unseen: [`${host} is no host of fleet.yaml any more`] };
      try {
        const own = await namesOnHost(host, directory.run, plan, journal.lines, reach);
        names.set(host, own);
        return await keptOnHost(host, own, reach);
      } catch (error) {
        context.signal.throwIfAborted();
        return { ...nothing, unseen: [error instanceof Error ? error.message : String(error)] };
      }
    }),
  );
  return { read, todo, names, kept, here: await keptHere(directory.path, journal.lines) };
}

function refuse([only]: readonly Looked[]): void {
  if (only === undefined || only.todo.length === 0) return;
  const { run } = only.read.directory;
  throw new RunbookError('clean-refused', `Run ${run} still needs what it kept: nothing was removed.`, {
    facts: only.todo.map(({ says }) => says),
    next: only.todo.map(({ next }) => next),
  });
}

/** Removes what one run kept, under the fleet's lock; journalled before and after, host by host. */
async function clean(looked: Looked, flags: CleanFlags, fleet: Fleet, context: Context): Promise<CleanRunView> {
  const { read, kept, here } = looked;
  const { directory, plan } = read;
  if ([...kept, here].every(isNothing)) return viewOf(looked);
  const { run } = directory;
  const doing = `removing what run ${run} kept`;
  const lock = await lockBriefly(fleet, { run, group: plan.group, doing }, context);
  const journal = await openJournal(directory.path, directory.run, context.now);
  try {
    const { compared, reason } = flags;
    const detail = { who: operator(), ...(compared.length === 0 ? {} : { compared, reason }) };
    const why = compared.length === 0 ? '' : `; ${listed(compared)} compared: ${reason}`;
    await journal.write({ action: 'clean', phase: 'intent', text: `what the run kept is removed${why}`, detail });
    const reach = reachOf(fleet, context);
    const claimed: Reach = { ...reach, memory: { ...reach.memory, claimed: new Map(lock.claimed) } };
    const ends: CleanHostView[] = [];
    const ended = async (after: KeptOnHost, before: KeptOnHost) => {
      const view = hostView(after, before);
      ends.push(view);
      if (view.removed === undefined || view.removed.files === 0) return;
      const text = `${view.host}: ${count(view.removed.files, 'file')}, ${size(view.removed.sizeBytes)} removed`;
      await journal.write({ action: 'clean', phase: 'evidence', text });
    };
    for (const before of kept) {
      const names = looked.names.get(before.host);
      const isHeld = names !== undefined && lock.claimed.has(before.host) && !context.signal.aborted;
      await ended(isHeld ? await cleanHost(before, names, claimed) : notHeld(before, lock.unseen), before);
    }
    await ended(context.signal.aborted ? here : await cleanHere(here, directory.path, read.journal.lines), here);
    const isDone = ends.every(({ files, unseen }) => files.length + unseen.length === 0);
    const text = isDone ? 'nothing of its record is left' : 'something is still there, or could not be seen';
    await journal.write({ action: 'clean', phase: 'result', outcome: isDone ? 'done' : 'failed', text });
    return { ...headOf(looked), hosts: ends };
  } finally {
    await journal.close();
    await lock.release();
  }
}

function isNothing({ files, directories, unseen }: KeptOnHost): boolean {
  return files.length + directories.length + unseen.length === 0;
}

function notHeld(before: KeptOnHost, unseen: ReadonlyMap<string, string>): KeptOnHost {
  const why = unseen.get(before.host);
  return why === undefined ? before : { ...before, unseen: [...before.unseen, why] };
}

function headOf({ read: { directory, plan }, todo }: Looked): Omit<CleanRunView, 'hosts'> {
  return { run: directory.run, group: plan.group, runbook: plan.runbook, begun: directory.begun, todo };
}

function viewOf(looked: Looked): CleanRunView {
  return { ...headOf(looked), hosts: [...looked.kept, looked.here].map((each) => hostView(each)) };
}

/** `before`: what was there when its removal began. */
function hostView({ host, files, others, unseen }: KeptOnHost, before?: KeptOnHost): CleanHostView {
  const view = { host, files: files.map(({ path, sizeBytes }) => ({ path, sizeBytes })), others, unseen };
  if (before === undefined) return view;
  const gone = before.files.filter(({ path }) => !files.some((file) => file.path === path));
  const removed = { files: gone.length, sizeBytes: gone.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0n) };
  return { ...view, removed };
}

function statusOf({ applied, runs }: CleanView): number {
  if (runs.some(({ todo }) => todo.length > 0)) return exitStatus.refused;
  const hosts = runs.flatMap((run) => run.hosts);
  if (applied && hosts.some(({ files, unseen }) => files.length + unseen.length > 0)) return exitStatus.incomplete;
  return hosts.some(({ unseen }) => unseen.length > 0) ? exitStatus.unseen : exitStatus.done;
}
