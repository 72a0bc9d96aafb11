import { runningOf, withReader } from '../node.js';
import type { ConditionModule } from '../tools.js';

/** The node answers and says that it is a master. */
export const isMaster: ConditionModule<'is-master'> = {
  see: (condition, at) =>
    withReader(at, condition.node, async (reader) => {
      const { role, failoverState } = await runningOf(reader);
      const settled = failoverState === 'no-failover';
      return { holds: role === 'master' && settled, seen: settled ? `role ${role}` : `role ${role}, ${failoverState}` };
    }),
};
