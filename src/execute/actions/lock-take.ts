import type { ActionOf } from '../../model/plan.js';
import { createLock, isLeftBehind, lockedBy, lockPath, newLock, readLock, updateLock } from '../lock.js';
import { hostOf } from '../node.js';
import type { Acted, ActionModule, At } from '../tools.js';

/** Takes the fleet's lock on one host: made exclusively; a lock that this operator's own dead run left is taken over. */
export const lockTake: ActionModule<'lock.take'> = {
  changes: false,
  undo: { none: 'the lock is given back when all else is' },
  look: async (action, at) => {
    const held = at.memory.locks.get(action.host);
    const found = await readLock(hostOf(at, action.host), at.signal);
    if (held && found?.file.token === held.file.token) return { state: 'done', says: 'locked by this run' };
    return { state: 'not-done', says: found ? `locked by run ${found.file.run}` : 'not locked' };
  },
  act: async (action, at) => {
    const host = hostOf(at, action.host);
    const file = newLock(at.tools.run, at.tools.who, at.tools.now(), 'beginning');
    const made = await createLock(host, file, at.signal);
    if (!made) return takeOver(action, file, at);
    at.memory.locks.set(action.host, made);
    return { says: `locked for run ${file.run}, ${file.who}`, detail: { path: made.path } };
  },
};

async function takeOver(
  { host: name, over = [] }: ActionOf<'lock.take'>,
  file: ReturnType<typeof newLock>,
  at: At,
): Promise<Acted> {
  const host = hostOf(at, name);
  const found = await readLock(host, at.signal);
  if (!found) throw new Error(`${name}:${lockPath(host)} came and went; try again`);
  const isNobodys = isLeftBehind(found.file, file.who) || over.includes(found.file.run);
  if (!isNobodys) throw lockedBy(name, found.file, at.tools.now());
  at.memory.locks.set(name, await updateLock(host, found, file, at.signal));
  const says = `taken over from run ${found.file.run}, whose process ended (${found.file.doing})`;
  at.note(`${name}: lock ${says}`);
  return { says, detail: { from: found.file.run } };
}
