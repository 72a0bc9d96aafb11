import { runningOf, withReader } from '../node.js';
import type { At, ConditionModule } from '../tools.js';

/** Every listed process is the one that was surveyed: a server draws a new run id at each start (server.c:initServerConfig). */
export const notRestarted: ConditionModule<'not-restarted'> = {
  see: async (condition, at) => {
    const wrong = (await Promise.all(condition.nodes.map((each) => otherThan(each, at)))).filter(
      (each) => each !== undefined,
    );
    return wrong.length === 0
      ? { holds: true, seen: `${condition.nodes.length} run ids as before` }
      : { holds: false, seen: wrong.join('; ') };
  },
};

async function otherThan(
  { node, runId }: { readonly node: string; readonly runId: string },
  at: At,
): Promise<string | undefined> {
  const now = await withReader(at, node, runningOf);
  return now.runId === runId ? undefined : `${node} is another process than before`;
}
