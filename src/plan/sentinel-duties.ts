import type { Plan } from '../model/plan.js';
import { known } from '../model/seen.js';
import type { GroupSurvey } from '../model/survey.js';

/** Other groups that a sentinel of this one watches. */
export function withoutFailover(group: GroupSurvey): Pick<Plan, 'withoutFailover'> {
  const others = new Set(group.sentinels.flatMap((sentinel) => known(sentinel.file)?.otherGroups ?? []));
  return others.size === 0 ? {} : { withoutFailover: [...others].sort() };
}

/**
 * What Sentinel would run for this change and nothing here does, with its own arguments: the notification script gets an
 * event and its text, the reconfig script the group, its role, `start` and both addresses. The sentinel that leads a failover
 * runs the second as `leader`, every other one as `observer` (sentinel.c: sentinelCallClientReconfScript, called where a
 * promotion is seen and where a hello brings another master); here the first that has one stands for the leader. From the
 * address that each sentinel names; nothing where the master stays.
 */
export function scriptsOf(group: GroupSurvey, master: string): readonly string[] {
  const node = group.redis.find((item) => item.node === master);
  if (!node) return [];
  let role = 'leader';
  const lines = group.sentinels.flatMap((sentinel) => {
    const from = known(sentinel.view)?.master ?? known(sentinel.file)?.master;
    if (from === undefined || from === `${node.address}:${node.port}`) return [];
    const at = from.lastIndexOf(':');
    const moved = `${from.slice(0, at)} ${from.slice(at + 1)} ${node.address} ${node.port}`;
    return (known(sentinel.file)?.scripts ?? []).map((script) => {
      const [kind, ...path] = script.split(' ');
      const command = path.join(' ');
      if (kind === 'notification-script')
        return `on ${sentinel.host}: ${command} +switch-master "${group.group} ${moved}"`;
      const as = role;
      role = 'observer';
      return `on ${sentinel.host}: ${command} ${group.group} ${as} start ${moved}`;
    });
  });
  return [...new Set(lines)];
}
