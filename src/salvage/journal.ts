import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fromJson, toJson } from '../model/json.js';
import type { SalvageApplied } from '../model/salvage.js';

/** How far an apply of one bundle has come, on the disk before and after each batch. */
export interface ApplyJournal {
  /** Keys of the bundle, from its beginning, that are dealt with. */
  readonly done: number;
  readonly counts: SalvageApplied | undefined;
  /** Keys that were absent when a batch was begun whose end is not recorded. */
  readonly underWay: ReadonlySet<string>;
  intent(absent: readonly string[]): Promise<void>;
  result(to: number, counts: SalvageApplied): Promise<void>;
  end(counts: SalvageApplied): Promise<void>;
  close(): Promise<void>;
}

type Line =
  | { readonly phase: 'begin'; readonly only: string; readonly master: string; readonly at: string }
  | { readonly phase: 'intent'; readonly absent: readonly string[] }
  | { readonly phase: 'result'; readonly to: number; readonly counts: Counts }
  | { readonly phase: 'end'; readonly counts: Counts };
type Counts = { readonly [Name in keyof SalvageApplied]: string | bigint };

const APPLIED_FILE = 'applied.jsonl';

/**
 * Opens the journal beside a bundle. An apply of the same keys (`only`) that did not come to its end is gone on with; any
 * other one begins anew. A last line that is cut off is as if it were not there.
 */
export async function openApplyJournal(
  directory: string,
  what: { readonly only: string; readonly master: string; readonly at: string },
): Promise<ApplyJournal> {
  const path = join(directory, APPLIED_FILE);
  const before = lastApply(await readFile(path, 'utf8').catch(missing), what.only);
  const file = await open(path, 'a', 0o600);
  const write = async (line: Line) => {
    await file.writeFile(`${toJson(line)}\n`);
    await file.sync();
  };
  // After a line that was cut off the next one begins on its own.
  await file.writeFile('\n');
  if (before === undefined) await write({ phase: 'begin', ...what });
  return {
    done: before?.done ?? 0,
    counts: before?.counts,
    underWay: before?.underWay ?? new Set(),
    intent: (absent) => write({ phase: 'intent', absent }),
    result: (to, counts) => write({ phase: 'result', to, counts }),
    end: (counts) => write({ phase: 'end', counts }),
    close: () => file.close(),
  };
}

function missing(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return '';
  throw error;
}

interface Before {
  done: number;
  counts: SalvageApplied | undefined;
  underWay: ReadonlySet<string>;
}

function lastApply(text: string, only: string): Before | undefined {
  let before: Before | undefined;
  for (const line of text.split('\n').flatMap(lineOf)) {
    if (line.phase === 'begin') {
      before = line.only === only ? { done: 0, counts: undefined, underWay: new Set() } : undefined;
    } else if (line.phase === 'end') before = undefined;
    else if (before === undefined) continue;
    else if (line.phase === 'intent') before = { ...before, underWay: new Set([...before.underWay, ...line.absent]) };
    else before = { done: line.to, counts: countsOf(line.counts), underWay: new Set() };
  }
  return before;
}

function lineOf(text: string): readonly Line[] {
  try {
    const value = fromJson(text) as Line;
    return typeof value === 'object' && value !== null && 'phase' in value ? [value] : [];
  } catch {
    return [];
  }
}

function countsOf(counts: Counts): SalvageApplied {
  const entries = Object.entries(counts).map(([name, value]) => [name, BigInt(value)]);
  return Object.fromEntries(entries) as SalvageApplied;
}

/** How the last apply of a bundle ended: undefined when there was none. */
export async function lastAppliedOf(
  directory: string,
): Promise<{ readonly ended: boolean; readonly counts: SalvageApplied | undefined } | undefined> {
  const text = await readFile(join(directory, APPLIED_FILE), 'utf8').catch(missing);
  const lines = text.split('\n').flatMap(lineOf);
  if (lines.length === 0) return undefined;
  const last = lines.findLast((line) => line.phase === 'result' || line.phase === 'end');
  return {
    ended: lines.at(-1)?.phase === 'end',
    counts: last !== undefined && 'counts' in last ? countsOf(last.counts) : undefined,
  };
}
