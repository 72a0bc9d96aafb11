import { createHash } from 'node:crypto';
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { RunbookError } from '../errors.js';
import { fromJson, toJson } from '../model/json.js';
import type { JournalLine } from '../model/run.js';

/** What the caller says of one line; number, time, run and hash are the journal's own. */
export type JournalEntry = Pick<JournalLine, 'action' | 'phase' | 'text'> &
  Partial<Pick<JournalLine, 'outcome' | 'detail'>>;

/** The append-only record of a run. */
export interface Journal {
  readonly path: string;
  /**
   * Writes one line and resolves when it is on the disk (fsync). Lines stand in the order in which they were given; those
   * that come while the disk is at work are written and synced together. Rejects with
   * RunbookError('incomplete') when the disk refuses.
   */
  write(entry: JournalEntry): Promise<JournalLine>;
  /** Waits for the lines that are under way and closes the file. */
  close(): Promise<void>;
}

/** A journal as read back. A torn last line is told, not an error: that is what a power cut leaves. */
export interface JournalRead {
  readonly lines: readonly JournalLine[];
  /** The bytes of a last line that was never finished. */
  readonly torn?: string;
  /** The last line is whole, and its line feed is missing. */
  readonly unended?: true;
  /** 1-based number of the first line that does not fit the chain of hashes, or cannot be read. Nothing after it is in `lines`. */
  readonly brokenAt?: number;
  /** The schema that the first line names, when this version does not know it: read as far as it is understood. */
  readonly newer?: string;
}

const NAME = 'journal.jsonl';
const START = '0'.repeat(64);
const SCHEMA = 'redis-runbook/journal/1';

/** sha256 of one line's text, without its line feed, lower-case hex. */
export function hashOfLine(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}

/** The journal's path inside a run directory. */
export function journalPath(directory: string): string {
  return join(directory, NAME);
}

/**
 * Opens the journal of a run directory for appending, making it (0600) when it is missing. An existing one is
 * continued after its last whole line; the bytes of a torn line are ended with a line feed and stay.
 * Throws RunbookError('bad-journal') when an existing journal was changed or is of a newer version, and the system's
 * error when it cannot be opened.
 */
export async function openJournal(directory: string, run: string, now: () => Date): Promise<Journal> {
  const path = journalPath(directory);
  const before = await readJournal(directory);
  refuseBad(before, path, run);
  const handle = await open(path, 'a', 0o600);
  await syncDirectory(dirname(path));
  const state = endOf(before);
  const waiting: Waiting[] = [];
  let queue: Promise<unknown> = Promise.resolve();

  function write(entry: JournalEntry): Promise<JournalLine> {
    return new Promise((resolve, reject) => {
      waiting.push({ entry, at: now(), resolve, reject });
      queue = queue.then(() => appendAll(handle, state, waiting.splice(0), { directory, run }));
    });
  }
  async function close(): Promise<void> {
    await queue;
    await handle.close();
  }
  return { path, write, close };
}

/** What is not recorded is not done: the run ends here, and goes on when there is room again. */
function cannotWrite(path: string, run: string, error: Error): RunbookError {
  return new RunbookError('incomplete', `The journal of run ${run} cannot be written, so nothing more is done.`, {
    facts: [`${path}: ${error.message}`, 'every file is kept; what was under way is looked at when the run goes on'],
    next: [`redis-runbook resume ${run}   once it can be written again`, 'redis-runbook status'],
  });
}

/** Throws RunbookError('bad-journal') for a journal that nothing may be done by; a torn last line is none. */
export function refuseBad(read: JournalRead, where: string, run: string): void {
  if (read.brokenAt === undefined && read.newer === undefined) return;
  const what =
    read.newer === undefined
      ? `line ${read.brokenAt} does not fit the one before it: a line was changed, or is missing`
      : `it is of the kind ${read.newer}, and this version writes ${SCHEMA}`;
  throw new RunbookError('bad-journal', `The journal of run ${run} cannot be gone by.`, {
    facts: [
      `${where}: ${what}`,
      `whole and in order: ${read.lines.length === 1 ? 'one line' : `${read.lines.length} lines`}`,
    ],
    next: [`redis-runbook history show ${run}`, 'redis-runbook status', 'redis-runbook recover'],
  });
}

