import { spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type JournalRead, parseJournal } from '../../src/execute/journal.js';
import type { Lab } from '../../src/lab/lab.js';
import { argvOf, type Ended, endOf, environmentOf } from './pipes.js';

/** Where a lab's operator keeps the runs. */
function runsOf(lab: Lab): string {
  return join(lab.directory, 'operator', 'redis-runbook', 'runs');
}

/** The newest run's directory; undefined when there is none yet. */
export function newestRun(lab: Lab): { readonly run: string; readonly path: string } | undefined {
  const names = (() => {
    try {
      return readdirSync(runsOf(lab)).sort();
    } catch {
      return [];
    }
  })();
  const last = names.at(-1);
  return last === undefined ? undefined : { run: last.slice(-4), path: join(runsOf(lab), last) };
}

/** The journal of the newest run. */
export function journalNow(lab: Lab): JournalRead {
  const found = newestRun(lab);
  return parseJournal(found === undefined ? '' : readFileSync(join(found.path, 'journal.jsonl'), 'utf8'));
}

/** When a run is cut off: as soon as its journal has so many lines, and so much later. */
export interface Moment {
  readonly line: number;
  /** The line of the journal instead of its number. */
  readonly like?: RegExp;
  readonly laterMs?: number;
  /** Lines that were there before the command began. */
  readonly from?: number;
  /** Done at that moment, before the kill. */
  readonly before?: () => Promise<void>;
  /** Nobody is killed: `before` is all that happens. */
  readonly spare?: boolean;
}

export interface CutOff extends Ended {
  /** Lines of the journal after the end; fewer than asked for when the command ended before. */
  readonly lines: number;
  readonly killed: boolean;
}

/**
 * Runs the command as a process group of its own and kills the whole group from outside, with SIGKILL, at that moment of
 * its journal. A command that ends before is not killed.
 */
export async function killedAt(lab: Lab, args: readonly string[], moment: Moment): Promise<CutOff> {
  const [program = '', ...rest] = argvOf(lab, args);
  const child = spawn(program, rest, {
    cwd: lab.directory,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environmentOf(lab),
  });
  let over = false;
  const ending = endOf(child).finally(() => {
    over = true;
  });
  const known = new Set(readdirSafe(lab));
  const wanted = (moment.from ?? 0) + moment.line;
  let killed = false;
  while (!over) {
    const since = moment.from === undefined ? known : new Set<string>();
    if (moment.like ? textNow(lab, since).some((line) => moment.like?.test(line)) : linesNow(lab, since) >= wanted) {
      if (moment.laterMs !== undefined) await pause(moment.laterMs);
      await moment.before?.();
      if (!over && !moment.spare && child.pid !== undefined) {
        killed = true;
        process.kill(-child.pid, 'SIGKILL');
      }
      break;
    }
    await pause(1);
  }
  const ended = await ending;
  return { ...ended, killed: killed && ended.status === null, lines: journalNow(lab).lines.length };
}

function readdirSafe(lab: Lab): readonly string[] {
  try {
    return readdirSync(runsOf(lab));
  } catch {
    return [];
  }
}

/** The whole lines of the newest journal that is not an old one. */
function textNow(lab: Lab, known: ReadonlySet<string>): readonly string[] {
  const last = readdirSafe(lab)
    .filter((name) => !known.has(name))
    .sort()
    .at(-1);
  try {
    return last === undefined
      ? []
      : readFileSync(join(runsOf(lab), last, 'journal.jsonl'), 'utf8')
          .split('\n')
          .slice(0, -1);
  } catch {
    return [];
  }
}

const buffer = Buffer.alloc(1 << 20);

/** Line feeds in the newest journal, 0 where only old ones are. */
function linesNow(lab: Lab, known: ReadonlySet<string>): number {
  const names = readdirSafe(lab)
    .filter((name) => !known.has(name))
    .sort();
  const last = names.at(-1);
  if (last === undefined) return 0;
  try {
    const file = openSync(join(runsOf(lab), last, 'journal.jsonl'), 'r');
    try {
      const length = readSync(file, buffer, 0, buffer.length, 0);
      let lines = 0;
      for (let at = buffer.indexOf(10); at !== -1 && at < length; at = buffer.indexOf(10, at + 1)) lines += 1;
      return lines;
    } finally {
      closeSync(file);
    }
  } catch {
    return 0;
  }
}
