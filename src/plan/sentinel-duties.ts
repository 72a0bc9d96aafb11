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
 * event and its text, the reconfig script the group, `leader`, `start` and both addresses (sentinel.conf; sentinel.c:
 * sentinelCallClientReconfScript). From the address that each sentinel names; nothing where the master stays.
 */
export function scriptsOf(group: GroupSurvey, master: string): readonly string[] {
  const node = group.redis.find((item) => item.node === master);
  if (!node) return [];
  const lines = group.sentinels.flatMap((sentinel) => {
    const from = known(sentinel.view)?.master ?? known(sentinel.file)?.master;
    if (from === undefined || from === `${node.address}:${node.port}`) return [];
    const at = from.lastIndexOf(':');
    const moved = `${from.slice(0, at)} ${from.slice(at + 1)} ${node.address} ${node.port}`;
    return (known(sentinel.file)?.scripts ?? []).map((script) => {
      const [kind, ...path] = script.split(' ');
      const command = path.join(' ');
      return kind === 'notification-script'
        ? `on ${sentinel.host}: ${command} +switch-master "${group.group} ${moved}"`
        : `on ${sentinel.host}: ${command} ${group.group} leader start ${moved}`;
    });
  });
  return [...new Set(lines)];
}
