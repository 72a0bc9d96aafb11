import { setTimeout as sleep } from 'node:timers/promises';
import { pidOf } from './node.js';
import type { At } from './tools.js';

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
