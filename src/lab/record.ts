import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One write as the lab's client sent it. Times are milliseconds since the epoch, this machine's clock. */
export interface WriteLine {
  readonly type: 'write';
  readonly seq: number;
  /** The host whose redis got it. */
  readonly node: string;
  readonly key: string;
  /** sha256 of the value, lower-case hex, and its size. */
  readonly sha256: string;
  readonly bytes: number;
  readonly acknowledged: boolean;
  /** Replicas that had it when WAIT answered; absent when WAIT was not used. */
  readonly waited?: number;
  /** Replicas that were linked when it was sent. */
  readonly linked: number;
  readonly sentAt: number;
  readonly ackedAt?: number;
}

/** The end of a redis process, by the lab's hand. */
export interface OffLine {
  readonly type: 'off';
  readonly node: string;
  readonly how: 'clean' | 'crash';
  /** When the signal was sent. */
  readonly at: number;
}

/** What the lab knows by its own hand: these writes are not in the data of `holder`, and were never to be. */
export interface LacksLine {
  readonly type: 'lacks';
  readonly holder: string;
  /** The node that took the writes; absent = any node. */
  readonly node?: string;
  /** From this write on, and before that one; absent = from the first, to the last. */
  readonly fromSeq?: number;
  readonly beforeSeq?: number;
  readonly why: string;
}

export type RecordLine = WriteLine | OffLine | LacksLine;

function fileOf(directory: string): string {
  return join(directory, 'writes.jsonl');
}

/** Appends lines to the lab's record of writes. */
export function appendRecord(directory: string, lines: readonly RecordLine[]): void {
  appendFileSync(fileOf(directory), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
}

/** The number that the next write gets. */
export function nextSeq(directory: string): number {
  return readRecord(directory).reduce((last, line) => (line.type === 'write' ? Math.max(last, line.seq) : last), 0) + 1;
}

/** The whole record, oldest first; empty when nothing was written. */
export function readRecord(directory: string): readonly RecordLine[] {
  if (!existsSync(fileOf(directory))) return [];
  return readFileSync(fileOf(directory), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as RecordLine);
}
