import type { Finding } from '../model/diagnosis.js';
import { known } from '../model/seen.js';
import type { GroupSurvey, HostSurvey, RedisSurvey } from '../model/survey.js';
import { listOf } from './names.js';
import { lastElected } from './sentinels.js';
import { addressOf, linkedTo } from './state.js';

/** What hosts out of reach mean: what their Redis may hold by the evidence of the others, and whether the sentinels that are left can elect. */
export function unseenHosts(group: GroupSurvey, hosts: readonly HostSurvey[]): readonly Finding[] {
  const dark = hosts.filter((host) => !host.reached.ok);
  return [
    ...dark.flatMap((host) => [unreachable(group, host), ...servesUnseen(group, host)]),
    ...tooFewSentinels(
      group,
      dark.map(({ host }) => host),
    ),
  ];
}

function unreachable(group: GroupSurvey, { host, reached }: HostSurvey): Finding {
  const why = reached.ok ? '' : reached.detail.replace(/\.$/, '');
  const nodes = group.redis.filter((node) => node.host === host);
  if (nodes.length === 0)
    return {
      id: 'sentinel-host-unreachable',
      severity: 'warning',
      nodes: [host],
      says: `${host} could not be looked at (${why}); it runs a sentinel only, so no data can be there`,
      blocks: false,
      next: `keep the sentinel on ${host} from starting until it was looked at: its file may name an old master`,
    };
  const held = nodes.map((node) => whatItMayHold(group, node)).join('; ');
  return {
    id: 'redis-host-unreachable',
    severity: 'error',
    nodes: [host],
    says: `${host} could not be looked at (${why}): it may hold fresher data. ${held}`,
    blocks: true,
    next: `reach ${host} first, or add --without ${host} --reason "..." when its data is given up`,
  };
}

/** From the sentinels' files and answers, and from the logs of the nodes that followed it. A witness each, never a proof of data. */
function whatItMayHold(group: GroupSurvey, node: RedisSurvey): string {
  const elected = lastElected(group);
  const address = addressOf(node);
  if (elected === undefined) return `Nothing in reach says whether ${node.node} was master`;
  const [vote] = elected.votes;
  const by = `epoch ${vote?.configEpoch}, by ${elected.votes.length} of ${group.sentinels.length} sentinels`;
  if (elected.address !== address) {
    const master = group.redis.find((each) => addressOf(each) === elected.address)?.node ?? elected.address;
    return `${node.node} was not the last elected master, ${master} was (${by}): it holds more only where it took writes unseen`;
  }
  const lost = whoLost(group, address);
  const since =
    lost.length === 0
      ? 'since when, no log in reach says'
      : `of the time since ${listOf(lost.map(({ name, at }) => `${name} lost it (${at})`))}`;
  return `${node.node} was the last elected master (${by}): it may hold writes that nobody else has, ${since}`;
}

/** The nodes whose log ends the link to a master at this address, and the last time that each says so, on its own clock. */
function whoLost(group: GroupSurvey, address: string): readonly { readonly name: string; readonly at: string }[] {
  return group.redis.flatMap((node) => {
    let follows: string | undefined;
    let at: string | undefined;
    for (const event of known(node.log) ?? []) {
      if (event.kind === 'replica-of' || event.kind === 'connecting-to-master') follows = event.address;
      if (event.kind === 'master-lost' && follows === address) at = event.at.local;
    }
    return at === undefined ? [] : [{ name: node.node, at }];
  });
}

/** A link that is up is an answer. */
function servesUnseen(group: GroupSurvey, { host }: HostSurvey): readonly Finding[] {
  return group.redis
    .filter((node) => node.host === host)
    .flatMap((node) => {
      const followers = linkedTo(node, group);
      if (followers.length === 0) return [];
      return [
        {
          id: 'unseen-master-serves',
          severity: 'error' as const,
          nodes: [node.node],
          says: `${node.node} serves: ${listOf(followers)} ${followers.length === 1 ? 'has' : 'have'} a link to it that is up. Only its host could not be looked at`,
          blocks: true,
          next: `redis-runbook doctor ${host}   says what keeps this login out of ${host}; a recovery would make a second master`,
        },
      ];
    });
}

/** A failover needs the votes of most of all sentinels that are known, those out of reach among them (sentinel.c:sentinelGetLeader). */
function tooFewSentinels(group: GroupSurvey, dark: readonly string[]): readonly Finding[] {
  const all = group.sentinels.length;
  const near = group.sentinels.filter(({ host }) => !dark.includes(host)).length;
  const most = Math.floor(all / 2) + 1;
  if (all === 0 || near >= most) return [];
  const missing = group.sentinels.filter(({ host }) => dark.includes(host)).map(({ host }) => host);
  return [
    {
      id: 'too-few-sentinels',
      severity: 'warning',
      nodes: missing,
      says: `${near} of ${all} sentinels are in reach, and a failover needs ${most}: after a recovery nobody could elect another master until ${most - near} more ${most - near === 1 ? 'is' : 'are'} back`,
      blocks: false,
    },
  ];
}
