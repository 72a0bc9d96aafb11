import { known, mapSeen, type Seen } from '../../../model/seen.js';
import { lowerAscii } from '../../../redis/tokenise.js';
import { atLeast } from '../../../redis/versions.js';
import { each, together } from '../../need.js';
import { defineRule, type Problem } from '../../rule.js';
import { isYes, monitorsOf, ownOptionOf, spotOf, wordOf } from '../../settings.js';
import type { GroupView, RedisNode, Setting } from '../../view.js';
import { bindsLoopbackOnly, finderOf, isNumeric, isRoutable, membersOf, monitorOf } from './addresses.js';
import { type Login, loginOf } from './logins.js';
import { fixturesOf } from './page.js';
import { type Role, roleInFile } from './roles.js';
import { knownSentinels } from './sentinel-count.js';

const since32 = { redis: { from: '3.2' }, valkey: {} } as const;

export const sentinelBindLoopback = defineRule({
  id: 'sentinel-bind-loopback',
  class: 'failover',
  severity: 'error',
  scope: 'cross-node',
  title: 'a sentinel listens on loopback only',
  rationale:
    'The other sentinels are told to reach it at the address from which it talks to the master. It does not listen there: it is never asked for its vote, and clients cannot ask it either.',
  source: 'sentinel.c:sentinelSendHello announces the local address of the link to the master',
  fix: 'Bind the address of the machine, and 127.0.0.1 after it if it is wanted.',
  fixtures: fixturesOf('sentinel-bind-loopback'),
  needs: (group) => ({
    sentinels: each(
      group.sentinels.map((one) =>
        together({ conf: one.conf, loopback: bindsLoopbackOnly(one), bind: one.setting('bind') }),
      ),
      'sentinel',
    ),
  }),
  check: ({ sentinels }, { name }) =>
    sentinels.flatMap(({ conf, loopback, bind }) => {
      const monitor = monitorOf(conf, name);
      const others = sentinels.length > 1 || knownSentinels(conf, name).length > 0 || (monitor?.quorum ?? 0) > 1;
      const elsewhere = ownOptionOf(conf, 'announce-ip').words.length > 0;
      if (!loopback || !others || elsewhere || monitor === undefined || !isRoutable(monitor.host)) return [];
      return [
        {
          message: `${conf.node.id} listens on ${bind.words.join(' ')} and monitors ${monitor.address}: no other sentinel can reach it`,
          at: spotOf(bind),
          beside: [spotOf(monitor)],
        },
      ];
    }),
});

interface Reached {
  readonly node: RedisNode;
  readonly role: Role;
  readonly bind: Setting;
  readonly announced: Setting;
  readonly loopback: boolean;
  /** An address of another machine, or the own one, under which others of the group talk to it. */
  readonly from: string | undefined;
}

/** Each node with the proof that others reach for it over the network. */
function reachedOf(group: GroupView): readonly Seen<Reached>[] {
  const find = finderOf(group);
  const named = group.sentinels.flatMap(({ conf }) => {
    const value = known(conf);
    const monitor = value === undefined ? undefined : monitorOf(value, group.name);
    return monitor === undefined || !isRoutable(monitor.host) ? [] : [monitor.address];
  });
  const followed = group.redis.flatMap((node) => followedAddress(node));
  return membersOf(group).map((node) => {
    const seen = together({
      role: roleInFile(node),
      bind: node.setting('bind'),
      announced: node.setting('replica-announce-ip'),
      loopback: bindsLoopbackOnly(node),
    });
    return mapSeen(seen, (value) => ({
      node,
      ...value,
      from:
        followedAddress(node)[0] ??
        [...named, ...followed].find((address) => find(address) === node) ??
        (named.length + followed.length > 0 ? declaredAt(node, group) : undefined),
    }));
  });
}

/** The routable address of the master that the files name. */
function followedAddress(node: RedisNode): readonly string[] {
  const master = known(node.gives)?.replicaOf;
  return master === undefined || !isRoutable(master.host) ? [] : [`${master.host}:${master.port}`];
}

