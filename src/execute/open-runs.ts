import type { Plan } from '../model/plan.js';
import type { JournalLine } from '../model/run.js';
import { changedAnything, pastOf } from './past.js';
import { listRuns, type RunRead, readRun } from './run-directory.js';

/** More runs than this are not looked through: what is older than that has long been overtaken. */
const MOST = 30;

/** A run of this machine that did not come to its end. */
export interface OpenRun {
  readonly read: RunRead;
  readonly plan: Plan;
  /** `undo`: it was being taken back. */
  readonly direction: 'forward' | 'undo';
  /** Where it stopped, in words, by its journal. */
  readonly stopped: string;
}

/** Which way the last part of a run went. */
export function directionOf(lines: readonly JournalLine[]): 'forward' | 'undo' {
  const begun = lines.findLast((line) => line.action === 'run' && line.phase === 'intent');
  return begun?.detail?.direction === 'undo' ? 'undo' : 'forward';
}

/** How the last part of a run ended; undefined when it was cut off, or is under way. */
export function endOf(lines: readonly JournalLine[]): JournalLine | undefined {
  const last = lines.findLast((line) => line.action === 'run' && line.phase !== 'evidence');
  return last?.phase === 'result' ? last : undefined;
}

/** The stage that a run was in, as its plan titles it, and how that ended. */
export function stoppedIn(plan: Plan, lines: readonly JournalLine[]): string {
  const end = endOf(lines);
  if (end !== undefined) return end.text;
  const last = lines.findLast((line) => plan.stages.some((stage) => stage.id === line.action));
  const stage = plan.stages.find((each) => each.id === last?.action);
  return stage === undefined ? 'before its first stage' : `in stage ${stage.title}`;
}

/**
 * The runs under `runs` that can be gone on with or taken back, newest first: each touched something or holds locks, did
 * not come to its end, and no later run of the same group did. A run that cannot be read is passed over.
 */
export async function openRuns(runs: string, fleet?: string): Promise<readonly OpenRun[]> {
  const directories = [...(await listRuns(runs))].reverse().slice(0, MOST);
  const open: OpenRun[] = [];
  const settled = new Set<string>();
  for (const directory of directories) {
    if (fleet !== undefined && directory.fleet !== fleet) continue;
    const read = await readRun(runs, directory.run).catch(() => undefined);
    if (read?.plan === undefined || read.journal.lines.length === 0) continue;
    const key = `${directory.fleet} ${read.plan.group}`;
    if (settled.has(key)) continue;
    const found = openRun(read, read.plan);
    if (found === 'nothing') continue;
    // What came before was taken over by this one, or undone with it.
    if (found === 'undone') continue;
    settled.add(key);
    if (found !== 'done') open.push(found);
  }
  return open;
}

function openRun(read: RunRead, plan: Plan): OpenRun | 'done' | 'undone' | 'nothing' {
  const { lines } = read.journal;
  const direction = directionOf(lines);
  const end = endOf(lines);
  if (end?.outcome === 'done') return direction === 'undo' ? 'undone' : 'done';
  const changed = direction === 'undo' || changedAnything(plan, pastOf(lines));
  // One that stopped in order before it touched anything gave its locks back.
  if (end !== undefined && !changed) return 'nothing';
  return { read, plan, direction, stopped: stoppedIn(plan, lines) };
}
