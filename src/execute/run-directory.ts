import { randomBytes } from 'node:crypto';
import { chmod, mkdir, open, readdir, readFile, rename } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { RunbookError } from '../errors.js';
import { fromJson, toJson } from '../model/json.js';
import type { Plan } from '../model/plan.js';
import { type JournalRead, readJournal } from './journal.js';

/** A run's directory on the operator's machine. */
export interface RunDirectory {
  /** Four letters, sayable on the phone: `7K3Q`. */
  readonly run: string;
  readonly fleet: string;
  /** ISO 8601 UTC, when the run was begun. */
  readonly begun: string;
  readonly path: string;
}

/** Crockford's base32: no I, L, O, U, so that nothing is misheard or misread. */
const LETTERS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const NAME = /^(\d{8}T\d{6}Z)-(.+)-([0-9A-HJKMNP-TV-Z]{4})$/;

/** Where runs are kept: `$XDG_STATE_HOME/redis-runbook/runs`, `~/.local/state/…` when it is unset or not absolute (XDG base directory specification). */
export function runsDirectory(env: NodeJS.ProcessEnv): string {
  const state = env.XDG_STATE_HOME;
  const base = state !== undefined && isAbsolute(state) ? state : join(homedir(), '.local', 'state');
  return join(base, 'redis-runbook', 'runs');
}

/**
 * Makes a new run directory (0700) under `runs`, with an id that no other directory there has. `fleet` is the fleet's
 * name; letters that do not belong into a file name become `_`. Throws the system's error.
 */
export async function makeRunDirectory(runs: string, fleet: string, now: Date): Promise<RunDirectory> {
  await mkdir(runs, { recursive: true, mode: 0o700 });
  const taken = new Set((await listRuns(runs)).map((run) => run.run));
  const time = timeOf(now);
  const name = runFleetName(fleet);
  for (;;) {
    const run = newId();
    if (taken.has(run)) continue;
    const path = join(runs, `${time}-${name}-${run}`);
    await mkdir(path, { mode: 0o700 });
    await chmod(path, 0o700);
    return { run, fleet: name, begun: isoOf(time), path };
  }
}

/** Makes the directory (0700) of a run that another machine began. Throws when it is there already. */
export async function makeBroughtDirectory(
  runs: string,
  fleet: string,
  run: string,
  begun: Date,
): Promise<RunDirectory> {
  await mkdir(runs, { recursive: true, mode: 0o700 });
  const time = timeOf(begun);
  const name = runFleetName(fleet);
  const path = join(runs, `${time}-${name}-${run}`);
  await mkdir(path, { mode: 0o700 });
  return { run, fleet: name, begun: isoOf(time), path };
}

function timeOf(date: Date): string {
  return date.toISOString().replace(/[-:]/g, '').replace(/\.\d+/, '');
}

/** A fleet's name as the directories of its runs have it. */
export function runFleetName(fleet: string): string {
  return fleet.replace(/[^A-Za-z0-9_.]/g, '_');
}

function newId(): string {
  return [...randomBytes(4)].map((byte) => LETTERS[byte % 32]).join('');
}

function isoOf(time: string): string {
  return time.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z');
}

/** All runs under `runs`, oldest first; names that are no run are passed over, a missing directory holds none. */
export async function listRuns(runs: string): Promise<readonly RunDirectory[]> {
  const names = await readdir(runs).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return names.sort().flatMap((name) => {
    const [, time, fleet, run] = NAME.exec(name) ?? [];
    if (time === undefined || fleet === undefined || run === undefined) return [];
    return [{ run, fleet, begun: isoOf(time), path: join(runs, name) }];
  });
}

/** What a run left behind. `plan` is what was shown, for reading only: it is never carried out again. */
export interface RunRead {
  readonly directory: RunDirectory;
  readonly plan?: Plan;
  readonly journal: JournalRead;
  readonly report?: string;
}

/** Reads the run with this id (any case). Throws RunbookError('usage') when there is none. */
export async function readRun(runs: string, run: string): Promise<RunRead> {
  const directory = (await listRuns(runs)).find((each) => each.run === run.toUpperCase());
  if (!directory) {
    throw new RunbookError('usage', `There is no run ${run} in ${runs}.`, { next: ['redis-runbook history list'] });
  }
  const plan = await readText(join(directory.path, 'plan.json'));
  const report = await readText(join(directory.path, 'report.md'));
  return {
    directory,
    journal: await readJournal(directory.path),
    ...(plan === undefined ? {} : { plan: fromJson(plan) as Plan }),
    ...(report === undefined ? {} : { report }),
  };
}

async function readText(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

/** Writes one file of the run (0600), whole or not at all: `plan.json`, `survey-1.json`, `report.md`. Values that are no text are written as JSON. */
export async function saveInRun(directory: string, name: string, content: unknown): Promise<string> {
  const path = join(directory, name);
  const temporary = join(directory, `.${name}.${randomBytes(6).toString('hex')}`);
  const handle = await open(temporary, 'wx', 0o600);
  try {
    await handle.writeFile(typeof content === 'string' ? content : `${toJson(content, 2)}\n`, 'utf8');
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, path);
  return path;
}

/** Writes `report.md` of a run; gives its path, or why there is none: a disk that is full must not hide how the run ended. */
export async function saveReport(directory: string, report: string): Promise<string> {
  return saveInRun(directory, 'report.md', report).catch(
    (error: Error) => `none: ${join(directory, 'report.md')} could not be written (${error.message})`,
  );
}
