import { readLock, removeLock } from '../lock.js';
import type { ActionModule } from '../tools.js';

/** Takes this run's lock away from one host; a lock that is another run's stays. */
export const lockRelease: ActionModule<'lock.release'> = {
  changes: false,
  undo: { none: 'going back takes the lock first, as every run does' },
  whenFinished: 'repeat',
  look: async (action, at) => {
    const host = at.tools.hosts.get(action.host);
    const found = host && (await readLock(host, at.signal));
    if (!found) return { state: 'done', says: 'not locked' };
    const own = at.memory.locks.get(action.host)?.file.token === found.file.token;
    return own
      ? { state: 'not-done', says: 'locked by this run' }
      : { state: 'other', says: `locked by run ${found.file.run}, not by this one` };
  },
  act: async (action, at) => {
    const host = at.tools.hosts.get(action.host);
    const held = at.memory.locks.get(action.host);
    // Out of the memory first: the heartbeat must not take a lock that goes for one that was lost.
    at.memory.locks.delete(action.host);
    await Promise.all([at.memory.beating, at.memory.copying]);
    if (host && held) {
      await removeLock(host, held).catch((error: unknown) => {
        at.memory.locks.set(action.host, held);
        throw error;
      });
    }
    at.memory.claimed.delete(action.host);
    return { says: 'lock released' };
  },
};
