import { RunbookError } from '../errors.js';
import { ChangedUnderneath, type WritableHost } from '../hosts/host.js';
import { inTime } from '../hosts/reading.js';
import { type HeldLock, readLock, updateLock } from './lock.js';
import { DEAD_AFTER_S } from './lock-standing.js';
import { emit, type Run } from './run.js';
import type { At } from './tools.js';

const BEAT_MS = 10_000;
/** What the run does changes more often than others need to know: a lock says it no sooner than this after its last renewal. */
const CHANGED_MS = 2000;
/** A host that takes longer than this is tried again; meanwhile it holds up nobody. */
const RENEW_LIMIT_MS = 15_000;

/**
 * For how long a lock that could not be renewed is still trusted. Shorter than the time after which others take it for
 * dead, by more than one action's look takes.
 */
const TRUSTED_MS = (DEAD_AFTER_S - 30) * 1000;

/** The signs of life of a run under way. */
export interface Heartbeat {
  /** Gives one soon, beside what the run does: what it is doing changed. */
  changed(): void;
  end(): Promise<void>;
}

/**
 * Renews the heartbeat and `doing` of every lock that the run holds, every ten seconds, each host for itself: one that hangs
 * lets no other lock lapse. A lock that is another's by now,
 * or gone, is noted in the run's memory, and so is that most locks could not be renewed for a minute: no action is begun
 * any more.
 */
export function beginHeartbeat(run: Run): Heartbeat {
  const beats: Beats = { due: new Set(), busy: new Map(), told: run.memory.lost };
  const all = async () => void (await Promise.all(beats.busy.values()));
  let soon: NodeJS.Timeout | undefined;
  const now = () => {
    clearTimeout(soon);
    soon = undefined;
    for (const name of run.memory.locks.keys()) {
      beats.due.add(name);
      if (!beats.busy.has(name))
        beats.busy.set(
          name,
          beat(run, name, beats).finally(() => beats.busy.delete(name)),
        );
    }
    run.memory.beating = all();
  };
  const timer = setInterval(now, BEAT_MS);
  return {
    changed: () => {
      soon ??= setTimeout(now, restMs(run));
    },
    end: async () => {
      clearInterval(timer);
      clearTimeout(soon);
      await all();
    },
  };
}

/** How long until the lock that was renewed first is old enough to be renewed because of what the run does. */
function restMs({ memory }: Run): number {
  const oldestMs = Math.min(...[...memory.locks.keys()].map((name) => memory.renewedAtMs.get(name) ?? 0));
  return Math.min(CHANGED_MS, Math.max(0, CHANGED_MS - (Date.now() - oldestMs)));
}

interface Beats {
  /** Hosts whose lock is to be renewed, once or once more. */
  readonly due: Set<string>;
  /** Renewals under way, by host. */
  readonly busy: Map<string, Promise<void>>;
  told: RunbookError | undefined;
}

async function beat(run: Run, name: string, beats: Beats): Promise<void> {
  while (beats.due.delete(name)) {
    const held = run.memory.locks.get(name);
    if (held === undefined) return;
    await renew(run, name, held, run.options.now, run.progress.doing);
    if (run.memory.handover) run.options.handover?.ask(run.memory.handover);
    if (run.memory.lost === beats.told) continue;
    beats.told = run.memory.lost;
    emit(run, { type: 'note', text: run.memory.lost?.message ?? '' });
  }
}

type Holder = Pick<At, 'memory' | 'tools'>;

/** Renews every lock once, now. */
async function renewAll(holder: Holder, signal: AbortSignal, doing?: string): Promise<void> {
  await Promise.all([...holder.memory.locks].map(([name, held]) => renew(holder, name, held, signal, doing)));
}

