import type { RunningRedis } from '../../model/survey.js';
import { runningOf, withReader } from '../node.js';
import type { At, ConditionModule, Sight } from '../tools.js';

/** The node has loaded its data, and it is what its files were found to hold, less what has expired since. */
export const dataLoaded: ConditionModule<'data-loaded'> = {
  see: (condition, at) =>
    withReader(at, condition.node, async (reader) => {
      const running = await runningOf(reader);
      if (running.loading) return { holds: false, seen: 'loading' };
      return compare(condition.node, running, at);
    }),
};

function compare(node: string, { keys }: RunningRedis, at: At): Sight {
  const checked = at.memory.checked.get(node);
  if (!checked) {
    const expected = node === at.plan.master ? (at.plan.expectedKeys ?? 0n) : 0n;
    return { holds: keys > 0n || expected === 0n, seen: `loaded ${keys} keys` };
  }
  const least = checked.keys - checked.expires;
  if (keys < least) return { holds: false, seen: `loaded ${keys} keys, its files hold ${checked.keys}` };
  const gone = checked.keys - keys;
  return { holds: true, seen: `loaded ${keys} keys${gone > 0n ? `, ${gone} expired on the way` : ''}` };
}
