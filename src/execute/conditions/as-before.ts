import { checkNeeds } from '../needs.js';
import type { ConditionModule } from '../tools.js';

/** What was true of the nodes before a run is true again: who runs, who answers, in which role. */
export const asBefore: ConditionModule<'as-before'> = {
  see: async (condition, at) => {
    const wrong = await checkNeeds(condition.facts, at);
    return wrong.length === 0
      ? { holds: true, seen: 'who runs, and in which role, is as it was' }
      : { holds: false, seen: wrong.slice(0, 3).join('; ') };
  },
};
