import type { Condition } from '../../model/plan.js';
import { parseSentinelMaster } from '../../redis/info.js';
import { addressOf, answerOf, runningOf, withReader } from '../node.js';
import type { At, ConditionModule, Sight } from '../tools.js';

type FailedOver = Extract<Condition, { kind: 'failed-over' }>;

/**
 * The failover has come to its end: every listed sentinel names the same new master with no flag but `master`, it says
 * itself that it is master, and every other running node follows it with its link up. Whom Sentinel chose is kept for
 * what is proved later.
 */
export const failedOver: ConditionModule<'failed-over'> = {
  see: async (condition, at) => {
    const named = await Promise.all(condition.sentinels.map((node) => masterNamedBy(node, condition, at)));
    const [first] = named;
    if (first === undefined) return { holds: false, seen: 'no sentinel was asked' };
    const flags = named.find((each) => each.flags !== 'master');
    if (named.some((each) => each.address !== first.address))
      return { holds: false, seen: named.map(({ node, address }) => `${node}: ${address}`).join('; ') };
    if (first.address === condition.was)
      return { holds: false, seen: `${first.address} is still named (${first.flags})` };
    if (flags) return { holds: false, seen: `${flags.node} says ${flags.flags} of ${flags.address}` };
    const elected = condition.among.find((node) => addressOf(at, node) === first.address);
    if (elected === undefined) return { holds: false, seen: `Sentinel chose ${first.address}, which nobody expected` };
    const open = (await Promise.all(condition.running.map((node) => roleOpen(node, elected, at)))).filter(
      (each) => each !== undefined,
    );
    return settled(elected, open, at);
  },
};

function settled(elected: string, open: readonly string[], at: At): Sight {
  if (open.length > 0) return { holds: false, seen: open.join('; ') };
  at.memory.elected = elected;
  return { holds: true, seen: `${elected} is master, and every running node follows it` };
}

async function masterNamedBy(
  node: string,
  { group }: FailedOver,
  at: At,
): Promise<{ readonly node: string; readonly address: string; readonly flags: string }> {
  const answer = await withReader(at, node, (reader) => answerOf(reader, 'SENTINEL MASTER', group));
  const { master, flags } = parseSentinelMaster(answer);
  return { node, address: master, flags: flags.join(',') };
}

async function roleOpen(node: string, elected: string, at: At): Promise<string | undefined> {
  const { role, masterAddress, masterLinkUp } = await withReader(at, node, runningOf);
  if (node === elected) return role === 'master' ? undefined : `${node} is still a replica`;
  if (role === 'master') return `${node} says that it is master`;
  if (masterAddress !== addressOf(at, elected)) return `${node} follows ${masterAddress}`;
  return masterLinkUp ? undefined : `the link of ${node} is down`;
}
