import { setTimeout as sleep } from 'node:timers/promises';
import { infoOf, withReader } from './node.js';
import type { At } from './tools.js';

const LOOK_EVERY_MS = 1000;
/** So long it must answer as if nobody had asked: a signal is seen within 100 ms (server.c:serverCron), a unit's own stop command may take its time. */
const PATIENCE_MS = 20_000;

/**
 * Resolves with true when a node that was asked to stop goes on serving: it has answered for twenty seconds, and no shutdown
 * is under way. A server whose save fails does that ("can't exit", server.c:prepareForShutdown); one that saves does not
 * answer, and one that waits for its replicas says so (`shutdown_in_milliseconds`, 7.0 and later). Resolves with false when
 * `over` ends before. Never rejects.
 */
export async function refusesToStop(at: At, node: string, over: AbortSignal): Promise<boolean> {
  let since: number | undefined;
  while (!over.aborted) {
    await sleep(LOOK_EVERY_MS, undefined, { signal: over }).catch(() => undefined);
    if (over.aborted) return false;
    const serves = await servesOn(at, node).catch(() => false);
    if (!serves) since = undefined;
    else since ??= performance.now();
    if (since !== undefined && performance.now() - since >= PATIENCE_MS) return true;
  }
  return false;
}

function servesOn(at: At, node: string): Promise<boolean> {
  return withReader(at, node, async (reader) => !(await infoOf(reader, 'server')).has('shutdown_in_milliseconds'));
}
