import type { Plan } from '../model/plan.js';
import { holdPath, startCommand, word } from './commands.js';
import type { RedisNode } from './scene.js';

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
