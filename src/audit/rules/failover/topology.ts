import { mapSeen, type NotSeen, type Seen } from '../../../model/seen.js';
import { each, every, together, where } from '../../need.js';
import { defineRule, type Problem, type Spot } from '../../rule.js';
import { isLoopback } from '../../settings.js';
import type { GroupView, RedisNode } from '../../view.js';
import { addressesOf, type Finder, finderOf, finderSeen, isNumeric, membersOf } from './addresses.js';
import { fixturesOf } from './page.js';
import { type Role, roleInFile, roleOf } from './roles.js';
import { canonical, claimOf, isComparable } from './sentinel-views.js';

/** A role with the node that it follows, where that is one of the group. */
interface Link extends Role {
  readonly master: RedisNode | undefined;
}

function linksOf(group: GroupView, roleOfNode: (node: RedisNode) => Seen<Role>): readonly Seen<Link>[] {
  const find = finderOf(group);
  return membersOf(group).map((node) =>
    mapSeen(roleOfNode(node), (role) => ({
      ...role,
      master: role.follows === undefined ? undefined : find(role.follows),
    })),
  );
}

/** Its replicaof line, or its file. */
function spotOfRole({ node, line }: Role): Spot {
  return { node, line };
}

const hostOf = (address: string) => address.slice(0, address.lastIndexOf(':'));
const ids = (roles: readonly Role[]) => roles.map(({ node }) => node.id).join(', ');

export const replicaofTargetMismatch = defineRule({
  id: 'replicaof-target-mismatch',
  class: 'failover',
  severity: 'error',
  scope: 'cross-node',
  title: 'a replica follows another node than the sentinels monitor',
  rationale:
    'Sentinels learn of replicas from the master that they monitor. A replica of another one is not known to them: it is no candidate, and it keeps to its own master after a failover.',
  source: 'sentinel.c:sentinelRefreshInstanceInfo',
  fix: 'Point the replica at the master that the sentinels monitor, with REPLICAOF and in its file.',
  fixtures: fixturesOf('replicaof-target-mismatch'),
  needs: (group) => ({
    links: each(linksOf(group, roleOf), 'redis node that replicates'),
    claims: each(
      group.sentinels.map((one) => claimOf(one, group.name)),
      'sentinel',
    ),
    find: finderSeen(group),
  }),
  check: ({ links, claims, find }) => {
    const monitored = [...new Set(claims.map(({ address }) => canonical(address, find)))];
    const [only] = monitored;
    if (monitored.length !== 1 || only === undefined || !claims.every((claim) => isComparable(claim, find))) return [];
    const live = claims.some(({ runs }) => runs);
    return links.flatMap((link): readonly Problem[] => {
      if (link.follows === undefined || !isElsewhere(link, only, find, links)) return [];
      const how = link.runs ? 'follows' : 'starts as a replica of';
      const [claim] = claims;
      return [
        {
          message: `${link.node.id} ${how} ${link.follows}, and the sentinels monitor ${claim?.address ?? only}`,
          at: spotOfRole(link),
          beside: claim === undefined ? [] : [claim.spot],
          ...(live && !link.runs ? { severity: 'warning' as const } : {}),
        },
      ];
    });
  },
});

/** Surely another node than the monitored one, and not one that other rules speak of: a chain, or that node itself. */
function isElsewhere(link: Link, monitored: string, find: Finder, links: readonly Link[]): boolean {
  const target = link.follows ?? '';
  if (link.node.id === monitored || canonical(target, find) === monitored) return false;
  const next = links.find(({ view }) => view === link.master);
  if (next?.follows !== undefined) return false;
  return link.master !== undefined || (isNumeric(hostOf(target)) && !isLoopback(hostOf(target)));
}

