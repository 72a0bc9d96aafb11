import { each, every, together } from '../../need.js';
import { defineRule } from '../../rule.js';
import { numberOf, optionOf, spotOf } from '../../settings.js';
import type { GroupView, RedisNode, Setting } from '../../view.js';

function minReplicas(node: RedisNode) {
  return together({ least: node.setting('min-replicas-to-write'), lag: node.setting('min-replicas-max-lag') });
}

/** 0 for `least` or `lag` switches it off (replication.c:refreshGoodSlavesCount). */
function leastOf({ least, lag }: { readonly least: Setting; readonly lag: Setting }): number {
  return numberOf(lag, 10) === 0 ? 0 : numberOf(least, 0);
}

/** Replicas that a sentinel of the group wrote down, by address. */
function knownReplicas(group: GroupView): number {
  const known = group.sentinels.map(({ conf }) =>
    conf.ok
      ? new Set(
          conf.value.statements
            .filter(({ sub, group: name }) => name === group.name && /^known-(?:replica|slave)$/.test(sub))
            .map(({ words }) => words.join(':')),
        ).size
      : 0,
  );
  return Math.max(0, ...known);
}

export const minReplicasUnset = defineRule({
  id: 'min-replicas-unset',
  class: 'data-loss',
  severity: 'info',
  scope: 'topology',
  title: 'a master that is cut off goes on taking writes',
  rationale:
    'A master on the wrong side of a network failure keeps answering its clients while the sentinels make another one. When it is back it is overwritten, and all that it took meanwhile is gone. With min-replicas-to-write 1 it refuses writes as soon as no replica follows.',
  source:
    'Redis documentation, Sentinel, "Example 2: basic setup with three boxes"; replication.c:refreshGoodSlavesCount',
  fix: 'Set min-replicas-to-write 1 and min-replicas-max-lag 10 on every node, where a group has three nodes or more.',
  fixtures: {
    fails: 'test/audit/fixtures/min-replicas-unset/fails',
    nearMiss: 'test/audit/fixtures/min-replicas-unset/near-miss',
  },
  needs: (group) => ({
    nodes: every(group.redis.length < 3 ? [] : group.redis.map(minReplicas), 'group of three redis nodes or more'),
    sentinels: every(
      group.sentinels.map(({ conf }) => conf),
      'sentinel',
    ),
  }),
  check: ({ nodes }) => {
    if (nodes.some((node) => leastOf(node) > 0)) return [];
    const [first, ...others] = nodes.map(({ least }) => spotOf(least));
    return [
      {
        message: 'min-replicas-to-write is 0: a master that is cut off goes on taking writes that are lost later',
        ...(first === undefined ? {} : { at: first }),
        beside: others.filter(({ line }) => line !== undefined),
      },
    ];
  },
});

export const minReplicasUnreachable = defineRule({
  id: 'min-replicas-unreachable',
  class: 'data-loss',
  severity: 'error',
  scope: 'topology',
  title: 'after one failure no node would take writes',
  rationale:
    'After a failover the new master has one replica less than the old one had, until the old one is back. Where min-replicas-to-write asks for more, the failover ends with a master that answers NOREPLICAS to every write.',
  source: 'server.c:processCommand; "NOREPLICAS Not enough good replicas to write", seen on 7.0.15',
  fix: 'Set min-replicas-to-write to at most the number of nodes less two, or add a replica.',
  fixtures: {
    fails: 'test/audit/fixtures/min-replicas-unreachable/fails',
    nearMiss: 'test/audit/fixtures/min-replicas-unreachable/near-miss',
  },
  needs: (group) => ({
    nodes: each(group.redis.map(minReplicas), 'redis nodes', 2),
    sentinels: every(
      group.sentinels.map(({ conf }) =>
        conf.ok
          ? { ...conf, value: { known: knownReplicas(group), monitor: optionOf(conf.value, group.name, 'monitor') } }
          : conf,
      ),
      'sentinel',
    ),
    all: every(
      group.redis.map((node) => node.setting('replicaof')),
      'redis node',
    ),
  }),
  check: ({ nodes, sentinels, all }) => {
    const count = Math.max(all.length, ...sentinels.map(({ known }) => known + 1));
    return nodes
      .filter((node) => leastOf(node) > count - 2)
      .map((node) => ({
        message: `min-replicas-to-write ${leastOf(node)} in a group of ${count} nodes: after one failure the new master refuses every write`,
        at: spotOf(node.least),
        // Files of some nodes may be all that was given; what a sentinel wrote down is the whole group.
        severity: sentinels.some(({ known }) => known > 0) ? 'error' : 'warning',
      }));
  },
});
