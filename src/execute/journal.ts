import { createHash } from 'node:crypto';
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
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
   * that come while the disk is at work are written and synced together. Rejects when the disk refuses.
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
  /** 1-based number of the first line that does not fit the chain of hashes, or cannot be read. Nothing after it is in `lines`. */
  readonly brokenAt?: number;
}

const NAME = 'journal.jsonl';
const START = '0'.repeat(64);

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
 * Throws when the chain of an existing journal is broken, and the system's error when it cannot be opened.
 */
export async function openJournal(directory: string, run: string, now: () => Date): Promise<Journal> {
  const path = journalPath(directory);
  const before = await readJournal(directory);
  if (before.brokenAt !== undefined) throw new Error(`${path}: line ${before.brokenAt} does not fit the one before it`);
  const handle = await open(path, 'a', 0o600);
  await syncDirectory(dirname(path));
  const last = before.lines.at(-1);
  const state = { n: last?.n ?? 0, prev: last ? hashOfLine(toJson(last)) : START };
  if (before.torn !== undefined) await appendSynced(handle, '\n');
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
  state: { n: number; prev: string },
  waiting: readonly Waiting[],
  { directory, run }: { readonly directory: string; readonly run: string },
): Promise<void> {
  if (waiting.length === 0) return;
  let { n, prev } = state;
  const lines: JournalLine[] = [];
  let text = '';
  for (const { entry, at } of waiting) {
    n += 1;
    const line: JournalLine = { n, prev, at: at.toISOString(), run, ...entry };
    const row = toJson(line);
    prev = hashOfLine(row);
    text += `${row}\n`;
    lines.push(line);
  }
  try {
    await appendSynced(handle, text);
  } catch (error) {
    // A disk that is full may have taken some of the lines: the next one follows what is there.
    const last = (await readJournal(directory).catch(() => undefined))?.lines.at(-1);
    if (last !== undefined) Object.assign(state, { n: last.n, prev: hashOfLine(toJson(last)) });
    for (const { reject } of waiting) reject(error);
    return;
  }
  Object.assign(state, { n, prev });
  for (const [index, { resolve }] of waiting.entries()) {
    const line = lines[index];
    if (line) resolve(line);
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
  const open_ = rows.pop() ?? '';
  const lines: JournalLine[] = [];
  let prev = START;
  for (const [index, row] of rows.entries()) {
    const line = parseLine(row);
    if (line === undefined) {
      const next = rows[index + 1];
      if (next === undefined) return { lines, torn: row };
      if (parseLine(next)?.prev === prev) continue;
      return { lines, brokenAt: index + 1 };
    }
    if (line.prev !== prev || line.n !== lines.length + 1) return { lines, brokenAt: index + 1 };
    lines.push(line);
    prev = hashOfLine(row);
  }
  return open_ === '' ? { lines } : { lines, torn: open_ };
}

function parseLine(row: string): JournalLine | undefined {
  try {
    const value = fromJson(row) as JournalLine | null;
    return value && typeof value.n === 'number' && typeof value.prev === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}
