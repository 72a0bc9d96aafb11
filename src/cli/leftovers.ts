import { readLock, removeLock } from '../execute/lock.js';
import { isLeftBehind } from '../execute/lock-standing.js';
import { myIdentity } from '../hosts/process-identity.js';
import { known } from '../model/seen.js';
import { listed } from '../report/quantities.js';
import { type Fleet, type Judged, lookAndJudge } from './compose.js';
import type { Context } from './context.js';

/** What a run that did not come to its end left behind. */
export interface Leftovers {
  readonly run: string;
  /** Nodes that cannot start by themselves because a run holds them. */
  readonly held: readonly string[];
  /** Hosts that carry the lock of a run. */
  readonly locked: readonly string[];
}

/** The locks and holds that are on the fleet before a run begins; undefined when there are none. */
export function leftoversOf(judged: Judged): Leftovers | undefined {
  const group = judged.survey.groups[judged.diagnosis.group];
  const nodes = [...(group?.redis ?? []), ...(group?.sentinels ?? [])];
  const holds = nodes.flatMap((node) => {
    const by = known(node.held);
    return by ? [{ node: node.node, run: by.run }] : [];
  });
  const locks = judged.survey.hosts.flatMap((host) => {
    const lock = known(host.lock);
    return lock ? [{ host: host.host, run: lock.run }] : [];
  });
  const run = locks[0]?.run ?? holds[0]?.run;
  if (run === undefined) return undefined;
  return { run, held: holds.map((hold) => hold.node), locked: locks.map((lock) => lock.host) };
}

/**
 * Nothing but nodes that a run which came to its end left out: the group serves, no lock is left, and only redis nodes are
 * held. What was cut off half way is no such thing, and is gone on with.
 */
export function isLeftOut({ survey, diagnosis }: Judged, left: Leftovers): boolean {
  const redis = survey.groups[diagnosis.group]?.redis.map(({ node }) => node) ?? [];
  return left.locked.length === 0 && diagnosis.state === 'degraded' && left.held.every((node) => redis.includes(node));
}

const SETTLE_LIMIT_MS = 15_000;
const LOOK_EVERY_MS = 500;

/**
 * A run that was cut off while its sentinels were hearing of each other needs nothing but these few seconds: looks
 * again until the fleet is healthy, or the limit is over.
 */
export async function settled(judged: Judged, fleet: Fleet | undefined, context: Context): Promise<Judged> {
  const left = leftoversOf(judged);
  const end = performance.now() + SETTLE_LIMIT_MS;
  let latest = judged;
  while (fleet && left && left.held.length === 0 && onlyNeedsTime(latest)) {
    if (performance.now() > end) break;
    if (latest === judged && !context.json && !context.quiet)
      context.stderr(`Run ${left.run} was cut off; its sentinels are given a few seconds to hear of each other.\n`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    context.signal.throwIfAborted();
    latest = await lookAndJudge(fleet, context);
  }
  return latest;
}

/** Everything runs and answers, and the sentinels alone do not agree yet. */
function onlyNeedsTime({ diagnosis, survey }: Judged): boolean {
  const sentinels = survey.groups[diagnosis.group]?.sentinels ?? [];
  return diagnosis.path.recommended === 'sentinels-only' && sentinels.every((sentinel) => sentinel.view.ok);
}

/** Takes away the locks that this operator's own dead runs left on a fleet that needs nothing else. Says what it did. */
export async function clearLocks(left: Leftovers, fleet: Fleet, who: string, signal: AbortSignal): Promise<string> {
  const cleared: string[] = [];
  const me = await myIdentity();
  for (const name of left.locked) {
    const host = fleet.hosts.find((each) => each.entry.name === name);
    const found = host && (await readLock(host, signal));
    if (!host || !found || !(await isLeftBehind(found.file, who, me))) continue;
    await removeLock(host, found);
    cleared.push(name);
  }
  const others = left.locked.filter((name) => !cleared.includes(name));
  const gone = cleared.length > 0 ? `The lock that run ${left.run} left was taken away on ${listed(cleared)}.` : '';
  const stays = others.length > 0 ? `The lock on ${listed(others)} is somebody else's and stays.` : '';
  return [gone, stays].filter((text) => text !== '').join(' ');
}
