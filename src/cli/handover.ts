import { exitStatus, RunbookError } from '../errors.js';
import { agreedCopies, readCopies } from '../execute/brought.js';
import { copyRecord } from '../execute/copies.js';
import { type FleetLock, findLocks, firstFile } from '../execute/fleet-lock.js';
import { giveLocks } from '../execute/hand-over.js';
import { handoverNote } from '../execute/handover-note.js';
import { openJournal, parseJournal } from '../execute/journal.js';
import { isFor } from '../execute/lock-standing.js';
import { lockedBy } from '../execute/lock-words.js';
import { endOf } from '../execute/open-runs.js';
import { listRuns, type RunDirectory, readRun, runsDirectory } from '../execute/run-directory.js';
import { lockOfRun } from '../execute/take-over.js';
import { ChangedUnderneath } from '../hosts/host.js';
import { fromJson, toJson } from '../model/json.js';
import type { Plan } from '../model/plan.js';
import { printableProse } from '../report/escape.js';
import { wrap } from '../report/layout.js';
import { fleetFlag } from '../report/next-lines.js';
import { listed } from '../report/quantities.js';
import { type Fleet, openFleet } from './compose.js';
import type { Context } from './context.js';
import type { HandoverFlags } from './flags.js';
import { endedForHandover } from './handover-living.js';
import { operator } from './operator.js';

const NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}(@[A-Za-z0-9_][A-Za-z0-9._-]{0,30})?$/;
const MOST_NOTE_CHARACTERS = 1000;

/**
 * `handover [RUN] --to NAME`: a run that works ends between two actions, one that is unfinished is given as it is; its locks
 * name who goes on, with a note. Exit 0 when it is given, or when there is nothing to give any more.
 */
export async function handoverCommand(flags: HandoverFlags, context: Context): Promise<number> {
  const to = nameOf(flags.to);
  const says = noteOf(flags.note);
  const fleet = await openFleet(context, flags, 'every group');
  try {
    const found = await lockToGive(fleet, flags.run, context);
    refuseOthers(found, fleet);
    const { run } = found;
    const here = (await listRuns(runsDirectory(process.env))).find((each) => each.run === run);
    const asked = { to, by: operator(), says };
    const lock = found.standing.is === 'living' ? await endedForHandover(found, here, fleet, asked, context) : found;
    if (lock === undefined) return await nothingToGive(run, here, to, context);
    if (lock !== found && isGivenTo(lock, to)) return given(lock, [...lock.on.keys()], [], context);
    return await give(lock, here, fleet, asked, context);
  } finally {
    await fleet.close();
  }
}

function nameOf(to: string | undefined): string {
  if (to !== undefined && NAME.test(to)) return to;
  throw new RunbookError('usage', to === undefined ? 'handover needs --to NAME.' : `${to} is no name of an operator.`, {
    facts: ['expected: a user name, or user@machine, as status shows who works'],
    next: ['redis-runbook handover --to mina'],
  });
}

function noteOf(note: string | undefined): string | undefined {
  if (note === undefined || note.length <= MOST_NOTE_CHARACTERS) return note;
  throw new RunbookError('usage', `The note has ${note.length} characters; at most ${MOST_NOTE_CHARACTERS} are kept.`, {
    next: ['redis-runbook handover --to NAME --note TEXT'],
  });
}

/** The named run's lock, or the only one on the fleet. Throws RunbookError `usage`. */
async function lockToGive(fleet: Fleet, run: string | undefined, context: Context): Promise<FleetLock> {
  const taker = { hosts: fleet.hosts, who: operator(), now: context.now };
  if (run !== undefined) return lockOfRun(taker, run, context.signal);
  const { locks, unseen } = await findLocks(fleet.hosts, context.signal);
  const [only, ...more] = locks;
  if (only !== undefined && more.length === 0) return only;
  const facts = [...unseen].map(([host, why]) => `${host}: ${why}`);
  if (only === undefined)
    throw new RunbookError('usage', 'No run holds this fleet: there is nothing to hand over.', {
      facts,
      next: ['redis-runbook status', 'redis-runbook history list'],
    });
  throw new RunbookError('usage', `${locks.length} runs have locks on this fleet: say which.`, {
    facts,
    next: locks.map((lock) => `redis-runbook handover ${lock.run} --to NAME`),
  });
}

/** Only the holder gives a run away, or the one to whom it was given; and only where its lock is seen on most hosts. */
function refuseOthers(lock: FleetLock, { hosts }: Fleet): void {
  const file = firstFile(lock);
  const me = operator();
  const isMine = isFor(file.who.split('@')[0] ?? '', me) || (file.to !== undefined && isFor(file.to, me));
  if (!isMine) throw lockedBy({ file, standing: lock.standing, hosts: [...lock.on.keys()], asker: me });
  if (lock.on.size * 2 > hosts.length) return;
  throw new RunbookError('too-little-seen', `Run ${lock.run} cannot be handed over from here.`, {
    facts: [`its lock is seen on ${[...lock.on.keys()].join(' ')} only, of ${hosts.length} hosts`],
    next: ['redis-runbook doctor   which hosts are out of reach, and why'],
  });
}

