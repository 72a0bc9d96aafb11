import { readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { RunbookError } from '../errors.js';
import { agreedCopies, type HostCopy, readCopies } from '../execute/brought.js';
import { type CopiedFile, copiedFiles } from '../execute/copied-file.js';
import { journalPath, openJournal, parseJournal } from '../execute/journal.js';
import { readLock } from '../execute/lock.js';
import type { OpenRun } from '../execute/open-runs.js';
import { makeBroughtDirectory, saveInRun } from '../execute/run-directory.js';
import { listed } from '../report/quantities.js';
import type { Fleet } from './compose.js';
import type { Context } from './context.js';
import { namedRun } from './find-run.js';

const HERE = 'this machine';

/**
 * A run that another machine began, brought here from the copies on the fleet's hosts: the named one, or the one whose
 * lock is on them. Throws RunbookError `usage` when there is none, `bad-journal` when the copies do not agree.
 */
export async function bringRun(
  fleet: Fleet,
  runs: string,
  run: string | undefined,
  context: Context,
): Promise<OpenRun> {
  const id = run?.toUpperCase() ?? (await lockedRun(fleet, context));
  const { copies, unread } = await readCopies(fleet.hosts, id, context.signal);
  if (copies.length === 0)
    throw new RunbookError(
      'usage',
      `There is no run ${id} on this machine, and no host of the fleet has a copy of it.`,
      {
        facts: unread,
        next: ['redis-runbook history list', 'redis-runbook status'],
      },
    );
  const agreed = agreedCopies(copies);
  if (!agreed.ok) throw disagree(id, agreed.problems);
  const begun = parseJournal(agreed.journal).lines[0]?.at ?? context.now().toISOString();
  const directory = await makeBroughtDirectory(runs, fleet.inventory.fleet, id, new Date(begun));
  for (const [file, bytes] of agreed.files)
    await saveInRun(directory.path, file, file === 'journal.jsonl' ? agreed.journal : new TextDecoder().decode(bytes));
  await noteBrought(directory.path, id, copies, context);
  return namedRun(runs, id);
}

/** The run whose lock is on the hosts. */
async function lockedRun(fleet: Fleet, context: Context): Promise<string> {
  const found = await Promise.all(
    fleet.hosts.map((host) =>
      readLock(host, context.signal).then(
        (lock) => lock?.file.run,
        () => undefined,
      ),
    ),
  );
  const ids = [...new Set(found.filter((id) => id !== undefined))];
  const [first, ...more] = ids;
  if (first !== undefined && more.length === 0) return first;
  if (first === undefined)
    throw new RunbookError('usage', 'No run is unfinished, neither on this machine nor by a lock on the fleet.', {
      next: ['redis-runbook status', 'redis-runbook history list'],
    });
  throw new RunbookError('usage', `The hosts are locked by ${ids.length} runs: say which.`, {
    next: ids.map((id) => `redis-runbook resume ${id}`),
  });
}

/**
 * The run as this machine has it, compared with the copies on the hosts. One that another machine went on with is brought
 * up to date. Throws RunbookError `bad-journal` with host and line where a copy is not what the others are.
 */
export async function compared(
  open: OpenRun,
  fleet: Fleet,
  runs: string,
  context: Context,
): Promise<{ readonly open: OpenRun; readonly on: readonly string[] }> {
  const { run, path } = open.read.directory;
  const { copies } = await readCopies(fleet.hosts, run, context.signal);
  const on = copies.map(({ host }) => host);
  const own = await ownCopy(path);
  const there = agreedCopies(copies);
  const goesOn = there.ok && wentOn(new TextDecoder().decode(own.files.get('journal.jsonl')), there.journal);
  const agreed = agreedCopies([goesOn && there.ok ? withJournal(own, there.journal) : own, ...copies]);
  if (!agreed.ok) throw disagree(run, agreed.problems);
  if (!goesOn || !there.ok) return { open, on };
  await rename(journalPath(path), join(path, `journal-until-${context.now().toISOString().replaceAll(':', '')}.jsonl`));
  await saveInRun(path, 'journal.jsonl', there.journal);
  await noteBrought(path, run, copies, context);
  return { open: await namedRun(runs, run), on };
}

/**
 * Whether the journal that the hosts agree on is that of another machine that went on with the run: it is longer than this
 * machine's, or leaves it at the line with which a run that was brought goes on.
 */
function wentOn(here: string, there: string): boolean {
  const [mine, theirs] = [here.split('\n').slice(0, -1), there.split('\n').slice(0, -1)];
  const at = theirs.findIndex((line, index) => mine[index] !== line);
  if (at === -1) return false;
  return at === mine.length || parseJournal(there).lines[at]?.detail?.brought === true;
}

function withJournal(copy: HostCopy, journal: string): HostCopy {
  return { ...copy, files: new Map([...copy.files, ['journal.jsonl', new TextEncoder().encode(journal)] as const]) };
}

async function ownCopy(path: string): Promise<HostCopy> {
  const files = new Map<CopiedFile, Uint8Array>();
  for (const file of copiedFiles) {
    const bytes = await readFile(join(path, file)).catch(() => undefined);
    if (bytes !== undefined) files.set(file, bytes);
  }
  return { host: HERE, files };
}

async function noteBrought(path: string, run: string, copies: readonly HostCopy[], context: Context): Promise<void> {
  const journal = await openJournal(path, run, context.now);
  const text = `brought to this machine from the copies on ${listed(copies.map(({ host }) => host))}`;
  await journal.write({ action: 'run', phase: 'evidence', text, detail: { brought: true } });
  await journal.close();
}

function disagree(run: string, problems: readonly string[]): RunbookError {
  return new RunbookError('bad-journal', `The copies of run ${run} are not all what the run wrote.`, {
    facts: problems,
    next: [`redis-runbook history show ${run}`, 'redis-runbook status', 'redis-runbook recover   plans anew'],
  });
}
