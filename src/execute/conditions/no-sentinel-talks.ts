import { answerOf, withReader } from '../node.js';
import type { At, ConditionModule } from '../tools.js';

/** The names that sentinels give their connections (sentinel.c:sentinelSetClientName), 2.8.12 and later. */
const SENTINEL_CLIENT = /\baddr=(\S+):\d+ .*\bname=sentinel-[0-9a-f]{8}-(?:cmd|pubsub)\b/;

/**
 * No sentinel has a connection to any of the nodes. One that fleet.yaml does not name would go on acting on its own
 * while the listed ones are held. A node that does not say who its clients are speaks neither way.
 */
export const noSentinelTalks: ConditionModule<'no-sentinel-talks'> = {
  see: async (condition, at) => {
    const found = await Promise.all(condition.nodes.map((node) => sentinelsAt(node, at)));
    const talking = found.flat();
    return talking.length === 0
      ? { holds: true, seen: 'no sentinel has a connection to a redis node' }
      : { holds: false, seen: `${talking.join('; ')}: a sentinel that runs and was not stopped` };
  },
};

async function sentinelsAt(node: string, at: At): Promise<readonly string[]> {
  const listed = await withReader(at, node, async (reader) => String(await answerOf(reader, 'CLIENT LIST'))).catch(
    async (error: Error) => {
      await at.evidence(`${node} does not say who its clients are: ${error.message}`);
      return '';
    },
  );
  const from = listed.split('\n').flatMap((line) => SENTINEL_CLIENT.exec(line)?.[1] ?? []);
  return [...new Set(from)].map((address) => `${node} is talked to from ${address}`);
}