function declaredAt(node: RedisNode, group: GroupView): string | undefined {
  const others = [...group.redis, ...group.sentinels].some(({ at }) => at.host !== node.at.host);
  return group.declared && others && isRoutable(node.at.address) ? `${node.at.address}:${node.at.port}` : undefined;
}

export const redisBindLoopback = defineRule({
  id: 'redis-bind-loopback',
  class: 'failover',
  severity: 'error',
  scope: 'cross-node',
  title: 'a redis node listens on loopback only',
  rationale:
    'Replicas, sentinels and clients on other machines cannot connect to it. As a replica it works until the day on which it is to become master.',
  source: 'redis.conf, NETWORK: bind',
  fix: 'Bind the address of the machine, and 127.0.0.1 after it if it is wanted.',
  fixtures: fixturesOf('redis-bind-loopback'),
  needs: (group) => ({ nodes: each(reachedOf(group), 'redis node that replicates') }),
  check: ({ nodes }) =>
    nodes.flatMap(({ node, role, bind, announced, loopback, from }): readonly Problem[] => {
      if (!loopback || from === undefined || announced.words.length > 0) return [];
      const what = role.follows === from ? `follows ${from}` : `is reached for at ${from}`;
      return [
        {
          message: `${node.at.id} listens on ${bind.words.join(' ')} and ${what}: nobody on another machine can connect to it`,
          at: spotOf(bind),
        },
      ];
    }),
});

export const sentinelProtectedMode = defineRule({
  id: 'sentinel-protected-mode',
  class: 'failover',
  severity: 'error',
  scope: 'sentinel',
  versions: since32,
  title: "a sentinel's protected mode turns the other sentinels away",
  rationale:
    'In protected mode a sentinel without a password answers -DENIED to every other machine: it is taken for down and never asked for its vote. It is on by default before 5.0 and off since, unless the file says yes; from 7.0 on a bind line no longer lifts it.',
  source: 'networking.c:acceptCommonHandler, sentinel.c:initSentinelConfig; seen on 7.0.15 with a bind line',
  fix: 'Set `protected-mode no` and let only the fleet reach the port, or set requirepass on every sentinel.',
  fixtures: fixturesOf('sentinel-protected-mode'),
  needs: (sentinel) => ({
    conf: sentinel.conf,
    mode: sentinel.setting('protected-mode'),
    bind: sentinel.setting('bind'),
    login: loginOf(sentinel),
  }),
  check: ({ conf, mode, bind, login }, { target }) => {
    const on = isYes(mode, !atLeast(target.compatible, '5.0.0'));
    const remote = monitorsOf(conf).find(({ host }) => isRoutable(host));
    const lifted = !atLeast(target.compatible, '7.0.0') && bind.line !== undefined;
    if (!on || login.guarded || lifted || remote === undefined) return [];
    return [
      {
        message: `protected mode is on and there is no password: sentinels and clients on other machines get -DENIED`,
        at: spotOf(mode),
        beside: [spotOf(remote)],
        changes: [{ ...spotOf(mode), now: 'protected-mode no' }],
      },
    ];
  },
});

interface Protected extends Reached {
  readonly login: Login;
  readonly mode: Setting;
  /** What the running server says, where it was asked. */
  readonly live: string | undefined;
}

function protectedOf(group: GroupView): readonly Seen<Protected>[] {
  return reachedOf(group).map((reached) => {
    if (!reached.ok) return reached;
    const { node } = reached.value;
    const seen = together({ login: loginOf(node), mode: node.setting('protected-mode') });
    return mapSeen(seen, (value) => ({ ...reached.value, ...value, live: known(node.live('protected-mode')) }));
  });
}

