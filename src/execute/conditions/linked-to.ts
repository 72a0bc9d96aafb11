import { addressOf, runningOf, withReader } from '../node.js';
import type { ConditionModule } from '../tools.js';

/** The node is a replica of the master and its link is up, with no sync under way. */
export const linkedTo: ConditionModule<'linked-to'> = {
  see: (condition, at) =>
    withReader(at, condition.node, async (reader) => {
      const running = await runningOf(reader);
      if (running.role !== 'replica') return { holds: false, seen: `role ${running.role}` };
      const right = running.masterAddress === addressOf(at, condition.master);
      if (!right) return { holds: false, seen: `replica of ${running.masterAddress}` };
      const sync = running.syncInProgress ? ', sync under way' : '';
      const up = running.masterLinkUp === true && !running.syncInProgress;
      return {
        holds: up,
        seen: `replica of ${running.masterAddress}, link ${running.masterLinkUp ? 'up' : 'down'}${sync}`,
      };
    }),
};