/** The end of the file: the last whole line, and whether something follows it that has no line feed yet. */
interface End {
  n: number;
  prev: string;
  isOpen: boolean;
}

function endOf(read: JournalRead): End {
  const last = read.lines.at(-1);
  const isOpen = read.torn !== undefined || read.unended === true;
  return { n: last?.n ?? 0, prev: last ? hashOfLine(toJson(last)) : START, isOpen };
}

/** A line that is to be written, and who waits for it. */
interface Waiting {
  readonly entry: JournalEntry;
  readonly at: Date;
  readonly resolve: (line: JournalLine) => void;
  readonly reject: (error: unknown) => void;
}

/** One write and one fsync for all lines that wait. Never rejects: who waits is told. */
async function appendAll(
  handle: FileHandle,
  state: End,
  waiting: readonly Waiting[],
  { directory, run }: { readonly directory: string; readonly run: string },
): Promise<void> {
  if (waiting.length === 0) return;
  const end = { ...state, isOpen: false };
  let text = state.isOpen ? '\n' : '';
  const lines = waiting.map(({ entry, at }) => {
    const schema = end.n === 0 ? { schema: SCHEMA } : {};
    const line: JournalLine = { n: end.n + 1, prev: end.prev, ...schema, at: at.toISOString(), run, ...entry };
    const row = toJson(line);
    text += `${row}\n`;
    end.n = line.n;
    end.prev = hashOfLine(row);
    return line;
  });
  try {
    await appendSynced(handle, text);
    Object.assign(state, end);
  } catch (error) {
    // A disk that is full takes some of the lines, or a part of one: whatever is there is ended, and the next one follows it.
    Object.assign(state, await readJournal(directory).then(endOf, () => ({ ...state, isOpen: true })));
    for (const { reject } of waiting) reject(cannotWrite(journalPath(directory), run, error as Error));
    return;
  }
  for (const [index, { resolve }] of waiting.entries()) {
    const written = lines[index];
    if (written) resolve(written);
  }
}

async function appendSynced(handle: FileHandle, text: string): Promise<void> {
  await handle.appendFile(text, 'utf8');
  await handle.sync();
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Reads the journal of a run directory and checks its chain; a missing one is empty. Throws the system's error when it cannot be read. */
export async function readJournal(directory: string): Promise<JournalRead> {
  const text = await readFile(journalPath(directory), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  return parseJournal(text);
}

/**
 * Checks and parses a journal's text. A line that is not whole JSON is passed over when the line after it continues
 * the chain (a torn line of an earlier crash); as the last line it is `torn`.
 */
export function parseJournal(text: string): JournalRead {
  const rows = text.split('\n');
  const rest = rows.pop() ?? '';
  const lines: JournalLine[] = [];
  const schema = parseLine(rows[0] ?? rest)?.schema;
  const newer = schema === undefined || schema === SCHEMA ? {} : { newer: String(schema).slice(0, 100) };
  let prev = START;
  for (const [index, row] of rows.entries()) {
    const line = parseLine(row);
    if (line === undefined) {
      const next = rows.slice(index + 1).find((later) => parseLine(later) !== undefined);
      if (next === undefined) return { lines, ...newer, torn: row };
      if (parseLine(next)?.prev === prev) continue;
      return { lines, ...newer, brokenAt: index + 1 };
    }
    if (line.prev !== prev || line.n !== lines.length + 1) return { lines, ...newer, brokenAt: index + 1 };
    lines.push(line);
    prev = hashOfLine(row);
  }
  if (rest === '') return { lines, ...newer };
  const last = parseLine(rest);
  if (last?.prev === prev && last.n === lines.length + 1) return { lines: [...lines, last], ...newer, unended: true };
  return { lines, ...newer, torn: rest };
}

function parseLine(row: string): JournalLine | undefined {
  try {
    const value = fromJson(row) as JournalLine | null;
    return value && typeof value.n === 'number' && typeof value.prev === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}
