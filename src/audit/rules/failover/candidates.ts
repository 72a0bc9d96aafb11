import { known, mapSeen, type NotSeen, type Seen } from '../../../model/seen.js';
import { each, every, together, where } from '../../need.js';
import { defineRule } from '../../rule.js';
import { isYes, numberOf, spotOf } from '../../settings.js';
import type { GroupView, RedisNode, Setting } from '../../view.js';
import { finderOf, knownReplicas, membersOf, monitorOf, optionNumber } from './addresses.js';
import { fixturesOf } from './page.js';
import { type Role, roleOf } from './roles.js';
import { myidOf } from './sentinel-count.js';

interface Candidate {
  readonly role: Role;
  readonly setting: Setting;
  /** What INFO says while it runs, else what the file says. */
  readonly priority: number;
  readonly announced: boolean;
}

function candidateOf(node: RedisNode): Seen<Candidate> {
  const live = Number(known(node.info)?.get('slave_priority') ?? Number.NaN);
  const seen = together({
    role: roleOf(node),
    setting: node.setting('replica-priority'),
    announced: node.setting('replica-announced'),
  });
  return mapSeen(seen, ({ role, setting, announced }) => ({
    role,
    setting,
    priority: Number.isNaN(live) ? numberOf(setting, 100) : live,
    announced: isYes(announced, true),
  }));
}

/** Replicas that a sentinel knows and whose file was not given: what they are cannot be told. */
function ungiven(group: GroupView): readonly NotSeen[] {
  return group.declared ? [] : strangers(group);
}

function strangers(group: GroupView): readonly NotSeen[] {
  const find = finderOf(group);
  return group.sentinels.flatMap(({ conf }): readonly NotSeen[] => {
    if (!conf.ok) return [];
    const address = knownReplicas(conf.value, group.name).find((one) => find(one) === undefined);
    if (address === undefined) return [];
    const detail = `sentinels know a replica at ${address}, which nothing else is known of`;
    return [{ ok: false, why: 'not-asked', detail, from: conf.from, at: conf.at }];
  });
}

export const allReplicasPriorityZero = defineRule({
  id: 'all-replicas-priority-zero',
  class: 'failover',
  severity: 'error',
  scope: 'topology',
  title: 'no replica may be promoted',
  rationale:
    'replica-priority 0 keeps a replica from ever being chosen, and replica-announced no keeps it from being known. When that is all of them, every failover ends in -failover-abort-no-good-slave.',
  source: 'sentinel.c:sentinelSelectSlave; seen on 7.0.15',
  fix: 'Give at least one replica a replica-priority above 0: CONFIG SET replica-priority 100, and in its file.',
  fixtures: fixturesOf('all-replicas-priority-zero'),
  needs: (group) => ({
    nodes: every([...membersOf(group).map(candidateOf), ...ungiven(group)], 'redis node that replicates'),
  }),
  check: ({ nodes }, { name }) => {
    const replicas = nodes.filter(({ role }) => role.follows !== undefined);
    if (replicas.length === 0 || replicas.some(({ priority, announced }) => priority !== 0 && announced)) return [];
    const [first, ...others] = replicas.map(({ setting }) => spotOf(setting));
    return [
      {
        message: `no replica of ${name} may be promoted (${replicas.map(({ role }) => role.node.id).join(', ')}): every failover is given up`,
        ...(first === undefined ? {} : { at: first }),
        beside: others,
        changes: replicas.slice(0, 1).map(({ setting }) => ({ ...spotOf(setting), now: 'replica-priority 100' })),
      },
    ];
  },
});

export const replicaPriorityUneven = defineRule({
  id: 'replica-priority-uneven',
  class: 'failover',
  severity: 'info',
  scope: 'topology',
  title: 'some nodes are preferred as master',
  rationale:
    'Sentinel chooses the lowest replica-priority first and asks only among equals who has more data. A preferred replica that lags is promoted all the same.',
  source: 'sentinel.c:compareSlavesForPromotion',
  fix: 'Keep the priorities equal, or record in the policy file why a node is preferred.',
  fixtures: fixturesOf('replica-priority-uneven'),
  needs: (group) => ({
    priorities: each(
      membersOf(group).map((node) => node.setting('replica-priority')),
      'redis nodes that replicate',
      2,
    ),
  }),
  check: ({ priorities }, { name }) => {
    const electable = priorities.filter((setting) => numberOf(setting, 100) > 0);
    const sorted = [...electable].sort((a, b) => numberOf(a, 100) - numberOf(b, 100));
    const [best, ...others] = sorted;
    if (best === undefined || others.every((one) => numberOf(one, 100) === numberOf(best, 100))) return [];
    const says = sorted.map((one) => `${one.node.id} ${numberOf(one, 100)}`).join(', ');
    return [
      {
        message: `the priorities of ${name} are not equal (${says}): the lowest is promoted, whoever has more data`,
        at: spotOf(best),
        beside: others.map(spotOf),
      },
    ];
  },
});