export const replicaofSelfOrLoop = defineRule({
  id: 'replicaof-self-or-loop',
  class: 'failover',
  severity: 'error',
  scope: 'cross-node',
  title: 'nodes replicate from themselves',
  rationale:
    'A node that follows itself, or that follows a node which follows it, is a replica without a master: it refuses every write, and its link never comes up.',
  source: 'replication.c:syncCommand: "-NOMASTERLINK Can\'t SYNC while not connected with my master", seen on 7.0.15',
  fix: 'Take the replicaof line out of the file of the node that is to be the master.',
  fixtures: fixturesOf('replicaof-self-or-loop'),
  needs: (group) => ({
    links: each(linksOf(group, roleInFile), 'redis node that replicates'),
    self: each(membersOf(group).map(selfOf), 'redis node that replicates'),
  }),
  check: ({ links, self }) => {
    const selves = self.flatMap((role) =>
      role === undefined
        ? []
        : [
            {
              message: `${role.node.id} follows itself: it starts as a replica without a master`,
              at: spotOfRole(role),
            },
          ],
    );
    return [...selves, ...loopsOf(links)];
  },
});

/** The role of a node that names itself as its master. */
function selfOf(node: RedisNode): Seen<Role | undefined> {
  return mapSeen(together({ role: roleInFile(node), bind: node.setting('bind') }), ({ role, bind }) => {
    const target = role.follows ?? '';
    const here = ['127.0.0.1', 'localhost', '::1'].includes(hostOf(target));
    const listens =
      bind.words.length === 0 || bind.words.some((word) => /^-?(?:\*|0\.0\.0\.0|::\*?|127\.0\.0\.1|::1)$/.test(word));
    const own = here && listens && target.endsWith(`:${node.at.port}`);
    return own || addressesOf(node).has(target) ? role : undefined;
  });
}

/** Rings of two or more nodes, each once. */
function loopsOf(links: readonly Link[]): readonly Problem[] {
  const seen = new Set<RedisNode>();
  return links.flatMap((start) => {
    if (seen.has(start.view)) return [];
    const path: Link[] = [];
    let at: Link | undefined = start;
    while (at !== undefined && !path.includes(at)) {
      path.push(at);
      const next: RedisNode | undefined = at.master;
      at = next === undefined || next === at.view ? undefined : links.find(({ view }) => view === next);
    }
    const ring = at === undefined ? [] : path.slice(path.indexOf(at));
    if (ring.length < 2 || ring.some(({ view }) => seen.has(view))) return [];
    for (const { view } of ring) seen.add(view);
    const [first, ...others] = ring;
    if (first === undefined) return [];
    return [
      {
        message: `${ids(ring)} follow each other in a ring: none of them starts as a master`,
        at: spotOfRole(first),
        beside: others.map(spotOfRole),
      },
    ];
  });
}

export const replicaofHostname = defineRule({
  id: 'replicaof-hostname',
  class: 'failover',
  severity: 'info',
  scope: 'redis',
  title: 'replicaof names its master by a host name',
  rationale:
    'A name is looked up at every connection, and a name like "master" still means the old machine after a failover. Sentinel rewrites the line with an address unless announce-hostnames is set, so the fleet mixes both.',
  source: 'replication.c:connectWithMaster; sentinel.c:announceSentinelAddr',
  fix: 'Use addresses, or names everywhere with resolve-hostnames and announce-hostnames yes on every sentinel.',
  fixtures: fixturesOf('replicaof-hostname'),
  needs: (node) => ({
    gives: where(node.gives, ({ replicaOf }) => replicaOf !== undefined, 'it is a master'),
    replicaof: node.setting('replicaof'),
  }),
  check: ({ gives, replicaof }) => {
    const host = gives.replicaOf?.host ?? '';
    if (isNumeric(host) || isLoopback(host)) return [];
    return [
      {
        message: `it follows the name ${host}: whatever that resolves to after a failover is its master`,
        at: { node: replicaof.node, line: gives.replicaOf?.from },
      },
    ];
  },
});

