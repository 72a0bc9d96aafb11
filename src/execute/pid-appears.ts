import { setTimeout as sleep } from 'node:timers/promises';
import { answerOf, pidOf, withReader } from './node.js';
import type { At, Found } from './tools.js';

const APPEAR_MS = 10_000;
const POLL_MS = 50;

/** Waits until the process of a node that was just started is there, at most ten seconds. Throws when none appears. */
export async function waitForPid(node: string, at: At): Promise<number> {
  const until = performance.now() + APPEAR_MS;
  for (;;) {
    const pid = await pidOf(at, node);
    if (pid !== null) return pid;
    if (performance.now() > until) throw new Error(`${node} was started, but no process of it runs: its log says why`);
    await sleep(POLL_MS, undefined, { signal: at.signal });
  }
}

/**
 * The process of a node whose start this run issued, or null. A start that was cut off or seen to fail may still be under way
 * on the host, so one that is not there or does not answer is waited for until ten seconds after the start began.
 */
export async function pidOfStarted(node: string, at: At, found: Found): Promise<number | null> {
  const begunMs =
    typeof found.begunAt === 'string' && found.outcome !== 'done' ? Date.parse(found.begunAt) : Number.NaN;
  const leftMs = begunMs + APPEAR_MS - at.tools.now().getTime();
  const until = performance.now() + (leftMs > 0 ? Math.min(leftMs, APPEAR_MS) : 0);
  for (;;) {
    const pid = await pidOf(at, node);
    if (performance.now() >= until || (pid !== null && (await answers(node, at)))) return pid;
    await sleep(POLL_MS, undefined, { signal: at.signal });
  }
}

function answers(node: string, at: At): Promise<boolean> {
  return withReader(at, node, (reader) => answerOf(reader, 'PING')).then(
    () => true,
    () => false,
  );
}