export const replicaAnnouncedNo = defineRule({
  id: 'replica-announced-no',
  class: 'failover',
  severity: 'warning',
  scope: 'redis',
  versions: { redis: { from: '6.2' }, valkey: {} },
  title: 'a replica hides from the sentinels',
  rationale:
    'With replica-announced no the master does not tell the sentinels of this replica: it is never promoted, and it is not pointed at the new master after a failover.',
  source: 'redis.conf, REPLICATION: replica-announced; sentinel.c:sentinelRefreshInstanceInfo',
  fix: 'Set replica-announced yes, or replica-priority 0 where it must never become master.',
  fixtures: fixturesOf('replica-announced-no'),
  needs: (node) => ({
    announced: where(
      node.setting('replica-announced'),
      ({ line }) => line !== undefined,
      'replica-announced is not set',
    ),
    priority: node.setting('replica-priority'),
  }),
  check: ({ announced, priority }) =>
    isYes(announced, true) || numberOf(priority, 100) === 0
      ? []
      : [
          {
            message:
              'replica-announced is no and its priority is not 0: sentinels do not know it and can never promote it',
            at: spotOf(announced),
            beside: priority.line === undefined ? [] : [spotOf(priority)],
            changes: [{ ...spotOf(announced), now: 'replica-announced yes' }],
          },
        ],
});

/** The nodes of a group that is monitored; what was not given may be the replica. */
function monitoredNodes(group: GroupView): readonly Seen<Role>[] {
  if (group.sentinels.length === 0) return [];
  const members = (group.declared ? group.redis : membersOf(group)).map(roleOf);
  const [conf] = group.sentinels.flatMap((one) => (one.conf.ok ? [one.conf] : []));
  const [other] = strangers(group);
  if (other !== undefined) return [...members, other];
  if (group.declared || conf === undefined) return members;
  const started = group.sentinels.some((one) => one.conf.ok && myidOf(one.conf.value) !== undefined);
  const replicas = members.some((role) => role.ok && role.value.follows !== undefined);
  if (started || replicas) return members;
  const detail = 'no file of a replica was given, and no sentinel ran yet that would know one';
  return [...members, { ok: false, why: 'not-asked', detail, from: conf.from, at: conf.at }];
}

export const noReplica = defineRule({
  id: 'no-replica',
  class: 'failover',
  severity: 'error',
  scope: 'topology',
  title: 'a monitored master has no replica',
  rationale:
    'There is nothing to fail over to: the sentinels see the master die and end in -failover-abort-no-good-slave.',
  source: 'sentinel.c:sentinelSelectSlave',
  fix: 'Add a replica on a machine of its own.',
  fixtures: fixturesOf('no-replica'),
  needs: (group) => ({ nodes: every(monitoredNodes(group), 'redis node that a sentinel monitors') }),
  check: ({ nodes }, { name }) => {
    const [only] = nodes;
    if (only === undefined || nodes.length > 1 || only.follows !== undefined) return [];
    return [
      {
        message: `${only.node.id} is the only node of ${name}: there is nothing to fail over to`,
        at: { node: only.node, line: undefined },
      },
    ];
  },
});

/** After a failover two nodes are busy: the new master and the dead one. The rest is what parallel-syncs is about. */
export const parallelSyncsAll = defineRule({
  id: 'parallel-syncs-all',
  class: 'failover',
  severity: 'warning',
  scope: 'cross-node',
  title: 'all replicas follow a new master at the same time',
  rationale:
    'A replica that loads a full copy of its master answers no reads meanwhile. With parallel-syncs as high as the number of replicas that are left, none of them answers, and the new master forks and sends for all of them.',
  source:
    'redis.io, "High availability with Redis Sentinel": parallel-syncs; sentinel.c:sentinelFailoverReconfNextSlave',
  fix: 'Set parallel-syncs to 1.',
  fixtures: fixturesOf('parallel-syncs-all'),
  needs: (group) => ({
    nodes: every([...membersOf(group).map((node) => node.texts), ...ungiven(group)], 'redis node that replicates'),
    sentinels: each(
      group.sentinels.map(({ conf }) => conf),
      'sentinel',
    ),
  }),
  check: ({ nodes, sentinels }, { name }) => {
    const left = nodes.length - 2;
    return sentinels.flatMap((conf) => {
      const monitor = monitorOf(conf, name);
      const value = optionNumber(conf, name, 1, 'parallel-syncs');
      if (left < 2 || Number.isNaN(value) || value < left || monitor === undefined) return [];
      const line = conf.statements.findLast((one) => one.group === name && one.sub === 'parallel-syncs')?.line;
      return [
        {
          message: `the parallel-syncs of ${name} is ${value}: after a failover all ${left} remaining replicas load a copy at once and answer no reads`,
          at: { node: conf.node, line },
          changes: [{ node: conf.node, line, now: `sentinel parallel-syncs ${name} 1` }],
        },
      ];
    });
  },
});