export const multipleMasters = defineRule({
  id: 'multiple-masters',
  class: 'failover',
  severity: 'error',
  scope: 'topology',
  title: 'more than one node is a master',
  rationale:
    'Two masters of one group both take writes. When the sentinels turn one of them into a replica, what only it had is deleted by the full copy that it loads.',
  source:
    'replication.c:replicationSetMaster, readSyncBulkPayload; sentinel.c:sentinelRefreshInstanceInfo +convert-to-slave',
  fix: 'Decide which of them has the data (redis-runbook status), then REPLICAOF on the others and CONFIG REWRITE.',
  fixtures: fixturesOf('multiple-masters'),
  needs: (group) => ({ roles: each(membersOf(group).map(roleOf), 'redis nodes that replicate', 2) }),
  check: ({ roles }, { name }) => {
    const masters = roles.filter(({ follows }) => follows === undefined);
    if (masters.length < 2) return [];
    const running = masters.filter(({ runs }) => runs);
    const stopped = masters.filter(({ runs }) => !runs);
    const [first, ...others] = running.length === 1 ? [...stopped, ...running] : masters;
    const spots = { ...(first === undefined ? {} : { at: spotOfRole(first) }), beside: others.map(spotOfRole) };
    if (running.length === 1) {
      const message = `${ids(running)} is the master of ${name}, and ${ids(stopped)} would start as a master too, until the sentinels turn it`;
      return [{ message, ...spots, severity: 'warning' }];
    }
    const message =
      running.length > 1
        ? `${ids(running)} run as masters of ${name}: both take writes`
        : `${ids(masters)} start as masters of ${name}: both would take writes`;
    return [{ message, ...spots }];
  },
});

/** In files alone a master may just not have been given: its replicas name it. */
function allLinks(group: GroupView): readonly Seen<Link>[] {
  const links = linksOf(group, roleOf);
  if (group.declared) return links;
  const [away] = links.flatMap((link) =>
    link.ok && link.value.follows !== undefined && link.value.master === undefined ? [link] : [],
  );
  if (away === undefined) return links;
  const detail = `the file of ${away.value.follows} was not given`;
  const gap: NotSeen = { ok: false, why: 'not-asked', detail, from: away.from, at: away.at };
  return [...links, gap];
}

export const noMaster = defineRule({
  id: 'no-master',
  class: 'failover',
  severity: 'error',
  scope: 'topology',
  title: 'no node is a master',
  rationale:
    'When every node follows another one, none takes writes, and sentinels find no replica of a master to promote.',
  source: 'replication.c:replicationSetMaster; sentinel.c:sentinelRefreshInstanceInfo',
  fix: 'Choose the node with the newest data (redis-runbook status), take the replicaof line out of its file, REPLICAOF NO ONE where it runs.',
  fixtures: fixturesOf('no-master'),
  needs: (group) => ({ links: every(allLinks(group), 'redis node that replicates') }),
  check: ({ links }, { name }) => {
    if (links.some(({ follows }) => follows === undefined)) return [];
    const [first, ...others] = links.map(spotOfRole);
    return [
      {
        message: `every node of ${name} is a replica (${ids(links)}): none takes writes`,
        ...(first === undefined ? {} : { at: first }),
        beside: others,
      },
    ];
  },
});

export const replicationChain = defineRule({
  id: 'replication-chain',
  class: 'failover',
  severity: 'info',
  scope: 'topology',
  title: 'a replica of a replica',
  rationale:
    'Sentinels learn of replicas from the INFO of the master, which lists the first level only. A replica behind another one is no candidate, and it loses its source when the one before it does.',
  source: 'sentinel.c:sentinelRefreshInstanceInfo reads slaveN of masters only',
  fix: 'Attach every replica to the master.',
  fixtures: fixturesOf('replication-chain'),
  needs: (group) => ({ links: each(linksOf(group, roleOf), 'redis nodes that replicate', 2) }),
  check: ({ links }) =>
    links.flatMap((link) => {
      const next = links.find(({ view }) => view === link.master);
      if (next === undefined || next === link || next.follows === undefined || next.master === link.view) return [];
      return [
        {
          message: `${link.node.id} follows ${next.node.id}, which is a replica itself: sentinels do not learn of it from the master`,
          at: spotOfRole(link),
          beside: [spotOfRole(next)],
        },
      ];
    }),
});
