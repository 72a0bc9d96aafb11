import type { NotSeen, Seen } from '../../../model/seen.js';
import { each, every } from '../../need.js';
import { defineRule } from '../../rule.js';
import type { GroupView } from '../../view.js';
import { membersOf } from './addresses.js';
import { idsOf, type Link, linksOf, spotOfRole } from './links.js';
import { fixturesOf } from './page.js';
import { calm, roleOf } from './roles.js';

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
  needs: (group) => ({ calm: calm(group), roles: each(membersOf(group).map(roleOf), 'redis nodes that replicate', 2) }),
  check: ({ roles }, { name }) => {
    const masters = roles.filter(({ follows }) => follows === undefined);
    if (masters.length < 2) return [];
    const running = masters.filter(({ runs }) => runs);
    const stopped = masters.filter(({ runs }) => !runs);
    const [first, ...others] = running.length === 1 ? [...stopped, ...running] : masters;
    const spots = { ...(first === undefined ? {} : { at: spotOfRole(first) }), beside: others.map(spotOfRole) };
    if (running.length === 1) {
      const message = `${idsOf(running)} is the master of ${name}, and ${idsOf(stopped)} would start as a master too, until the sentinels turn it`;
      return [{ message, ...spots, severity: 'warning' }];
    }
    const message =
      running.length > 1
        ? `${idsOf(running)} run as masters of ${name}: each takes writes`
        : `${idsOf(masters)} start as masters of ${name}: each would take writes`;
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
  needs: (group) => ({ calm: calm(group), links: every(allLinks(group), 'redis node that replicates') }),
  check: ({ links }, { name }) => {
    if (links.some(({ follows }) => follows === undefined)) return [];
    const [first, ...others] = links.map(spotOfRole);
    return [
      {
        message: `every node of ${name} is a replica (${idsOf(links)}): none takes writes`,
        ...(first === undefined ? {} : { at: first }),
        beside: others,
      },
    ];
  },
});
