import { syncFailure } from '../../redis/sync-failure.js';
import { logTail } from '../last-words.js';
import { addressOf, configOf, nodeAt, pidOf, runningOf, withReader } from '../node.js';
import type { At, ConditionModule } from '../tools.js';

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
  hopeless: async ({ node, master }, at) => {
    if ((await pidOf(at, master)) === null) return `${master} does not run any more`;
    const pid = await pidOf(at, node);
    if (pid === null) return `${node} does not run any more`;
    const why = syncFailure(await logOf(node, at), pid);
    return why === undefined ? undefined : `the copy fails again and again: ${why}`;
  },
};

function logOf(node: string, at: At): Promise<string> {
  return withReader(at, node, async (reader) => {
    const [dir = '', logfile] = [await configOf(reader, 'dir'), await configOf(reader, 'logfile')];
    return logTail(nodeAt(at, node).named, dir, logfile, at.signal);
  });
}
