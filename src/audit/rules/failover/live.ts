import { known, mapSeen, type Seen } from '../../../model/seen.js';
import { each, ifThere, together, where } from '../../need.js';
import { defineRule, type Problem } from '../../rule.js';
import type { GroupView, RedisNode, SentinelNode } from '../../view.js';
import { finderOf } from './addresses.js';
import { fixturesOf } from './page.js';
import { calm } from './roles.js';

/** Only of what runs: of a process that is known to be down there is nothing to ask. */
export function ofRunning<T>(seen: readonly Seen<T>[]): readonly Seen<T>[] {
  return seen.filter((one) => one.ok || one.why !== 'absent');
}

export const sentinelCkquorum = defineRule({
  id: 'sentinel-ckquorum',
  class: 'failover',
  severity: 'error',
  scope: 'topology',
  title: 'a sentinel says that a failover could not be authorised',
  rationale:
    'SENTINEL CKQUORUM counts the sentinels that answer against the quorum and against the majority of all that are known. NOQUORUM means that a failover cannot be agreed on, or not be carried out.',
  source: 'sentinel.c:sentinelIsQuorumReachable (2.8.22 and later); seen on 7.0.15',
  fix: 'Start the missing sentinels; where they are gone for good, SENTINEL RESET NAME on the others, 30 s apart, while the master is up.',
  fixtures: fixturesOf('sentinel-ckquorum'),
  needs: (group) => ({
    answers: each(ofRunning(group.sentinels.map((one) => quorumOf(one, group.name))), 'sentinel that runs'),
  }),
  check: ({ answers }) =>
    answers
      .filter(({ ok }) => !ok)
      .map(({ node, text }) => ({
        message: `${node.at.id} answers ${text.replace(/[.\s]+$/, '')}: no failover would be carried out`,
        at: { node: node.at, line: undefined },
      })),
});

function quorumOf(node: SentinelNode, group: string) {
  const view = node.view(group);
  const answer = view.ok ? view.value.ckquorum : view;
  return mapSeen(answer, ({ ok, text }) => ({ node, ok, text }));
}

export const sentinelTilt = defineRule({
  id: 'sentinel-tilt',
  class: 'failover',
  severity: 'warning',
  scope: 'sentinel',
  title: 'a sentinel is in TILT mode',
  rationale:
    'A sentinel whose clock jumped, or that did not run for some seconds, distrusts its own timers: for 30 s it watches, starts no failover, and answers that it sees no master down.',
  source: 'sentinel.c:sentinelCheckTiltCondition',
  fix: 'Wait 30 s and look again; if it comes back, see to the time service and to pauses of the machine.',
  fixtures: fixturesOf('sentinel-tilt'),
  needs: (sentinel) => ({ running: ifThere(sentinel.running) }),
  check: ({ running }) =>
    running.tilt ? [{ message: 'it is in TILT mode: for 30 s it starts no failover and calls no master down' }] : [],
});

/** The offset is measured over the line to each host, and is out by half the time of an exchange at worst. */
const skewMs = 2000;

export const clockSkew = defineRule({
  id: 'clock-skew',
  class: 'failover',
  severity: 'warning',
  scope: 'cross-node',
  title: 'the clocks of the hosts differ',
  rationale:
    'The order of events on two hosts is read from their logs; with clocks that differ it is read wrongly. A clock that is then set right in one step puts a sentinel into TILT: for 30 s it starts no failover.',
  source: 'sentinel.c:sentinelCheckTiltCondition',
  fix: 'Run a time service (chrony) on every host, and let it slew, not step.',
  fixtures: fixturesOf('clock-skew'),
  needs: (group) => ({
    clocks: each(
      group.hosts.map(({ host, clockOffsetMs }) => mapSeen(clockOffsetMs, (offsetMs) => ({ host, offsetMs }))),
      'hosts',
      2,
    ),
  }),
  check: ({ clocks }): readonly Problem[] => {
    const [first, ...others] = [...clocks].sort((a, b) => a.offsetMs - b.offsetMs);
    const last = others.at(-1);
    if (first === undefined || last === undefined || last.offsetMs - first.offsetMs <= skewMs) return [];
    const seconds = ((last.offsetMs - first.offsetMs) / 1000).toFixed(1);
    return [
      {
        message: `the clock of ${last.host} is ${seconds} s ahead of that of ${first.host}: their logs cannot be compared by time`,
      },
    ];
  },
});

