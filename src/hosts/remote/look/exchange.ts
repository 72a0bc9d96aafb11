import { randomBytes } from 'node:crypto';
import { RunbookError } from '../../../errors.js';
import type { Channel, ExecOptions, ExecResult } from '../../channel.js';
import type { Limits } from '../../host.js';
import { EXCHANGE_BYTES, lookCommand, type Task } from './command.js';
import { addPart, type Evidence, noEvidence } from './evidence.js';
import { type LookRecord, parseRecords } from './records.js';

const DEPTH = 5;
/** A login shell may greet before the first record comes. */
const GREETING_BYTES = 64 * 1024;

/** Runs one shell line as root on the host. */
export type RunAsRoot = (command: string, options: ExecOptions, signal: AbortSignal) => Promise<ExecResult>;

/** What one exchange brought back. */
export interface Exchange {
  /** Records of the machine itself. */
  readonly records: readonly LookRecord[];
  /** By the part's index. */
  readonly parts: ReadonlyMap<number, Evidence>;
  /** The script came to its end; when not, what is missing is not known. */
  readonly complete: boolean;
  /** What the host said beside, in one line. */
  readonly complaint: string;
  readonly beganMs: number;
  readonly endedMs: number;
}

function complaintOf(result: ExecResult): string {
  const line = new TextDecoder()
    .decode(result.stderr)
    .split('\n')
    .find((text) => text.trim() !== '');
  if (line !== undefined) return line.trim().slice(0, 200);
  if (result.tooLarge) return 'too large: it sends without an end';
  return result.timedOut ? 'no answer in time' : `the shell ended with status ${result.status ?? result.signal}`;
}

function read(result: ExecResult, marks: readonly string[], beganMs: number): Exchange {
  const records = parseRecords(result.stdout, marks[0] ?? '');
  const parts = new Map<number, Evidence>();
  for (const record of records.filter(({ kind }) => kind === 'part')) {
    const index = Number(record.words[0]);
    const evidence = parts.get(index) ?? noEvidence();
    parts.set(index, evidence);
    addPart(evidence, record, marks.slice(1));
  }
  const complete = records.at(-1)?.kind === 'end' && !result.timedOut && !result.tooLarge;
  // A part that says nothing of any file must not keep its bytes.
  const own = records.filter(({ kind }) => kind !== 'part');
  return { records: own, parts, complete, complaint: complaintOf(result), beganMs, endedMs: Date.now() };
}

export interface ExchangeRequest {
  readonly tasks: readonly Task[];
  readonly limits: Limits;
  /** Whether the script tries what `sudo -n` says. */
  readonly asksSudo: boolean;
}

/**
 * One exchange: a shell line there, records back. Rejects as the channel does. A shell that answers with no record at
 * all is RunbookError `unreachable` with what it said.
 */
export async function exchange(
  channel: Channel,
  request: ExchangeRequest,
  signal: AbortSignal,
  run: RunAsRoot = (command, options, own) => channel.exec(command, options, own),
): Promise<Exchange> {
  const marks = Array.from({ length: DEPTH }, () => randomBytes(16).toString('hex'));
  const command = lookCommand(request.tasks, request.limits, request.asksSudo);
  const options: ExecOptions = {
    // The script's own limit comes first where it can, so that what it has seen by then arrives.
    timeoutMs: Math.max(1000, request.limits.lookTimeoutMs - 200),
    limitBytes: EXCHANGE_BYTES,
    begins: { text: `\n${marks[0]} `, withinBytes: GREETING_BYTES },
    stdin: new TextEncoder().encode(`${marks.join(' ')}\n`),
    stdinIsPublic: true,
  };
  const beganMs = Date.now();
  const found = read(await run(command, options, signal), marks, beganMs);
  if (found.records.length > 0 || found.parts.size > 0) return found;
  throw new RunbookError('unreachable', `${channel.host}: no shell that could look answered: ${found.complaint}`);
}
