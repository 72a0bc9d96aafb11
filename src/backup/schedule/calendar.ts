import { execFile } from 'node:child_process';
import { Cron } from 'croner';
import { RunbookError } from '../../errors.js';

/** What a calendar means: its next times, ISO 8601 or the system's own words; empty when nobody here can say. */
export interface CalendarAnswer {
  readonly next: readonly string[];
  /** Whether something that knows the format has looked at it. */
  readonly isChecked: boolean;
}

const monthsAndDays = 'jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|sun|mon|tue|wed|thu|fri|sat';
const field = `(?:\\*|(?:\\d+|${monthsAndDays})(?:-(?:\\d+|${monthsAndDays}))?)(?:/\\d+)?`;
/** crontab(5) and nothing more: other readers know seconds, L, W and #. */
const fiveFields = new RegExp(`^(?:${field}(?:,${field})* +){4}${field}(?:,${field})*$`, 'i');

/** Checks five fields of crontab(5); Kubernetes reads the same. Throws RunbookError `usage`. */
export function checkCron(at: string, now: Date): CalendarAnswer {
  if (!fiveFields.test(at))
    throw wrong(at, 'five fields are expected: minute hour day month weekday', "--at '14 3 * * *'");
  try {
    const runs = new Cron(at, { paused: true, mode: '5-part' }).nextRuns(2, now);
    if (runs.length > 0) return { next: runs.map((run) => run.toISOString()), isChecked: true };
  } catch (error) {
    throw wrong(at, error instanceof Error ? error.message : String(error), "--at '14 3 * * *'");
  }
  throw wrong(at, 'it never comes', "--at '14 3 * * *'");
}

/** Checks a calendar of systemd.time(7) with `systemd-analyze` where there is one. Rejects with RunbookError `usage`. */
export async function checkSystemd(at: string): Promise<CalendarAnswer> {
  if (!/^[A-Za-z0-9 *,.:/~_+-]{1,200}$/.test(at))
    throw wrong(at, 'it has other characters than a calendar', "--at '*-*-* 03:14:00'");
  const answer = await analyze(at);
  if (answer === 'no systemd-analyze') return { next: [], isChecked: false };
  if (answer.status !== 0)
    throw wrong(at, answer.text.trim().split('\n')[0] ?? 'it is no calendar', "--at '*-*-* 03:14:00'");
  const next = [...answer.text.matchAll(/^\s*(?:Next elapse|Iteration #\d+|Iter\. #\d+): (.+)$/gm)].map(([, when]) =>
    (when ?? '').trim(),
  );
  if (next.length === 0 || next[0] === 'never') throw wrong(at, 'it never comes', "--at '*-*-* 03:14:00'");
  return { next, isChecked: true };
}

type Analyzed = { readonly status: number; readonly text: string };

function analyze(at: string): Promise<Analyzed | 'no systemd-analyze'> {
  const args = ['calendar', '--iterations=2', '--', at];
  const options = {
    timeout: 10_000,
    maxBuffer: 64 * 1024,
    env: { PATH: process.env.PATH, LC_ALL: 'C', TZ: process.env.TZ },
  };
  return new Promise((resolve) => {
    execFile('systemd-analyze', args, options, (error, stdout, stderr) => {
      if (error === null) resolve({ status: 0, text: stdout });
      else if (error.code === 'ENOENT') resolve('no systemd-analyze');
      else resolve({ status: 1, text: stderr.trim() === '' ? error.message : stderr });
    });
  });
}

function wrong(at: string, why: string, example: string): RunbookError {
  return new RunbookError('usage', `${JSON.stringify(at)} says no time: ${why.replace(/\.$/, '')}.`, {
    next: [`redis-runbook backup schedule install ${example}`],
  });
}