/** Without a line it is the build that decides: the official container images are built with it off. */
export const protectedModeBlocksPeers = defineRule({
  id: 'protected-mode-blocks-peers',
  class: 'failover',
  severity: 'error',
  scope: 'cross-node',
  versions: since32,
  title: 'protected mode turns replicas and sentinels away',
  rationale:
    'In protected mode a server whose default user has no password answers -DENIED to every other machine. Up to 6.2 a bind line lifted that; from 7.0 on only a password or `protected-mode no` does, so an upgrade can end the replication of a fleet that worked.',
  source: 'networking.c:acceptCommonHandler of 6.2.14 and 7.0.15; seen on 7.0.15 with a bind line',
  fix: 'Set a password (requirepass and masterauth on every node, auth-pass on every sentinel), or `protected-mode no` behind a firewall.',
  fixtures: fixturesOf('protected-mode-blocks-peers'),
  needs: (group) => ({ nodes: each(protectedOf(group), 'redis node that replicates') }),
  check: ({ nodes }, { target }) =>
    nodes.flatMap(({ node, login, mode, bind, from, live }): readonly Problem[] => {
      const said = mode.line === undefined ? live : lowerAscii(wordOf(mode, 'yes'));
      const lifted = !atLeast(target.compatible, '7.0.0') && bind.line !== undefined;
      if (said === 'no' || login.guarded || lifted || from === undefined) return [];
      const sure = said !== undefined;
      return [
        {
          message: `${node.at.id} has no password, and protected mode is on${sure ? '' : ' where the program was not built without it'}: other nodes and sentinels get -DENIED`,
          at: spotOf(mode),
          ...(sure ? {} : { severity: 'warning' as const }),
        },
      ];
    }),
});

export const announceHostnameWithoutResolve = defineRule({
  id: 'announce-hostname-without-resolve',
  class: 'failover',
  severity: 'error',
  scope: 'cross-node',
  versions: { redis: { from: '6.2' }, valkey: {} },
  title: 'a node announces a name that sentinels do not resolve',
  rationale:
    'From 6.2 on Sentinel takes only numeric addresses unless `resolve-hostnames yes` is set. A replica or a sentinel that announces a name is dropped without a word: it is no candidate and no voter.',
  source:
    'sentinel.c:createSentinelAddr, sentinelRefreshInstanceInfo, sentinelProcessHelloMessage; slaves=1 of 2 and sentinels=2 of 3, seen on 7.0.15',
  fix: 'Set `sentinel resolve-hostnames yes` on every sentinel, or announce addresses.',
  fixtures: fixturesOf('announce-hostname-without-resolve'),
  needs: (group) => ({
    announced: each(announcedBy(group), 'node that announces an address'),
    sentinels: each(
      group.sentinels.map(({ conf }) => conf),
      'sentinel',
    ),
  }),
  check: ({ announced, sentinels }) => {
    const deaf = sentinels
      .map((conf) => ownOptionOf(conf, 'resolve-hostnames'))
      .filter((option) => !isYes(option, false));
    return announced
      .filter(({ words }) => words[0] !== undefined && !isNumeric(words[0]))
      .flatMap((setting) => {
        const others = deaf.filter(({ node }) => node.id !== setting.node.id);
        if (others.length === 0) return [];
        return [
          {
            message: `${setting.node.id} announces the name ${setting.words[0]}, and ${others.map(({ node }) => node.id).join(', ')} do not resolve names: it is left out there`,
            at: spotOf(setting),
            beside: others.filter(({ line }) => line !== undefined).map(spotOf),
            changes: others.map((other) => ({ ...spotOf(other), now: 'sentinel resolve-hostnames yes' })),
          },
        ];
      });
  },
});

/** The announced addresses of a group; only the lines that are there, and what was not seen. */
function announcedBy(group: GroupView): readonly Seen<Setting>[] {
  const redis = membersOf(group).map((node) => node.setting('replica-announce-ip'));
  const sentinels = group.sentinels.map(({ conf }) => mapSeen(conf, (value) => ownOptionOf(value, 'announce-ip')));
  return [...redis, ...sentinels].filter((seen) => !seen.ok || seen.value.words.length > 0);
}
