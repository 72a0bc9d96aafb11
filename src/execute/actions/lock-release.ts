import { readLock } from '../lock.js';
import { hostOf } from '../node.js';
import type { ActionModule } from '../tools.js';

/** Takes this run's lock away from one host; a lock that is another run's stays. */
export const lockRelease: ActionModule<'lock.release'> = {
  changes: false,
  undo: { none: 'going back takes the lock first, as every run does' },
  whenFinished: 'repeat',
  look: async (action, at) => {
    const found = await readLock(hostOf(at, action.host), at.signal);
    if (!found) return { state: 'done', says: 'not locked' };
    const own = at.memory.locks.get(action.host)?.file.token === found.file.token;
    return own
      ? { state: 'not-done', says: 'locked by this run' }
      : { state: 'other', says: `locked by run ${found.file.run}, not by this one` };
  },
  act: async (action, at) => {
    const host = hostOf(at, action.host);
    const held = at.memory.locks.get(action.host);
    if (held) await host.remove(held.path);
    at.memory.locks.delete(action.host);
    return { says: 'lock released' };
  },
};
