import { replyOf, withWriter } from '../node.js';
import type { ActionModule } from '../tools.js';

/** Lets clients write again. */
export const fenceLift: ActionModule<'fence.lift'> = {
  changes: true,
  undo: { none: 'clients may have written since' },
  whenFinished: 'skip',
  look: async (action, at) =>
    at.memory.fences.has(action.node)
      ? { state: 'not-done', says: 'writes are paused by this run' }
      : { state: 'done', says: 'writes are not paused by this run' },
  act: async (action, at) => {
    const keeper = at.memory.fences.get(action.node);
    if (!keeper) return { says: 'writes were not paused' };
    const gap = keeper.gap();
    at.memory.fences.delete(action.node);
    await keeper.end(true).catch(() => withWriter(at, action.node, (writer) => replyOf(writer, 'CLIENT UNPAUSE')));
    const note = gap === undefined ? '' : `; it may have been open for a while: ${gap}`;
    const servingSince = at.tools.now().toISOString();
    return { says: `writes are allowed since ${servingSince}${note}`, detail: { servingSince } };
  },
};
