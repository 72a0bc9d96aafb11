import { setTimeout as sleep } from 'node:timers/promises';
import { RunbookError } from '../errors.js';
import type { RedisWriter } from '../hosts/host.js';
import type { Weighed } from '../model/plan.js';
import type { Resp } from '../model/raw-host.js';
import type { RunningRedis } from '../model/survey.js';
import { parseRunningRedis } from '../redis/info.js';
import { canFence } from './fence.js';
import { answerOf, replyOf } from './node.js';
import { acceptedSince } from './since-looked.js';
import type { At } from './tools.js';

/** So long a master that is on its way out takes no writes: a unit's own stop command may take its time. */
const WRITES_MS = 60_000;
/** Below 6.2 the pause holds reads and looks as well, and nothing lifts it. */
const EVERYTHING_MS = 15_000;

/** A master whose clients wait, as it was seen behind that. */
export interface Paused {
  readonly offset: bigint;
  /** By `performance.now()`: until then the pause holds for sure. */
  readonly untilMs: number;
}

/**
 * The last look at a master before it is stopped: its clients are paused and it is looked at in one transaction, so no write
 * comes in between, and none before the pause ends. Throws RunbookError('changed') when it took writes since it was weighed;
 * then `putBack` was done behind the pause, and it goes on serving.
 */
export async function pauseForLastLook(
  weighed: Weighed,
  writer: RedisWriter,
  { version }: RunningRedis,
  at: At,
  putBack: () => Promise<void>,
): Promise<Paused> {
  const onlyWrites = canFence(version);
  const lengthMs = onlyWrites ? WRITES_MS : EVERYTHING_MS;
  const untilMs = performance.now() + lengthMs;
  const now = await pausedLook(writer, lengthMs, onlyWrites);
  const what = onlyWrites ? 'writes are paused' : `its server ${version} pauses everything, for ${lengthMs / 1000} s:`;
  await at.evidence(`${what} at offset ${now.offset}; it was looked at with ${weighed.offset}`);
  const took = acceptedSince(weighed, now);
  if (took === undefined) return { offset: now.offset, untilMs };
  if (onlyWrites) await replyOf(writer, 'CLIENT UNPAUSE');
  else await sleep(Math.max(0, untilMs - performance.now()), undefined, { signal: at.signal });
  await putBack();
  throw new RunbookError('changed', `It took ${took} since it was looked at: they are its own.`, {
    next: ['redis-runbook status --why'],
  });
}

/**
 * CLIENT PAUSE begins with the end of the transaction that it stands in (seen on 6.0.16, 7.0.15, 8.0.2 and Valkey 8.1.1). The
 * offset is told by ROLE: before 6.2 an INFO in a transaction has the replicas told of that, which moves it (seen on 6.0.16).
 */
async function pausedLook(writer: RedisWriter, lengthMs: number, onlyWrites: boolean): Promise<RunningRedis> {
  await replyOf(writer, 'MULTI');
  await replyOf(writer, 'CLIENT PAUSE', String(lengthMs), ...(onlyWrites ? ['WRITE'] : []));
  await answerOf(writer, 'ROLE');
  await answerOf(writer, 'INFO', 'all');
  const answers = await replyOf(writer, 'EXEC');
  const [paused, role, info] = Array.isArray(answers) ? (answers as readonly Resp[]) : [];
  if (paused !== 'OK' || typeof info !== 'string')
    throw new Error(`CLIENT PAUSE in the transaction was answered with ${JSON.stringify(paused)}`);
  const running = parseRunningRedis(info);
  const [is, offset] = Array.isArray(role) ? role : [];
  return is === 'master' ? { ...running, offset: BigInt(String(offset)) } : running;
}

/**
 * Throws RunbookError('changed') when a stop took longer than its pause, and what was saved does not show that nothing was
 * written in between. `within`: its end, or the beginning of its final save, was seen while the pause held.
 */
export function refuseLapsed(node: string, paused: Paused | undefined, within: boolean, savedOffset: unknown): void {
  if (paused === undefined || within || savedOffset === paused.offset) return;
  throw new RunbookError('changed', `${node} is stopped, and may have taken writes in its last moments.`, {
    facts: [
      'its clients were paused for the stop, which took longer than that pause',
      'what it held at its end is where its config says; nothing else has it',
    ],
    next: ['redis-runbook status --why'],
  });
}
