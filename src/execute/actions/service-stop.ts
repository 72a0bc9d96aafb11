import { join } from 'node:path';
import { RunbookError } from '../../errors.js';
import type { RedisWriter } from '../../hosts/host.js';
import type { ActionOf } from '../../model/plan.js';
import type { RunningRedis } from '../../model/survey.js';
import { filesNow, findAof, runningPlace } from '../data-place.js';
import { rdbDamage, readRdbEnds } from '../data-read.js';
import type { HeldBefore } from '../held-before.js';
import { type Paused, pauseForLastLook, refuseLapsed } from '../last-look.js';
import { lastLogWords } from '../last-words.js';
import { configOf, nodeAt, pidOf, replyOf, runningOf, withWriter } from '../node.js';
import { waitForPid } from '../pid-appears.js';
import { refusesToStop } from '../refused-stop.js';
import { telling } from '../telling.js';
import { type Acted, type ActionModule, type At, type Looked, Unsure } from '../tools.js';

type Stop = ActionOf<'service.stop'>;

const LIMIT_MS = 60_000;

/** What a node held when it was asked to stop. */
interface Before {
  readonly held: HeldBefore;
  /** As CONFIG GET gives it; empty or undefined = it has none. */
  readonly logfile: string | undefined;
  readonly saves: boolean;
  /** There when it took writes: its clients wait until it is gone. */
  readonly paused?: Paused;
}

/**
 * Stops a node through its service manager and sees that its process is gone. `save`: the file that it leaves is what it
 * held (a stop saves only where save points exist, so one is set where the node would load an RDB), compared afterwards.
 * `without-saving`: its save points are taken away first, so that the stop leaves the files as they are.
 */
export const serviceStop: ActionModule<'service.stop'> = {
  changes: true,
  until: ['service.start'],
  undo: {
    says: 'the node is started again with its old configuration',
    look: async (action, at) => {
      const pid = await pidOf(at, action.node);
      return pid === null ? { state: 'not-done', says: 'not running' } : { state: 'done', says: `runs, pid ${pid}` };
    },
    act: async (action, at) => {
      const { entry, host } = nodeAt(at, action.node);
      await host.service(entry).start(at.signal);
      const pid = await waitForPid(action.node, at);
      return { says: `started again, pid ${pid}`, detail: { pid } };
    },
  },
  look: async (action, at) => {
    const pid = await pidOf(at, action.node);
    return pid === null ? leftBehind(action, at) : { state: 'not-done', says: `runs, pid ${pid}` };
  },
  act: async (action, at) => {
    if (action.mode === 'already-stopped') {
      throw new Error('was stopped when the plan was made, and runs now: somebody or something started it');
    }
    const { entry } = nodeAt(at, action.node);
    if (entry.kind === 'sentinel') return stopSentinel(action, at);
    const before = await withWriter(at, action.node, (writer) => prepare(action, writer, at));
    const within = await stopProcess(action, at, before);
    if (!before.saves) {
      refuseLapsed(action.node, before.paused, within, undefined);
      return { says: 'stopped without saving' };
    }
    const acted = await compareSaved(action, before.held, at);
    refuseLapsed(action.node, before.paused, within, acted.detail?.offset);
    const { keys, expires, place } = before.held;
    at.memory.stopped.set(action.node, { keys, expires, files: await filesNow(at, action.node, place) });
    return acted;
  },
};

/**
 * A node that is gone by now: where this run had asked it to stop and to save, its file must hold what it held, whoever
 * ended it in the end. A kill during the final save leaves the file of the save before.
 */
async function leftBehind(action: Stop, at: At): Promise<Looked> {
  const held = at.memory.leaving.get(action.node);
  if (held === undefined) return { state: 'done', says: 'was stopped' };
  try {
    const { says } = await compareSaved(action, held, at);
    return { state: 'done', says: `is ${says}` };
  } catch (error) {
    return { state: 'other', says: error instanceof Error ? error.message : String(error) };
  }
}

/** A sentinel's newest state goes to its file first; one that cannot do that is stopped all the same. */
async function stopSentinel(action: Stop, at: At): Promise<Acted> {
  await withWriter(at, action.node, (writer) => replyOf(writer, 'SENTINEL FLUSHCONFIG')).catch((error: Error) =>
    at.evidence(`SENTINEL FLUSHCONFIG: ${error.message}`),
  );
  await stopProcess(action, at);
  return { says: 'stopped' };
}

async function prepare(action: Stop, writer: RedisWriter, at: At): Promise<Before> {
  const running = await runningOf(writer);
  refuseStranger(action, running, at);
  if (running.loading) throw new Error('it is still loading: what it holds is not all there yet');
  const place = await runningPlace(writer);
  const points = await configOf(writer, 'save');
  const logfile = await configOf(writer, 'logfile');
  const { replid, offset, keys, expires } = running;
  const held: HeldBefore = { replid, offset, keys, expires, place };
  const saves = action.mode === 'save';
  await at.evidence(`before the stop: ${keys} keys, offset ${offset}`, {
    runId: running.runId,
    save: points,
    ...(saves ? { held } : {}),
  });
  if (saves) at.memory.leaving.set(action.node, held);
  else at.memory.leaving.delete(action.node);
  const wanted = saves ? '3600 1' : '';
  const isSet = !saves || ((points ?? '') === '' && !place.appendonly);
  if (isSet) await replyOf(writer, 'CONFIG SET', 'save', wanted);
  if (action.notBeyond === undefined) return { held, logfile, saves };
  const putBack = async () => void (isSet && (await replyOf(writer, 'CONFIG SET', 'save', points ?? '')));
  const paused = await pauseForLastLook(action.notBeyond, writer, running, at, putBack);
  return { held, logfile, saves, paused };
}

