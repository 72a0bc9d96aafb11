import { mapSeen, type Seen } from '../../../model/seen.js';
import { each, together } from '../../need.js';
import { defineRule } from '../../rule.js';
import { spotOf } from '../../settings.js';
import type { GroupView, Setting } from '../../view.js';
import { finderOf } from './addresses.js';
import { ofRunning } from './live.js';
import { fixturesOf } from './page.js';
import { calm } from './roles.js';

/** A replica that replicates, and the addresses at which sentinels look for replicas in vain. */
interface Linked {
  readonly id: string;
  readonly announced: Setting;
  /** The node that it follows, where the link is up and it has run for a while; else undefined. */
  readonly follows: string | undefined;
}

interface Listed {
  readonly sentinel: string;
  readonly master: string | undefined;
  /** Ids of the nodes that it knows by an address of theirs. */
  readonly met: ReadonlySet<string | undefined>;
  /** Addresses that are of no node and at which nobody answers it. */
  readonly lost: readonly string[];
}

export const natWithoutAnnounce = defineRule({
  id: 'nat-without-announce',
  class: 'failover',
  severity: 'error',
  scope: 'cross-node',
  versions: { redis: { from: '3.2' }, valkey: {} },
  title: 'sentinels look for a replica at an address that is not its own',
  rationale:
    'A master knows its replicas by the address from which they connect. Behind a mapped port or a translated address that is not where they can be reached: sentinels take such a replica for down and never promote it.',
  source: 'redis.io, "High availability with Redis Sentinel": Sentinel, Docker, NAT, and possible issues',
  fix: 'Set replica-announce-ip and replica-announce-port on every node (sentinel announce-ip and announce-port on every sentinel) to what the others can reach.',
  fixtures: fixturesOf('nat-without-announce'),
  needs: (group) => ({
    calm: calm(group),
    replicas: each(ofRunning(group.declared ? linked(group) : []), 'redis node that is declared and runs'),
    lists: each(ofRunning(listsOf(group)), 'sentinel that runs'),
  }),
  check: ({ replicas, lists }) =>
    replicas.flatMap(({ id, announced, follows }) => {
      if (follows === undefined || announced.words.length > 0) return [];
      const blind = lists.filter(({ master, met, lost }) => master === follows && !met.has(id) && lost.length > 0);
      if (blind.length === 0) return [];
      const addresses = [...new Set(blind.flatMap(({ lost }) => lost))].join(', ');
      const names = blind.map(({ sentinel }) => sentinel).join(', ');
      return [
        {
          message: `${names} do not know ${id} by its own address, and nobody answers at ${addresses}: it cannot be promoted`,
          at: spotOf(announced),
        },
      ];
    }),
});

/** Sentinels read the list of replicas every ten seconds. */
const settleSeconds = 30;

function linked(group: GroupView): readonly Seen<Linked>[] {
  const find = finderOf(group);
  return group.redis.map((node) => {
    const seen = together({ running: node.running, announced: node.setting('replica-announce-ip') });
    return mapSeen(seen, ({ running, announced }) => {
      const up = running.masterLinkUp === true && !running.syncInProgress && running.uptimeSeconds > settleSeconds;
      return { id: node.at.id, announced, follows: up ? find(running.masterAddress ?? '')?.at.id : undefined };
    });
  });
}

function listsOf(group: GroupView): readonly Seen<Listed>[] {
  const find = finderOf(group);
  return group.sentinels.map((sentinel) =>
    mapSeen(sentinel.view(group.name), ({ master, replicas }) => ({
      sentinel: sentinel.at.id,
      master: find(master)?.at.id,
      met: new Set(replicas.map(({ address }) => find(address)?.at.id)),
      lost: replicas
        .filter(
          ({ address, flags }) => find(address) === undefined && flags.includes('s_down') && !address.endsWith(':0'),
        )
        .map(({ address }) => address),
    })),
  );
}
