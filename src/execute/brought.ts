import { createHash } from 'node:crypto';
import type { Host } from '../hosts/host.js';
import { type CopiedFile, copiedFiles } from './copied-file.js';
import { COPY_LIMIT_BYTES, copyPath } from './copies.js';
import { type JournalRead, parseJournal } from './journal.js';

/** What one host has of a run's record. */
export interface HostCopy {
  readonly host: string;
  readonly files: ReadonlyMap<CopiedFile, Uint8Array>;
}

/** The copies of a run on all hosts that answer and have any, side by side. A copy that cannot be read is told in `unread`. */
export async function readCopies(
  hosts: readonly Host[],
  run: string,
  signal: AbortSignal,
): Promise<{ readonly copies: readonly HostCopy[]; readonly unread: readonly string[] }> {
  const unread: string[] = [];
  const all = await Promise.all(
    hosts.map(async (host) => {
      const files = new Map<CopiedFile, Uint8Array>();
      for (const file of copiedFiles) {
        const seen = await host.read(copyPath(host, run, file), COPY_LIMIT_BYTES, signal);
        if (seen.ok) files.set(file, seen.value);
        else if (seen.why !== 'absent') unread.push(`${host.entry.name}: ${seen.detail}`);
      }
      return { host: host.entry.name, files };
    }),
  );
  return { copies: all.filter(({ files }) => files.has('journal.jsonl')), unread };
}

/** What the copies of a run agree on, or everything that is wrong with them, by host. */
export type Agreed =
  | {
      readonly ok: true;
      readonly files: ReadonlyMap<CopiedFile, Uint8Array>;
      readonly journal: string;
      /** Hosts whose journal ends before that. */
      readonly behind: readonly { readonly host: string; readonly lines: number }[];
    }
  | { readonly ok: false; readonly problems: readonly string[] };

/**
 * Compares what several places have of one run. Plan and survey must be the same everywhere; journals may end at
 * different lines, and each must be the beginning of the longer ones. Whatever only one place has of the journal's end is
 * not gone by where there are more places: one host alone cannot say what was done. Pure.
 */
export function agreedCopies(copies: readonly HostCopy[]): Agreed {
  const problems = [
    ...copiedFiles.filter((file) => file !== 'journal.jsonl').flatMap((file) => differing(copies, file)),
    ...copies.flatMap(({ host, files }) => damageOf(host, journalText(files))),
  ];
  if (problems.length > 0) return { ok: false, problems };
  const texts = copies.map(({ host, files }) => ({ host, text: wholeLines(journalText(files)) }));
  const forked = forks(texts);
  if (forked.length > 0) return { ok: false, problems: forked };
  const lengths = texts.map(({ text }) => text.length).sort((a, b) => b - a);
  const length = lengths[Math.min(1, lengths.length - 1)] ?? 0;
  const journal = texts.find(({ text }) => text.length >= length)?.text.slice(0, length) ?? '';
  const behind = texts
    .filter(({ text }) => text.length < length)
    .map(({ host, text }) => ({ host, lines: countLines(journal) - countLines(text) }));
  return { ok: true, files: copies[0]?.files ?? new Map(), journal, behind };
}

function journalText(files: ReadonlyMap<CopiedFile, Uint8Array>): string {
  return new TextDecoder().decode(files.get('journal.jsonl') ?? new Uint8Array());
}

/** A line without its end was under way when the copy was made. */
function wholeLines(text: string): string {
  return text.slice(0, text.lastIndexOf('\n') + 1);
}

function countLines(text: string): number {
  return text.split('\n').length - 1;
}

/** Hosts whose file is not what most have; all of them where there is no majority. */
function differing(copies: readonly HostCopy[], file: CopiedFile): readonly string[] {
  const hashes = copies.map(({ host, files }) => ({ host, hash: hashOf(files.get(file)) }));
  return minority(hashes).map((host) => `${host}: its ${file} is not the one that the other copies have`);
}

function minority(all: readonly { readonly host: string; readonly hash: string }[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const { hash } of all) counts.set(hash, (counts.get(hash) ?? 0) + 1);
  if (counts.size <= 1) return [];
  const usual = [...counts].find(([, count]) => count * 2 > all.length)?.[0];
  return all.filter(({ hash }) => hash !== usual).map(({ host }) => host);
}

function hashOf(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? 'absent' : createHash('sha256').update(bytes).digest('hex');
}

function damageOf(host: string, text: string): readonly string[] {
  const read: JournalRead = parseJournal(text);
  if (read.newer !== undefined)
    return [`${host}: its journal is of the kind ${read.newer}, which this version does not know`];
  if (read.brokenAt === undefined) return [];
  return [
    `${host}: line ${read.brokenAt} of its journal does not fit the one before it: it was changed, or one is missing`,
  ];
}

/** Journals that are not one history: at the first line that differs, the hosts that are not with most. */
function forks(texts: readonly { readonly host: string; readonly text: string }[]): readonly string[] {
  const rows = texts.map(({ host, text }) => ({ host, lines: text.split('\n').slice(0, -1) }));
  const most = Math.max(0, ...rows.map(({ lines }) => lines.length));
  for (let index = 0; index < most; index += 1) {
    const here = rows.flatMap(({ host, lines }) => {
      const line = lines[index];
      return line === undefined ? [] : [{ host, hash: line }];
    });
    const odd = minority(here);
    if (odd.length > 0) return odd.map((host) => `${host}: its journal differs from the others at line ${index + 1}`);
  }
  return [];
}
