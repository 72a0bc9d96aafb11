import { RunbookError } from '../errors.js';
import type { RedisWriter } from '../hosts/host.js';
import type { Resp } from '../model/raw-host.js';
import type { SalvageApplied, SalvagedKey } from '../model/salvage.js';
import type { ApplyJournal } from './journal.js';
import { keysIn, type Salvage } from './read.js';

export interface ApplyOptions {
  /** Which keys are asked for. */
  readonly wants: (key: Uint8Array) => boolean;
  readonly dryRun: boolean;
  /** The node that they are put on, for messages. */
  readonly node: string;
  /** Asked before each batch is put back; what it rejects with ends the apply. */
  readonly mayGoOn?: () => Promise<void>;
  readonly onProgress?: (applied: SalvageApplied) => void;
}

const BATCH_KEYS = 200;
const BATCH_BYTES = 8 * 1024 * 1024;

type Counts = { -readonly [Name in keyof SalvageApplied]: bigint };

/**
 * Puts the keys of a bundle that the serving data lacks onto its master, with their own expiry: RESTORE without REPLACE, which never
 * writes over a key (cluster.c:restoreCommand). What was under way when an earlier apply was cut off is taken up where it was.
 * Rejects with RunbookError `blocked` when the server refuses, `unknown` when the connection is lost; the journal
 * tells how far it came.
 */
export async function applySalvage(
  salvage: Salvage,
  writer: RedisWriter,
  journal: ApplyJournal | undefined,
  options: ApplyOptions,
  signal: AbortSignal,
): Promise<SalvageApplied> {
  const counts = { ...(journal?.counts ?? none()) };
  let at = 0;
  let batch: SalvagedKey[] = [];
  let bytes = 0;
  const flush = async () => {
    if (batch.length === 0) return;
    signal.throwIfAborted();
    if (at > (journal?.done ?? 0)) await putBack(batch, at, { writer, journal, counts, options });
    options.onProgress?.({ ...counts });
    batch = [];
    bytes = 0;
  };
  for await (const key of keysIn(salvage)) {
    if (batch.length >= BATCH_KEYS || bytes >= BATCH_BYTES || (batch[0]?.database ?? key.database) !== key.database)
      await flush();
    at += 1;
    batch.push(key);
    bytes += key.dump?.length ?? 0;
  }
  await flush();
  await journal?.end(counts);
  return counts;
}

/** An apply that has done nothing yet. */
function none(): SalvageApplied {
  return { restored: 0n, wouldRestore: 0n, there: 0n, expired: 0n, passed: 0n, differing: 0n, tooLarge: 0n };
}

interface Putting {
  readonly writer: RedisWriter;
  readonly journal: ApplyJournal | undefined;
  readonly counts: Counts;
  readonly options: ApplyOptions;
}

type Carried = SalvagedKey & { readonly dump: Uint8Array };

async function putBack(batch: readonly SalvagedKey[], to: number, putting: Putting): Promise<void> {
  const { writer, journal, counts, options } = putting;
  const wanted = batch.filter((key): key is Carried => isWanted(key, counts, options));
  await told(writer, options.node, 'SELECT', `${batch[0]?.database ?? 0}`);
  const there = await Promise.all(wanted.map(({ key }) => isThere(writer, options.node, key)));
  const absent = wanted.filter((_, index) => there[index] === false);
  const begun = journal?.underWay ?? new Set<string>();
  const ours = wanted.filter((key, index) => there[index] === true && begun.has(idOf(key)));
  counts.restored += BigInt(ours.length);
  counts.there += BigInt(wanted.length - absent.length - ours.length);
  if (options.dryRun) {
    counts.wouldRestore += BigInt(absent.length);
    return;
  }
  await options.mayGoOn?.();
  await journal?.intent(absent.map(idOf));
  const answers = await Promise.all(absent.map((key) => restore(writer, options.node, key)));
  for (const answer of answers) counts[answer] += 1n;
  await journal?.result(to, counts);
}

function isWanted(key: SalvagedKey, counts: Counts, { wants }: ApplyOptions): boolean {
  if (!wants(key.key)) counts.passed += 1n;
  else if (key.standing !== 'only') counts.differing += 1n;
  else if (key.expireAtMs >= 0 && key.expireAtMs <= Date.now()) counts.expired += 1n;
  else if (key.dump === undefined) counts.tooLarge += 1n;
  else return true;
  return false;
}

/** Names a key in the journal, which may lie open beside the bundle: the bundle has the name itself. */
function idOf({ database, key }: SalvagedKey): string {
  return `${database}:${Buffer.from(key).toString('base64')}`;
}

async function isThere(writer: RedisWriter, node: string, key: Uint8Array): Promise<boolean> {
  const seen = await writer.ask('EXISTS', key);
  if (!seen.ok) throw lost(node, seen.detail);
  refuse(seen.value, node);
  return seen.value !== '0';
}

async function restore(writer: RedisWriter, node: string, key: Carried): Promise<'restored' | 'there' | 'expired'> {
  const until = key.expireAtMs < 0 ? '0' : `${key.expireAtMs}`;
  if (key.expireAtMs >= 0 && key.expireAtMs <= Date.now()) return 'expired';
  const sent = await writer.send('RESTORE', key.key, until, key.dump, 'ABSTTL');
  if (sent.outcome === 'unknown') throw lost(node, sent.why);
  if (errorOf(sent.answer)?.startsWith('BUSYKEY')) return 'there';
  refuse(sent.answer, node);
  return 'restored';
}

async function told(writer: RedisWriter, node: string, ...[command, ...args]: Parameters<RedisWriter['send']>) {
  const sent = await writer.send(command, ...args);
  if (sent.outcome === 'unknown') throw lost(node, sent.why);
  refuse(sent.answer, node);
}

function errorOf(answer: Resp): string | undefined {
  return answer !== null && typeof answer === 'object' && 'error' in answer ? answer.error : undefined;
}

function refuse(answer: Resp, node: string): void {
  const error = errorOf(answer);
  if (error === undefined) return;
  const isOlder = /DUMP payload version or checksum/.test(error);
  throw new RunbookError('blocked', `${node} does not take the keys: ${error}`, {
    facts: [
      isOlder
        ? 'the payloads were made by a newer server than this one: it cannot read them'
        : 'what was put back before stays; nothing was written over',
    ],
    next: ['redis-runbook status', 'redis-runbook salvage list'],
  });
}

function lost(node: string, why: string): RunbookError {
  return new RunbookError('unknown', `The connection to ${node} was lost: ${why}.`, {
    facts: ['whether the last batch arrived is looked at when it is asked again; nothing is written over'],
    next: ['redis-runbook status', 'the same salvage apply again: it goes on where it was'],
  });
}
