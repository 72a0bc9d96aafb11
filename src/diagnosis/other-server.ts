import type { Finding } from '../model/diagnosis.js';
import type { RawProcess } from '../model/raw-host.js';
import { known } from '../model/seen.js';
import type { GroupSurvey, HostSurvey, RedisSurvey } from '../model/survey.js';

/**
 * A server that fleet.yaml does not name and that works in the data directory of one of its nodes (a server changes to
 * its `dir`: config.c:setConfigDirOption): both would write the same files, and what it has in memory nobody has looked at.
 */
export function otherServers(group: GroupSurvey, hosts: readonly HostSurvey[]): readonly Finding[] {
  const isIgnored = (endpoint: string): boolean =>
    group.ignored?.some(({ address, port }) =>
      port === undefined ? endpoint.startsWith(`${address}:`) : endpoint === `${address}:${port}`,
    ) ?? false;
  return group.redis.flatMap((node) => {
    const dir = known(node.config)?.dir;
    const others = hosts.find(({ host }) => host === node.host)?.unknownProcesses ?? [];
    return others
      .filter(({ cwd, title, listens }) => cwd === dir && !title.includes('[sentinel]') && !listens.some(isIgnored))
      .map((process) => findingOf(node, process));
  });
}

function findingOf({ node }: RedisSurvey, { pid, listens, cwd }: RawProcess): Finding {
  const [endpoint] = listens;
  return {
    id: 'other-server-in-data-dir',
    severity: 'error',
    nodes: [node],
    says: `another Redis (pid ${pid}${endpoint === undefined ? '' : `, ${endpoint}`}) works in ${cwd}, the data directory of ${node}`,
    blocks: true,
    next: 'see what it holds and end it, or name its address under ignore in fleet.yaml, with the reason; then look again',
  };
}
