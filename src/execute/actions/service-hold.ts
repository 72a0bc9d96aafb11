import { nodeAt } from '../node.js';
import type { ActionModule } from '../tools.js';

/** Makes sure that nothing starts the node by itself. A hold that an earlier run left is made this run's. */
export const serviceHold: ActionModule<'service.hold'> = {
  changes: true,
  until: ['service.release'],
  undo: {
    says: 'the hold is released: what started the node before may start it again',
    look: async (action, at, found) => {
      const { entry, host } = nodeAt(at, action.node);
      const service = host.service(entry);
      const holder = await service.holder(at.signal);
      if (!holder.ok) return { state: 'unknown', says: `whether it is held could not be seen: ${holder.detail}` };
      const run = holder.value?.run;
      if (run === undefined && (await service.holdLeftOver?.(at.signal)))
        return { state: 'not-done', says: 'not held; half a hold was left' };
      if (run === found.heldBefore) return { state: 'done', says: run ? `held by run ${run}, as before` : 'not held' };
      if (run === at.tools.run || run === undefined)
        return { state: 'not-done', says: run ? 'held by this run' : 'not held' };
      return { state: 'other', says: `held by run ${run}` };
    },
    act: async (action, at, found) => {
      const { entry, host } = nodeAt(at, action.node);
      const service = host.service(entry);
      const holder = await service.holder(at.signal);
      if (!holder.ok) throw new Error(`whether ${action.node} is held could not be seen: ${holder.detail}`);
      if (holder.value || (await service.holdLeftOver?.(at.signal))) await service.release(at.tools.run, at.signal);
      if (typeof found.heldBefore !== 'string') return { says: 'hold released' };
      await service.hold(found.heldBefore, at.signal);
      return { says: `held by run ${found.heldBefore} again, as before` };
    },
  },
  look: async (action, at) => {
    const { entry, host } = nodeAt(at, action.node);
    const holder = await host.service(entry).holder(at.signal);
    if (!holder.ok) return { state: 'unknown', says: `whether it is held could not be seen: ${holder.detail}` };
    if (holder.value === null) return { state: 'not-done', says: 'not held' };
    return holder.value.run === at.tools.run
      ? { state: 'done', says: 'held by this run' }
      : { state: 'not-done', says: `held by run ${holder.value.run}` };
  },
  act: async (action, at) => {
    const { entry, host } = nodeAt(at, action.node);
    const service = host.service(entry);
    const before = await service.holder(at.signal);
    if (before.ok && before.value !== null && before.value.run !== at.tools.run) {
      await at.evidence(`was held by run ${before.value.run}`, { heldBefore: before.value.run });
      await service.release(before.value.run, at.signal);
    }
    await service.hold(at.tools.run, at.signal);
    const from = before.ok && before.value ? ` (was held by run ${before.value.run})` : '';
    const weak = await service.weakness?.(at.signal).catch(() => undefined);
    if (weak === undefined) return { says: `held${from}` };
    at.note(`${action.node}: ${weak}`);
    return { says: `held${from}, but ${weak}`, detail: { weak } };
  },
};
