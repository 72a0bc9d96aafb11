import { decodeText } from '../../../redis/byte-text.js';
import { type LookRecord, labelled, nulWords, parseRecords } from './records.js';

/** What an exchange brought of one path, as the host's tools said it. */
export interface PathFacts {
  /** Of the name itself: stat's fields, or its complaint. */
  stat?: string;
  /** Of what a link leads to. */
  target?: string;
  /** Of the file that was opened. */
  opened?: string;
  readonly ranges: { readonly fromByte: number; readonly bytes: Buffer }[];
  log?: { readonly fromByte: number; readonly matches: Buffer; lines?: number; tail?: Buffer };
}

/** What an exchange brought of one node, or of the host's own files. Not complete: cut by time or size. */
export interface Evidence {
  readonly paths: Map<string, PathFacts>;
  /** Names of leftovers, by directory. */
  readonly names: Map<string, readonly string[]>;
  /** Names of rotated logs, by the path of the log. */
  readonly rotated: Map<string, readonly string[]>;
  readonly globs: Map<string, readonly string[]>;
  readonly freeBytes: Map<string, number>;
  complete: boolean;
}

export function noEvidence(): Evidence {
  return {
    paths: new Map(),
    names: new Map(),
    rotated: new Map(),
    globs: new Map(),
    freeBytes: new Map(),
    complete: true,
  };
}

function factsOf(evidence: Evidence, path: string): PathFacts {
  const known = evidence.paths.get(path);
  if (known !== undefined) return known;
  const facts: PathFacts = { ranges: [] };
  evidence.paths.set(path, facts);
  return facts;
}

/** `df -P -k`: 1024-blocks, used, available, capacity; the names around them may hold blanks. */
function freeOf(line: string): number | undefined {
  const available = /\s\d+\s+\d+\s+(-?\d+)\s+\d+%\s/.exec(line)?.[1];
  return available === undefined ? undefined : Math.max(0, Number(available)) * 1024;
}

function addToPath(facts: PathFacts, record: LookRecord, rest: Buffer): void {
  const from = Number(record.words[0] ?? 0);
  const text = () => rest.toString('utf8').trim();
  // The first counts: the second stat of a path is that of what its link leads to.
  if (record.kind === 'stat') facts.stat ??= text();
  else if (record.kind === 'target') facts.target ??= text();
  else if (record.kind === 'open') facts.opened ??= text();
  else if (record.kind === 'bytes') facts.ranges.push({ fromByte: from, bytes: rest });
  else if (record.kind === 'matches') facts.log ??= { fromByte: from, matches: rest };
  else if (record.kind === 'lines' && facts.log) facts.log.lines = Number(text());
  else if (record.kind === 'tail' && facts.log) facts.log.tail = rest;
}

function addRecord(evidence: Evidence, record: LookRecord, marks: readonly string[]): void {
  if (record.kind === 'sub') {
    for (const inner of parseRecords(record.body, marks[0] ?? '')) addRecord(evidence, inner, marks.slice(1));
    return;
  }
  const { label, rest } = labelled(record.body);
  if (record.kind === 'names') evidence.names.set(label, nulWords(rest));
  else if (record.kind === 'rotated') evidence.rotated.set(label, nulWords(rest));
  else if (record.kind === 'glob') evidence.globs.set(label, nulWords(rest));
  else if (record.kind === 'free') {
    const bytes = freeOf(decodeText(rest));
    if (bytes !== undefined) evidence.freeBytes.set(label, bytes);
  } else if (record.kind !== 'done') addToPath(factsOf(evidence, label), record, rest);
}

/**
 * Adds the records of one part. What another user's process said stands in a frame of its own (`sub`) and can speak of
 * this node's files only, because it is kept with this node's evidence.
 */
export function addPart(evidence: Evidence, part: LookRecord, marks: readonly string[]): void {
  const records = parseRecords(part.body, marks[0] ?? '');
  for (const record of records) addRecord(evidence, record, marks.slice(1));
  if (records.at(-1)?.kind !== 'done') evidence.complete = false;
}
