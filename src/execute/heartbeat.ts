import { updateLock } from './lock.js';
import type { Run } from './run.js';

const BEAT_MS = 10_000;

/**
 * Renews the heartbeat and `doing` of every lock that the run holds, every ten seconds. A lock that cannot be renewed
 * is left as it is: the token check before the next action on that host finds out why.
 */
export function beginHeartbeat(run: Run): { end(): Promise<void> } {
  let busy: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    busy = busy.then(() => beat(run));
  }, BEAT_MS);
  return {
    end: async () => {
      clearInterval(timer);
      await busy;
    },
  };
}

async function beat(run: Run): Promise<void> {
  const changes = { heartbeat: run.tools.now().toISOString(), doing: run.progress.doing };
  await Promise.all(
    [...run.memory.locks].map(async ([name, held]) => {
      const host = run.tools.hosts.get(name);
      if (!host) return;
      const renewed = await updateLock(host, held, changes, run.options.now).catch(() => held);
      if (run.memory.locks.get(name) === held) run.memory.locks.set(name, renewed);
    }),
  );
}