/** Whether the run itself gave every lock, so that nothing is left for this command. */
function isGivenTo({ on }: FleetLock, to: string): boolean {
  return [...on.values()].every(({ file }) => file.to === to && file.pid === 0 && file.note !== undefined);
}

/** The run ended while it was asked, and gave its locks back. */
async function nothingToGive(
  run: string,
  here: RunDirectory | undefined,
  to: string,
  context: Context,
): Promise<number> {
  const lines = here === undefined ? [] : (await readRun(runsDirectory(process.env), run)).journal.lines;
  const isDone = endOf(lines)?.outcome === 'done';
  const says = isDone
    ? `Run ${run} came to its end meanwhile: there is nothing left to hand over.`
    : `Run ${run} gave its locks back: there is nothing to go on with. ${to} begins with: redis-runbook recover${fleetFlag(context.fleetFile)}`;
  if (context.json)
    context.stdout(`${toJson({ schema: 'redis-runbook/handover/1', run, to, given: false, done: isDone }, 2)}\n`);
  else context.stdout(`${wrap(says, context.columns).join('\n')}\n`);
  return exitStatus.done;
}

async function give(
  lock: FleetLock,
  here: RunDirectory | undefined,
  fleet: Fleet,
  { to, by, says }: { readonly to: string; readonly by: string; readonly says: string | undefined },
  context: Context,
): Promise<number> {
  const { run } = lock;
  const hosts = fleet.hosts.filter((host) => lock.on.has(host.entry.name));
  const behind = here === undefined ? [] : await recorded(here, hosts, to, by, context);
  const { plan, lines } = await recordOf(run, here, fleet, context);
  const note = handoverNote(run, plan, lines, says);
  try {
    const on = await giveLocks(lock, hosts, { to, note }, context.signal);
    const now = await lockOfRun({ hosts: fleet.hosts, who: by, now: context.now }, run, context.signal);
    return given(now, on, behind, context);
  } catch (error) {
    if (!(error instanceof ChangedUnderneath)) throw error;
    throw new RunbookError('locked', `A lock of run ${run} changed while it was being handed over.`, {
      facts: [error.message, 'its holder gave a sign of life, or somebody else was faster'],
      next: ['redis-runbook status', `redis-runbook handover ${run} --to ${to}   again`],
    });
  }
}

/** One line in the run's journal here, and its record on the hosts as it is now; why a host does not have it. */
async function recorded(
  here: RunDirectory,
  hosts: Fleet['hosts'],
  to: string,
  by: string,
  context: Context,
): Promise<readonly string[]> {
  const journal = await openJournal(here.path, here.run, context.now);
  try {
    const text = `handed over to ${to} by ${by}`;
    await journal.write({ action: 'run', phase: 'evidence', text, detail: { to } });
  } finally {
    await journal.close();
  }
  return copyRecord(here, hosts, AbortSignal.any([context.signal, AbortSignal.timeout(COPY_LIMIT_MS)]));
}

const COPY_LIMIT_MS = 30_000;

/** Plan and journal of the run: this machine's, or what the hosts have of it. */
async function recordOf(run: string, here: RunDirectory | undefined, fleet: Fleet, context: Context) {
  if (here !== undefined) {
    const { plan, journal } = await readRun(runsDirectory(process.env), run);
    return { plan, lines: journal.lines };
  }
  const agreed = agreedCopies((await readCopies(fleet.hosts, run, context.signal)).copies);
  const text = agreed.ok ? agreed.files.get('plan.json') : undefined;
  if (!agreed.ok || text === undefined) return { plan: undefined, lines: [] };
  return { plan: fromJson(new TextDecoder().decode(text)) as Plan, lines: parseJournal(agreed.journal).lines };
}

function given(lock: FleetLock, on: readonly string[], behind: readonly string[], context: Context): number {
  const { run } = lock;
  const { to = '', note = '' } = firstFile(lock);
  if (context.json) {
    const view = { schema: 'redis-runbook/handover/1', run, to, given: true, on, note, behind };
    context.stdout(`${toJson(view, 2)}\n`);
    return exitStatus.done;
  }
  const rows = [
    `Run ${run} is handed over to ${to}, on ${listed(on)}: anybody else is refused.`,
    ...note.split('\n').map((row) => `  ${row}`),
    ...behind.map((why) => `  an older copy of the record stays on ${why}; what it lacks is looked at`),
  ];
  const lines = rows.flatMap((row) =>
    wrap(
      printableProse(row.trimStart()),
      context.columns,
      row.startsWith('  ') ? '  ' : '',
      row.startsWith('  ') ? '  ' : '',
    ),
  );
  context.stdout(`${lines.join('\n')}\n`);
  return exitStatus.done;
}