async function renew(
  { memory, tools }: Holder,
  name: string,
  held: HeldLock,
  signal: AbortSignal,
  doing = held.file.doing,
): Promise<void> {
  const host = tools.hosts.get(name);
  if (!host) return;
  const began = Date.now();
  try {
    const changes = { heartbeat: tools.now().toISOString(), doing };
    const renewed = await inTime(RENEW_LIMIT_MS, signal, (own) => updateLock(host, held, changes, own));
    if (memory.locks.get(name) !== held) return;
    memory.locks.set(name, renewed);
    memory.renewedAtMs.set(name, began);
  } catch (error) {
    // A release takes the lock out of the memory before it takes the file away.
    if (!(error instanceof ChangedUnderneath) || memory.locks.get(name) !== held) return;
    await changedOn(host, held, memory, signal);
  }
}

/** Why a lock is not as this run wrote it last: it is another's, or it is this run's and names who is to go on with it. */
async function changedOn(host: WritableHost, held: HeldLock, memory: At['memory'], signal: AbortSignal): Promise<void> {
  const { name } = host.entry;
  const found = await inTime(RENEW_LIMIT_MS, signal, (own) => readLock(host, own)).catch(() => 'unseen' as const);
  if (found === 'unseen' || memory.locks.get(name) !== held) return;
  if (found?.file.token !== held.file.token) {
    memory.lost ??= lockLost(name, held, found);
    return;
  }
  memory.locks.set(name, found);
  const { to, note } = found.file;
  if (to !== undefined) memory.handover ??= { to, says: note };
}

/** Which of the locks that this run took is not its own any more, by a look at each of them; undefined when none is seen to be lost. */
export async function lostNow({ tools, memory, signal }: At): Promise<RunbookError | undefined> {
  const looks = [...memory.locks].map(([name, held]) => {
    const host = tools.hosts.get(name);
    return host === undefined ? undefined : lostOn(host, held, signal);
  });
  return (await Promise.all(looks)).find((lost) => lost !== undefined);
}

/** Why a lock is not as this run wrote it last; undefined when that cannot be seen, or it is this run's all the same. */
async function lostOn(host: WritableHost, held: HeldLock, signal: AbortSignal): Promise<RunbookError | undefined> {
  try {
    const found = await readLock(host, signal);
    return found?.file.token === held.file.token ? undefined : lockLost(host.entry.name, held, found);
  } catch {
    return undefined;
  }
}

/** The error of a run whose lock is another's by now. */
export function lockLost(name: string, held: HeldLock, found: HeldLock | undefined): RunbookError {
  const { run, since } = held.file;
  const by =
    found === undefined
      ? `${held.path} was taken away since ${since}`
      : `it is ${found.file.who}'s now, run ${found.file.run}, since ${found.file.since}: ${found.file.doing}`;
  return new RunbookError('locked', `Run ${run} does not hold its lock on ${name} any more: nothing more is done.`, {
    facts: [by],
    next: ['redis-runbook status', `redis-runbook history show ${run}`],
  });
}

/**
 * Throws RunbookError `locked` when this run may not begin anything any more. A machine that slept, and whose heartbeat
 * did not come to it yet, renews the locks first.
 */
export async function refuseLost(at: At): Promise<void> {
  const { memory } = at;
  if (!memory.lost && lateOf(at).length > 0) await renewAll(at, at.signal);
  if (memory.lost) throw memory.lost;
  const late = lateOf(at);
  if (late.length === 0 || late.length * 2 < memory.locks.size) return;
  memory.lost = new RunbookError('locked', 'This run could not keep its lock: nothing more is done.', {
    facts: [
      `no sign of life reached ${late.join(' ')} for more than ${TRUSTED_MS / 1000} s: others may take the run for dead`,
    ],
    next: ['redis-runbook status'],
  });
  throw memory.lost;
}

function lateOf({ memory }: At): readonly string[] {
  const now = Date.now();
  return [...memory.locks.keys()].filter((name) => now - (memory.renewedAtMs.get(name) ?? now) > TRUSTED_MS);
}