/** Identity is read again on the connection that prepares the stop: another process at the address is not stopped. */
function refuseStranger(action: Stop, running: RunningRedis, at: At): void {
  const facts = at.plan.stages.flatMap((stage) => stage.needs);
  const wanted = facts.find((fact) => fact.node === action.node && fact.fact === 'run-id')?.value;
  if (wanted === undefined || wanted === running.runId) return;
  throw new RunbookError('changed', `${action.node} is another process than the one that was looked at.`, {
    facts: [`run id ${running.runId} now, ${wanted} when the plan was made`],
    next: ['redis-runbook status'],
  });
}

/** Stops it and sees that it is gone. Whether that, or its final save, came while its clients were paused. */
async function stopProcess(action: Stop, at: At, before?: Before): Promise<boolean> {
  const { entry, host } = nodeAt(at, action.node);
  const limitMs = at.limitMs ?? LIMIT_MS;
  const over = new AbortController();
  const stopping = host
    .service(entry)
    .stop(limitMs, at.signal)
    .catch((error: Error) => {
      if (at.signal.aborted) throw new Unsure('asked to stop; whether it has is not known');
      throw error;
    });
  // Without what it held there is no redis: a sentinel saves nothing and refuses nothing.
  const refused = before ? refusesToStop(at, action.node, over.signal) : Promise.resolve(false);
  const work = Promise.race([stopping, refused.then((refuses) => (refuses ? 'refused' : stopping))]);
  const isPaused = () => performance.now() < (before?.paused?.untilMs ?? 0);
  const pid = before?.paused === undefined ? null : await pidOf(at, action.node);
  let within = false;
  const look = async () => {
    const saving = await savingSeen(action, before?.held.place.dir, at);
    within ||= isPaused() && saving.file === `temp-${pid}.rdb`;
    return saving.says;
  };
  const ended = await telling(at, `${action.node} is stopped`, limitMs, look, work).finally(() => over.abort());
  if (ended === 'stopped' || ended === 'was-stopped') return within || isPaused();
  const words = before
    ? await lastLogWords(nodeAt(at, action.node).named, before.held.place.dir, before.logfile, at.signal)
    : [];
  const log = words.length === 0 ? '' : `; its log ends: ${words.join('; ')}`;
  const how =
    ended === 'refused'
      ? 'it was asked to stop and goes on serving: it refuses'
      : `still running ${Math.round(limitMs / 1000)} s after it was asked to stop`;
  throw new Error(`${how}${log}`);
}

/** The file that a save under way writes (rdb.c:rdbSave: by the pid of the server itself, of its child for BGSAVE), and how far it has come. */
async function savingSeen(
  action: Stop,
  dir: string | undefined,
  at: At,
): Promise<{ readonly says: string; readonly file?: string }> {
  const { host } = nodeAt(at, action.node);
  const names = dir === undefined ? undefined : await host.list(dir);
  const file = names?.ok ? names.value.findLast((each) => /^temp-\d+\.rdb$/.test(each)) : undefined;
  if (dir === undefined || file === undefined) return { says: 'asked to stop, and still there' };
  const stat = await host.stat(join(dir, file));
  if (!stat.ok) return { says: 'it saves its data', file };
  return { says: `it saves its data: ${file} has ${stat.value.sizeBytes} bytes`, file };
}

/**
 * The file on disk must hold what the node held: the same history and at least its offset, or its keys where the file
 * names no history. Only its ends are read: between the stop and the start nothing may take longer for more data. Its
 * checksum is compared by the server that loads it, before anybody may write.
 */
async function compareSaved(action: Stop, held: HeldBefore, at: At): Promise<Acted> {
  const { place } = held;
  const { named: host } = nodeAt(at, action.node);
  if (place.appendonly) {
    const aof = await findAof(at, action.node, place);
    if (held.keys > 0n && (aof?.files.length ?? 0) === 0) throw new Error('stopped, but it left no append-only file');
    return { says: `stopped with ${held.keys} keys in its append-only file` };
  }
  const saved = await readRdbEnds(host, place.rdb, at.signal);
  const damage = rdbDamage(saved);
  if (damage !== undefined) throw new Error(`stopped, but the ${place.rdb} that it left cannot be loaded: ${damage}`);
  if (saved.replid !== undefined && saved.offset !== undefined && held.replid !== '') {
    if (saved.replid !== held.replid || saved.offset < held.offset) {
      throw new Error(`stopped, but ${place.rdb} ends at ${saved.offset} and the node was at ${held.offset}`);
    }
  }
  // Of a large file only the databases that begin in its first bytes are counted.
  if (saved.keysExact && (saved.keys ?? 0n) < held.keys - held.expires) {
    throw new Error(`stopped, but ${place.rdb} holds ${saved.keys} keys and the node held ${held.keys}`);
  }
  const keys = saved.keysExact ? (saved.keys ?? 0n) : held.keys;
  const end = saved.offset === undefined ? '' : `, offset ${saved.offset}`;
  return { says: `stopped and saved, ${keys} keys${end}`, detail: { keys, offset: saved.offset } };
}
