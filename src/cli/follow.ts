import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { exitStatus, RunbookError } from '../errors.js';
import { journalPath, parseJournal } from '../execute/journal.js';
import { endOf } from '../execute/open-runs.js';
import type { RunDirectory } from '../execute/run-directory.js';
import { identitySchema, isProvenDead, myIdentity, type ProcessIdentity } from '../hosts/process-identity.js';
import { toJson } from '../model/json.js';
import type { JournalLine } from '../model/run.js';
import { printableProse } from '../report/escape.js';
import type { Context } from './context.js';

const LOOK_EVERY_MS = 300;
/** After its last line a run looks at the fleet once more before it knows its status. */
const END_LIMIT_MS = 60_000;

/** The name of the file that holds how a run ended, beside its journal. */
export const RESULT_FILE = 'result.json';
/** The name of the file that says which process carries a run out. */
export const PROCESS_FILE = 'process.json';

/**
 * Shows the journal of a run line by line as it grows, until the run has ended; its exit status. A run whose process is
 * gone ends too, as incomplete. Only reads.
 */
export async function followRun(directory: RunDirectory, context: Context): Promise<number> {
  let shown = 0;
  for (;;) {
    const isGone = await processGone(directory);
    const { lines, brokenAt } = parseJournal(await textIn(journalPath(directory.path)));
    for (const line of lines.slice(shown)) context.stdout(shownLine(line, context.json));
    shown = Math.max(shown, lines.length);
    if (brokenAt !== undefined) {
      throw new RunbookError('changed', `Line ${brokenAt} of the journal does not fit the one before it.`, {
        facts: [journalPath(directory.path)],
        next: [`redis-runbook history show ${directory.run}`],
      });
    }
    const end = endOf(lines);
    if (end !== undefined) return ended(directory, end, context);
    if (isGone) return gone(directory, context);
    context.signal.throwIfAborted();
    await sleep(LOOK_EVERY_MS, undefined, { signal: context.signal }).catch(() => undefined);
    context.signal.throwIfAborted();
  }
}

/** One line of a journal for people, or as JSON. */
export function shownLine(line: JournalLine, json: boolean): string {
  if (json) return `${toJson(line)}\n`;
  const outcome = (line.outcome ?? '').padEnd(7);
  return `${line.at}  ${line.phase.padEnd(8)}  ${outcome}  ${line.action}  ${printableProse(line.text)}\n`;
}

async function ended(directory: RunDirectory, last: JournalLine, context: Context): Promise<number> {
  const limit = performance.now() + END_LIMIT_MS;
  let exit: number | undefined;
  while (exit === undefined && performance.now() < limit && !context.signal.aborted) {
    const isGone = await processGone(directory);
    exit = exitIn(await textIn(join(directory.path, RESULT_FILE)), last.at);
    if (isGone) break;
    if (exit === undefined) await sleep(LOOK_EVERY_MS, undefined, { signal: context.signal }).catch(() => undefined);
  }
  const status =
    exit ??
    {
      done: exitStatus.done,
      failed: exitStatus.incomplete,
      skipped: exitStatus.incomplete,
      unknown: exitStatus.unknown,
    }[last.outcome ?? 'unknown'];
  tellEnd(directory, status, last.text, context);
  return status;
}

function gone(directory: RunDirectory, context: Context): number {
  tellEnd(directory, exitStatus.incomplete, 'its process is gone, and the journal has no end', context);
  if (!context.json) context.stdout('redis-runbook recover   looks again and goes on from what is true\n');
  return exitStatus.incomplete;
}

function tellEnd({ run }: RunDirectory, exit: number, text: string, context: Context): void {
  if (context.json)
    context.stdout(`${toJson({ schema: 'redis-runbook/follow/1', type: 'result', run, exit, text })}\n`);
  else context.stdout(`Run ${run} has ended: ${printableProse(text)}; exit status ${exit}.\n`);
}

/** The status in a result file; one of an earlier end of the same run is older than the journal's last line. */
function exitIn(text: string, since: string): number | undefined {
  try {
    const { exit, at } = JSON.parse(text) as { exit?: unknown; at?: unknown };
    return typeof exit === 'number' && typeof at === 'string' && at >= since ? exit : undefined;
  } catch {
    return undefined;
  }
}

async function processGone(directory: RunDirectory): Promise<boolean> {
  const other = await processOf(directory);
  return other !== undefined && (await isProvenDead(other, await myIdentity()));
}

/** The process that carries a run out, or did last; undefined where the run's directory does not say. */
export async function processOf(directory: RunDirectory): Promise<ProcessIdentity | undefined> {
  try {
    return identitySchema.safeParse(JSON.parse(await textIn(join(directory.path, PROCESS_FILE)))).data;
  } catch {
    return undefined;
  }
}

function textIn(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
}
