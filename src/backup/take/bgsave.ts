import { setTimeout as sleep } from 'node:timers/promises';
import { RunbookError } from '../../errors.js';
import { infoOf, withWriter } from '../../execute/node.js';
import type { Reach } from '../../execute/tools.js';
import type { RedisReader, RedisWriter } from '../../hosts/host.js';
import type { BackupManifest } from '../../model/backup.js';
import type { Resp } from '../../model/raw-host.js';
import { readBgsaveAnswer, saveTrouble } from './bgsave-answer.js';
import { saveFailure } from './save-failure.js';

const POLL_MS = 100;
const TELL_MS = 5000;
const MOST_TRIES = 3;

export interface SnapshotOptions {
  /** For everything together, waiting for the saves of others included; milliseconds. */
  readonly limitMs: number;
  /** Told what is waited for. */
  readonly tell: (line: string) => void;
}

/** A snapshot that is on the node's disk. */
export interface Snapshot {
  /** Seconds since the epoch by the node's clock, before BGSAVE was sent: the file is not older. */
  readonly notBeforeSeconds: number;
  readonly cost: NonNullable<BackupManifest['cost']>;
}

type Fields = ReadonlyMap<string, string>;

/**
 * Makes a node write its RDB file and waits until that has proven to be done: no save under way, status ok, and a save
 * more than before (INFO persistence). A save of somebody else that is under way is waited for and does not count: it
 * shows the data of before. One that went away without a result (a full sync ends it) is asked for again. Throws
 * RunbookError `backup-failed` with the node's own words when it fails or does not end in time.
 */
export async function takeSnapshot(reach: Reach, node: string, options: SnapshotOptions): Promise<Snapshot> {
  const until = performance.now() + options.limitMs;
  for (let tries = 1; ; tries += 1) {
    const tried = await withWriter(reach, node, (writer) => trySnapshot(writer, reach, node, options, until));
    if (tried !== 'vanished') return tried;
    if (tries === MOST_TRIES)
      throw await saveFailure(
        reach,
        node,
        `its save came to nothing ${tries} times (a full disk does that, and a full sync with its master)`,
      );
    options.tell(`the save of ${node} was ended by something else and is asked for again`);
  }
}

async function trySnapshot(
  writer: RedisWriter,
  reach: Reach,
  node: string,
  options: SnapshotOptions,
  until: number,
): Promise<Snapshot | 'vanished'> {
  const waiting: Waiting = { node, until, signal: reach.signal, tell: options.tell };
  let before = await settledSecond(writer, await untilIdle(writer, waiting, 'what is under way'), waiting);
  const began = performance.now();
  for (;;) {
    const answer = readBgsaveAnswer(await send(writer, node, before));
    if (answer.means === 'refused') throw await saveFailure(reach, node, answer.why);
    if (answer.means !== 'busy') break;
    options.tell(`${node} is busy with ${answer.with}`);
    await pause(waiting, answer.with);
    before = await settledSecond(writer, await untilIdle(writer, waiting, answer.with), waiting);
  }
  const after = await untilIdle(writer, waiting, 'the snapshot');
  const trouble = saveTrouble(before, after);
  if (trouble === 'failed') throw await saveFailure(reach, node, 'its save ended with an error');
  if (trouble === 'vanished') return 'vanished';
  return {
    notBeforeSeconds: Number(before.get('rdb_last_save_time') ?? 0),
    cost: costOf(after, Math.round(performance.now() - began)),
  };
}

/** With an AOF rewrite that the last look did not show, Redis offers to do it afterwards; then nothing has to be asked twice. */
async function send(writer: RedisWriter, node: string, before: Fields): Promise<string | { readonly error: string }> {
  const words = before.get('aof_rewrite_scheduled') === '1' ? ['SCHEDULE'] : [];
  const sent = await writer.send('BGSAVE', ...words);
  if (sent.outcome === 'unknown')
    throw failed(node, `the connection was lost while it was asked for a save: ${sent.why}`);
  return textOrError(sent.answer);
}

function textOrError(answer: Resp): string | { readonly error: string } {
  if (typeof answer === 'object' && answer !== null && 'error' in answer) return answer;
  return String(answer);
}

interface Waiting {
  readonly node: string;
  /** `performance.now()` at which the waiting is over. */
  readonly until: number;
  readonly signal: AbortSignal;
  readonly tell: (line: string) => void;
}

async function pause({ node, until, signal }: Waiting, what: string): Promise<void> {
  if (performance.now() > until) throw failed(node, `${what} did not end in time`);
  await sleep(POLL_MS, undefined, { signal });
}

async function untilIdle(reader: RedisReader, waiting: Waiting, what: string): Promise<Fields> {
  let told = performance.now();
  for (;;) {
    const info = await infoOf(reader, 'persistence');
    const busy = ['rdb_bgsave_in_progress', 'aof_rewrite_in_progress', 'loading'].filter(
      (field) => info.get(field) === '1',
    );
    if (busy.length === 0) return info;
    if (performance.now() - told > TELL_MS) {
      told = performance.now();
      waiting.tell(`${waiting.node}: waiting for ${what} (${busy.join(', ')})`);
    }
    await pause(waiting, what);
  }
}

/** Where only whole seconds tell one save from the next, the second of the last one must be over. */
async function settledSecond(reader: RedisReader, info: Fields, waiting: Waiting): Promise<Fields> {
  if (info.has('rdb_saves')) return info;
  await sleep(1100, undefined, { signal: waiting.signal });
  return untilIdle(reader, waiting, 'what is under way');
}

function costOf(after: Fields, snapshotMs: number): Snapshot['cost'] {
  const copied = after.get('rdb_last_cow_size');
  return {
    snapshotMs,
    ...(copied === undefined || !/^\d+$/.test(copied) ? {} : { copiedOnWriteBytes: BigInt(copied) }),
  };
}

function failed(node: string, why: string): RunbookError {
  return new RunbookError('backup-failed', `${node} made no snapshot: ${why}.`, {
    next: ['redis-runbook doctor', 'redis-runbook backup create'],
  });
}
