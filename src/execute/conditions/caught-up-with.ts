import { runningOf, withReader } from '../node.js';
import type { ConditionModule } from '../tools.js';

/** The replica has applied everything up to where the master was right before: one history, no bytes behind. */
export const caughtUpWith: ConditionModule<'caught-up-with'> = {
  see: async (condition, at) => {
    const master = await withReader(at, condition.master, runningOf);
    const replica = await withReader(at, condition.node, runningOf);
    if (replica.replid !== master.replid) return { holds: false, seen: "not in the master's history yet" };
    const behind = master.offset - replica.offset;
    const linked = replica.masterLinkUp === true && !replica.syncInProgress;
    if (!linked) return { holds: false, seen: 'link down' };
    return behind <= 0n
      ? { holds: true, seen: `at offset ${replica.offset}, the master was at ${master.offset}` }
      : { holds: false, seen: `${behind} bytes behind` };
  },
};
