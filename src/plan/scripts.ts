import { known } from '../model/seen.js';
import type { GroupSurvey, SentinelSurvey } from '../model/survey.js';
import { word } from './commands.js';

/**
 * The scripts that Sentinel would have called, each on the host of its sentinel and with the arguments that Sentinel gives
 * it: `client-reconfig-script` as `GROUP ROLE start FROM-IP FROM-PORT TO-IP TO-PORT`, where the one that led the failover
 * is the leader and every other one an observer (sentinel.c:sentinelCallClientReconfScript), and `notification-script` as
 * `EVENT DESCRIPTION` (sentinel.c:sentinelEvent). A sentinel that names the new master already had called them.
 */
export function scriptsOf(group: GroupSurvey, master: string): readonly string[] {
  const node = group.redis.find((item) => item.node === master);
  const to = `${node?.address}:${node?.port}`;
  const called = group.sentinels.flatMap((sentinel) => {
    const from = known(sentinel.view)?.master ?? known(sentinel.file)?.master;
    return from === undefined || from === to ? [] : scriptsOn(sentinel, group.group, from, to);
  });
  const leader = called.findIndex(({ isReconfig }) => isReconfig);
  return called.map(({ line }, index) => line(index === leader ? 'leader' : 'observer'));
}

interface Called {
  readonly isReconfig: boolean;
  readonly line: (role: 'leader' | 'observer') => string;
}

function scriptsOn(sentinel: SentinelSurvey, group: string, from: string, to: string): readonly Called[] {
  const moved = [...addressWords(from), ...addressWords(to)];
  return (known(sentinel.file)?.scripts ?? []).map((script) => {
    const [kind, ...path] = script.split(' ');
    const isReconfig = kind === 'client-reconfig-script';
    const line = (role: string): string => {
      const words = isReconfig ? [group, role, 'start', ...moved] : ['+switch-master', [group, ...moved].join(' ')];
      return `${sentinel.host}$ ${[path.join(' '), ...words].map(word).join(' ')}`;
    };
    return { isReconfig, line };
  });
}

function addressWords(address: string): readonly string[] {
  const colon = address.lastIndexOf(':');
  return [address.slice(0, colon), address.slice(colon + 1)];
}
