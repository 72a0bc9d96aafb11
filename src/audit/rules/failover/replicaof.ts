import { mapSeen, type Seen } from '../../../model/seen.js';
import { each, together, where } from '../../need.js';
import { defineRule, type Problem } from '../../rule.js';
import { isLoopback } from '../../settings.js';
import type { RedisNode } from '../../view.js';
import { bindsNamedOnly, type Finder, finderOf, finderSeen, isNumeric, membersOf } from './addresses.js';
import { idsOf, type Link, linksOf, spotOfRole } from './links.js';
import { fixturesOf } from './page.js';
import { calm, type Role, roleInFile, roleOf } from './roles.js';
import { canonical, claimOf, isComparable } from './sentinel-views.js';

const hostOf = (address: string) => address.slice(0, address.lastIndexOf(':'));
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
    calm: calm(group),
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

/**
 * Surely another node than the monitored one, which may have more addresses than are known, and not one that other rules speak of: a chain, or that node itself.
 */
function isElsewhere(link: Link, monitored: string, find: Finder, links: readonly Link[]): boolean {
  const target = link.follows ?? '';
  if (!links.some(({ node }) => node.id === monitored)) return false;
  if (link.node.id === monitored || canonical(target, find) === monitored) return false;
  const next = links.find(({ view }) => view === link.master);
  if (next?.follows !== undefined) return false;
  if (link.master !== undefined) return true;
  const master = links.find(({ node }) => node.id === monitored);
  return (
    isNumeric(hostOf(target)) && !isLoopback(hostOf(target)) && master !== undefined && bindsNamedOnly(master.view)
  );
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
    self: each(
      membersOf(group).map((node) => selfOf(node, finderOf(group))),
      'redis node that replicates',
    ),
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

/** The role of a node that names itself as its master; an address that two files bind may be the other one's. */
function selfOf(node: RedisNode, find: Finder): Seen<Role | undefined> {
  return mapSeen(together({ role: roleInFile(node), bind: node.setting('bind') }), ({ role, bind }) => {
    const target = role.follows ?? '';
    const here = ['127.0.0.1', 'localhost', '::1'].includes(hostOf(target));
    const listens =
      bind.words.length === 0 || bind.words.some((word) => /^-?(?:\*|0\.0\.0\.0|::\*?|127\.0\.0\.1|::1)$/.test(word));
    const own = here && listens && target.endsWith(`:${node.at.port}`);
    return own || find(target) === node ? role : undefined;
  });
}

/** Rings of two or more nodes, each once: every node is walked from only once. */
function loopsOf(links: readonly Link[]): readonly Problem[] {
  const byView = new Map(links.map((link) => [link.view, link]));
  const walked = new Set<Link>();
  return links.flatMap((start) => {
    const path = new Set<Link>();
    let at: Link | undefined = start;
    while (at !== undefined && !path.has(at) && !walked.has(at)) {
      path.add(at);
      const next: RedisNode | undefined = at.master;
      at = next === undefined || next === at.view ? undefined : byView.get(next);
    }
    for (const link of path) walked.add(link);
    if (at === undefined || !path.has(at)) return [];
    const all = [...path];
    return ringProblem(all.slice(all.indexOf(at)));
  });
}

function ringProblem(ring: readonly Link[]): readonly Problem[] {
  const [first, ...others] = ring;
  if (first === undefined) return [];
  return [
    {
      message: `${idsOf(ring)} follow each other in a ring: none of them starts as a master`,
      at: spotOfRole(first),
      beside: others.map(spotOfRole),
    },
  ];
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
  needs: (group) => ({ calm: calm(group), links: each(linksOf(group, roleOf), 'redis nodes that replicate', 2) }),
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
