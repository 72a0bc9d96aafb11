import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { RawContent, RawFile, RawLine } from '../model/raw-host.js';
import { type Secret, secretToken } from '../model/secret.js';
import type { Seen } from '../model/seen.js';
import type { SourceFile } from './file-source.js';
import { filesFor, type LookContext, mayRead, readFileOf, type ServiceUser } from './look-file.js';
import { saw } from './reading.js';

/** Matching lines of a log that are kept, the newest. */
export const MOST_MATCHES = 20_000;
const LONGEST_LINE = 4096;
/** Shorter secrets are words of everyday lines; masking them by value would destroy the log. */
const SHORTEST_MASKED = 6;

/** The log and its rotated siblings (`.1`, `.2.gz`, `-20260101.gz`) among the names of its directory, oldest first. */
export function rotatedNames(name: string, names: readonly string[]): readonly string[] {
  const rotated = names.flatMap((candidate) => {
    if (!candidate.startsWith(name)) return [];
    const match = /^(?:\.(\d{1,4})|-(\d{8}(?:-?\d+)?))?(?:\.gz)?$/.exec(candidate.slice(name.length));
    if (match === null || candidate === `${name}.gz`) return [];
    const [, number, date] = match;
    // Dates before numbers before the log itself; within them the oldest first.
    return [{ candidate, rank: date ? 2 : number ? 1 : 0, number: Number(number ?? 0), date: date ?? '' }];
  });
  return rotated
    .sort((a, b) => b.rank - a.rank || b.number - a.number || (a.date < b.date ? -1 : 1))
    .map((entry) => entry.candidate);
}

interface LogReader {
  readonly pattern: RegExp;
  readonly secrets: readonly Secret[];
  readonly tailLines: number;
  readonly matches: RawLine[];
  readonly tail: RawLine[];
}

/** A log line, cut to a length that a person reads, with the secrets of its node replaced by tokens. */
export function masked(text: string, secrets: readonly Secret[]): string {
  return secrets.reduce(
    (line, secret) =>
      secret.reveal((word) => (word.length < SHORTEST_MASKED ? line : line.replaceAll(word, secretToken(word)))),
    text.slice(0, LONGEST_LINE),
  );
}

function takeLine(reader: LogReader, file: string, line: number, text: string): void {
  const matches = reader.pattern.test(text);
  const kept = { file, line, text: text.replace(/\r$/, '') };
  if (matches) reader.matches.push(kept);
  if (reader.matches.length > 2 * MOST_MATCHES) reader.matches.splice(0, MOST_MATCHES);
  reader.tail.push(kept);
  if (reader.tail.length > reader.tailLines) reader.tail.shift();
}

async function takeLines(reader: LogReader, file: string, chunks: AsyncIterable<Uint8Array>, limitBytes: number) {
  const decoder = new TextDecoder();
  let rest = '';
  let line = 0;
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = (lines.pop() ?? '').slice(0, LONGEST_LINE);
    for (const text of lines) takeLine(reader, file, ++line, text);
    if (bytes > limitBytes) break;
  }
  if (rest !== '') takeLine(reader, file, line + 1, rest);
}

/** The last `limitBytes` of a plain log, from the first whole line on; the name says so when it is not all. */
async function takePlain(reader: LogReader, path: string, opened: SourceFile, limitBytes: number, signal: AbortSignal) {
  const limit = BigInt(limitBytes);
  const size = opened.stat.sizeBytes;
  const file = size > limit ? `${path} (last ${limitBytes} bytes)` : path;
  await takeLines(reader, file, opened.chunks(signal, size > limit ? size - limit : 0n, size), limitBytes);
}

async function takeZipped(
  reader: LogReader,
  path: string,
  opened: SourceFile,
  limitBytes: number,
  signal: AbortSignal,
) {
  const source = Readable.from(opened.chunks(signal));
  const unzipped = source.pipe(createGunzip());
  source.on('error', (error) => unzipped.destroy(error));
  try {
    await takeLines(reader, path, unzipped, limitBytes);
  } finally {
    source.destroy();
    unzipped.destroy();
  }
}

/** A rotated log that cannot be read is left out: what it held is unknown, and so are lines that rotated away before. */
async function takeRotated(
  context: LookContext,
  reader: LogReader,
  path: string,
  user: ServiceUser | undefined,
  limit: number,
  signal: AbortSignal,
) {
  const opened = await filesFor(context)
    .open(path, 'follow')
    .catch(() => undefined);
  if (opened === undefined) return;
  try {
    if (!mayRead(opened.stat, user)) return;
    const take = path.endsWith('.gz') ? takeZipped : takePlain;
    await take(reader, path, opened, limit, signal).catch(() => undefined);
  } finally {
    await opened.close();
  }
}

export interface LogToRead {
  readonly node: string;
  readonly path: string;
  readonly pattern: RegExp;
  readonly secrets: Iterable<Secret>;
  readonly user: ServiceUser | undefined;
}

/**
 * A node's log and its rotated files, oldest first: every line that carries evidence, and the last lines. Bounded in
 * bytes (the newest count), in lines and in line length; secrets of the node are masked.
 */
export function lookAtLog(context: LookContext, log: LogToRead): Promise<RawFile> {
  const { node, path, user } = log;
  const { logBytes, logTailLines, listedNames } = context.limits;
  const pattern = new RegExp(log.pattern.source, log.pattern.flags.replace(/[gy]/g, ''));
  const secrets = [...log.secrets];
  const file = { node, role: 'log', path, links: 'follow', user } as const;
  return readFileOf(context, file, async (opened, from, signal): Promise<Seen<RawContent>> => {
    const reader: LogReader = { pattern, secrets, tailLines: logTailLines, matches: [], tail: [] };
    const names = await filesFor(context)
      .list(dirname(path), listedNames)
      .catch(() => [basename(path)]);
    for (const name of rotatedNames(basename(path), names).slice(0, -1)) {
      await takeRotated(context, reader, join(dirname(path), name), user, logBytes, signal);
    }
    await takePlain(reader, path, opened, logBytes, signal);
    const mask = (line: RawLine) => ({ ...line, text: masked(line.text, secrets) });
    return saw({ matches: reader.matches.slice(-MOST_MATCHES).map(mask), tail: reader.tail.map(mask) }, from);
  });
}
