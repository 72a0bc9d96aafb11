import type { Plan } from '../model/plan.js';
import type { GroupSurvey, Survey } from '../model/survey.js';
import { holdPath, startCommand, word } from './commands.js';
import type { RedisNode, Scene } from './scene.js';

/** What a plan says of a node that it leaves out: it stays held, and what must be done before it may start. */
export function leftOutOf({ entry, host }: RedisNode, why: string): Plan['leftOut'][number] {
  const release = `${host.become === 'sudo' ? 'sudo ' : ''}rm ${word(holdPath(host, entry))}`;
  return {
    host: host.name,
    node: entry.id,
    why,
    next: `${entry.id} stays held; its file already names the new master. Upgrade its server first, then type on ${host.name}: ${release} && ${startCommand(host, entry)}`,
  };
}

/** The hosts with a node of the group that could not be looked at, and why. */
export function unreachedOf(survey: Survey, group: GroupSurvey): Scene['unreached'] {
  const own = new Set([...group.redis, ...group.sentinels].map(({ host }) => host));
  return survey.hosts.flatMap(({ host, reached }) =>
    reached.ok || !own.has(host) ? [] : [{ host, why: reached.detail.replace(/\.$/, '') }],
  );
}
