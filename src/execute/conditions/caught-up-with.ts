import { runningOf, withReader } from '../node.js';
import type { ConditionModule } from '../tools.js';

/**
 * The replica has applied everything up to where the master was right before: one history, no bytes behind. One without a key
 * beside a master that has some was emptied by its own hands, which moves no offset (seen on 7.0.15): it has not. Nor has
 * one that is to be master itself and holds less than half of the keys, unless that was accepted.
 */
export const caughtUpWith: ConditionModule<'caught-up-with'> = {
  see: async (condition, at) => {
    const master = await withReader(at, condition.master, runningOf);
    const replica = await withReader(at, condition.node, runningOf);
    if (replica.replid !== master.replid) return { holds: false, seen: "not in the master's history yet" };
    const { master: next, acceptedLoss } = at.plan;
    const judged = condition.node === next && acceptedLoss !== next;
    if ((replica.keys === 0n && master.keys > 0n) || (judged && replica.keys * 2n < master.keys))
      return { holds: false, seen: `${replica.keys} keys, where ${condition.master} has ${master.keys}` };
    const behind = master.offset - replica.offset;
    const linked = replica.masterLinkUp === true && !replica.syncInProgress;
    if (!linked) return { holds: false, seen: 'link down' };
    return behind <= 0n
      ? { holds: true, seen: `at offset ${replica.offset}, the master was at ${master.offset}` }
      : { holds: false, seen: `${behind} bytes behind` };
  },
};
