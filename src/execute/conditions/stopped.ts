import { pidOf } from '../node.js';
import type { ConditionModule } from '../tools.js';

/** No process of any of the nodes runs. */
export const stopped: ConditionModule<'stopped'> = {
  see: async (condition, at) => {
    const pids = await Promise.all(condition.nodes.map((node) => pidOf(at, node)));
    const running = condition.nodes.filter((_, index) => pids[index] !== null);
    return running.length === 0
      ? { holds: true, seen: 'no process of them runs' }
      : { holds: false, seen: `${running.join(', ')} still running` };
  },
};
