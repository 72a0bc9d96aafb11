import { nodeAt } from '../node.js';
import type { ConditionModule } from '../tools.js';

/** No node is held any more: what starts them at boot may do so again. */
export const nothingHeld: ConditionModule<'nothing-held'> = {
  see: async (condition, at) => {
    const states = await Promise.all(
      condition.nodes.map(async (node) => {
        const { entry, host } = nodeAt(at, node);
        const holder = await host.service(entry).holder(at.signal);
        if (!holder.ok) return `${node}: not known (${holder.detail})`;
        return holder.value === null ? undefined : `${node} held by run ${holder.value.run}`;
      }),
    );
    const held = states.filter((state) => state !== undefined);
    return held.length === 0 ? { holds: true, seen: 'nothing is held' } : { holds: false, seen: held.join('; ') };
  },
};
