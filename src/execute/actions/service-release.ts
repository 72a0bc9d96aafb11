import { nodeAt } from '../node.js';
import type { ActionModule } from '../tools.js';

/** Takes the hold away: the node may be started again, by a person and by the machine. */
export const serviceRelease: ActionModule<'service.release'> = {
  changes: true,
  undo: {
    says: 'the node is held again',
    until: ['undo service.hold'],
    look: async (action, at) => {
      const { entry, host } = nodeAt(at, action.node);
      const holder = await host.service(entry).holder(at.signal);
      if (!holder.ok) return { state: 'unknown', says: `whether it is held could not be seen: ${holder.detail}` };
      if (holder.value === null) return { state: 'not-done', says: 'not held' };
      return holder.value.run === at.tools.run
        ? { state: 'done', says: 'held by this run' }
        : { state: 'other', says: `held by run ${holder.value.run}` };
    },
    act: async (action, at) => {
      const { entry, host } = nodeAt(at, action.node);
      await host.service(entry).hold(at.tools.run, at.signal);
      return { says: 'held again' };
    },
  },
  look: async (action, at) => {
    const { entry, host } = nodeAt(at, action.node);
    const holder = await host.service(entry).holder(at.signal);
    if (!holder.ok) return { state: 'unknown', says: `whether it is held could not be seen: ${holder.detail}` };
    if (holder.value === null) return { state: 'done', says: 'not held' };
    return { state: 'not-done', says: `held by run ${holder.value.run}` };
  },
  act: async (action, at) => {
    const { entry, host } = nodeAt(at, action.node);
    const service = host.service(entry);
    const holder = await service.holder(at.signal);
    if (!holder.ok) throw new Error(`whether ${action.node} is held could not be seen: ${holder.detail}`);
    if (holder.value) await service.release(holder.value.run, at.signal);
    return { says: 'hold released' };
  },
};