export const replicaLinkDown = defineRule({
  id: 'replica-link-down',
  class: 'failover',
  severity: 'error',
  scope: 'redis',
  title: 'a replica has no link to its master',
  rationale:
    'The replica gets no writes. When the master dies now, it is promoted with what it had, or, after ten times down-after-milliseconds, not at all.',
  source: 'INFO replication, master_link_status; sentinel.c:sentinelSelectSlave',
  fix: 'See the log of the replica: a password (masterauth), an address, a firewall, or a copy that does not fit.',
  fixtures: fixturesOf('replica-link-down'),
  needs: (node) => ({
    running: where(node.running, ({ role }) => role === 'replica', 'it is a master'),
    runs: ifThere(node.running),
  }),
  check: ({ running }): readonly Problem[] => {
    if (running.masterLinkUp !== false) return [];
    const copies = running.syncInProgress || running.loading;
    const message = copies
      ? `it loads a full copy from ${running.masterAddress ?? 'its master'}: until that is done it has no data to take over with`
      : `its link to ${running.masterAddress ?? 'its master'} is down: it gets no writes`;
    return [{ message, ...(copies ? { severity: 'warning' as const } : {}) }];
  },
});

interface Watcher {
  readonly node: SentinelNode;
  readonly view: Extract<ReturnType<SentinelNode['view']>, { ok: true }>['value'];
}

export const sentinelFirewall = defineRule({
  id: 'sentinel-firewall',
  class: 'failover',
  severity: 'error',
  scope: 'cross-node',
  title: 'a sentinel does not reach a node that runs',
  rationale:
    'A sentinel that takes another one for down does not ask for its vote; one that takes a node for down does not promote it, or starts a failover for nothing. When the node answers everybody else, the way between the two is closed, or the sentinel is not let in.',
  source: 'sentinel.c:sentinelCheckSubjectivelyDown; SENTINEL MASTER, REPLICAS and SENTINELS show s_down',
  fix: 'Open the redis and sentinel ports between all hosts of the group, both ways; then compare the passwords.',
  fixtures: fixturesOf('sentinel-firewall'),
  needs: (group) => ({
    calm: calm(group),
    watchers: each(
      ofRunning(group.sentinels.map((node) => mapSeen(node.view(group.name), (view): Watcher => ({ node, view })))),
      'sentinel that runs',
    ),
    nodes: each(ofRunning(awake(group)), 'node that runs'),
  }),
  check: ({ watchers, nodes }) =>
    watchers.flatMap(({ node, view }) => {
      const lost = downFor(view);
      const blocked = nodes.filter(
        (one) => one.names.some((name) => lost.has(name)) && one.uptimeSeconds * 1000 > view.downAfterMs + settleMs,
      );
      if (blocked.length === 0) return [];
      const ids = blocked.map(({ id }) => id).join(', ');
      return [
        {
          message: `${node.at.id} takes ${ids} for down, and ${blocked.length === 1 ? 'it answers' : 'they answer'} here: not reached, or not let in, from there`,
          at: { node: node.at, line: undefined },
        },
      ];
    }),
});

/** A node that came up a moment ago may not have been asked yet. */
const settleMs = 15_000;

interface Awake {
  readonly id: string;
  /** Ids of sentinels, addresses of redis nodes: what a sentinel calls it. */
  readonly names: readonly string[];
  readonly uptimeSeconds: number;
}

/** Every node that answered us, but one that still loads, and a monitored one that is no master: both count as down. */
function awake(group: GroupView): readonly Seen<Awake>[] {
  const find = finderOf(group);
  const views = group.sentinels.flatMap((one) => known(one.view(group.name)) ?? []);
  const addresses = [
    ...new Set(views.flatMap((view) => [view.master, ...view.replicas.map(({ address }) => address)])),
  ];
  const masters = new Set(views.map(({ master }) => master));
  const redis = group.redis.map((node: RedisNode) =>
    mapSeen(node.running, ({ uptimeSeconds, loading, role }) => ({
      id: node.at.id,
      names: addresses.filter(
        (address) => find(address) === node && !loading && (role === 'master' || !masters.has(address)),
      ),
      uptimeSeconds,
    })),
  );
  const sentinels = group.sentinels.map((node) =>
    mapSeen(together({ running: node.running }), ({ running }) => ({
      id: node.at.id,
      names: [running.myid],
      uptimeSeconds: running.uptimeSeconds,
    })),
  );
  return [...redis, ...sentinels];
}

/** What the sentinel calls down by itself: addresses, and ids of other sentinels. */
function downFor(view: Watcher['view']): ReadonlySet<string> {
  const isDown = (flags: readonly string[]) => flags.includes('s_down');
  return new Set([
    ...(isDown(view.flags) ? [view.master] : []),
    ...view.replicas.filter(({ flags }) => isDown(flags)).map(({ address }) => address),
    ...view.peers.filter(({ flags }) => isDown(flags)).map(({ runId }) => runId),
  ]);
}
