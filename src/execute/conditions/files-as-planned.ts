import { parseSentinelFile } from '../../redis/sentinel-conf.js';
import { readConfig } from '../config-texts.js';
import { effectiveOf } from '../data-place.js';
import { addressOf, nodeAt } from '../node.js';
import type { At, ConditionModule } from '../tools.js';

/** What the files will give at the next start is what the plan made: the roles in redis.conf, the master in sentinel.conf. */
export const filesAsPlanned: ConditionModule<'files-as-planned'> = {
  see: async (condition, at) => {
    const problems = (await Promise.all(condition.nodes.map((node) => problemOf(node, at)))).filter(
      (problem) => problem !== undefined,
    );
    return problems.length === 0
      ? { holds: true, seen: `the files of ${condition.nodes.length} nodes give the same after a restart` }
      : { holds: false, seen: problems.join('; ') };
  },
};

async function problemOf(node: string, at: At): Promise<string | undefined> {
  const { entry, host } = nodeAt(at, node);
  const elected = at.memory.elected ?? at.plan.master;
  const master = addressOf(at, elected);
  if (entry.kind === 'sentinel') {
    const { text } = await readConfig(host, entry.config, at.signal);
    const file = parseSentinelFile(entry.config, text, at.plan.group);
    return file.master === master ? undefined : `${node}: its file says that ${file.master} is master`;
  }
  const [host_, port] = (await effectiveOf(at, node)).scalar('replicaof')?.args ?? [];
  const isMaster = host_ === undefined || (host_.toLowerCase() === 'no' && port?.toLowerCase() === 'one');
  const wanted = node === elected ? undefined : master;
  const is = isMaster ? undefined : `${host_}:${port}`;
  return is === wanted ? undefined : `${node}: its file makes it ${is ? `a replica of ${is}` : 'a master'}`;
}
