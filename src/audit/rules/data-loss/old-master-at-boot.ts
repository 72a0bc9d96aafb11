import type { RawUnit } from '../../../model/raw-host.js';
import { each, together } from '../../need.js';
import { defineRule } from '../../rule.js';
import { spotOf } from '../../settings.js';

export const redisStartsBeforeSentinel = defineRule({
  id: 'redis-starts-before-sentinel',
  class: 'data-loss',
  severity: 'warning',
  scope: 'cross-node',
  title: 'a former master would start as master when its machine boots',
  rationale:
    'Its file is from before the failover. At boot it serves its old data as a master until a sentinel finds it and makes it a replica, which takes some ten seconds: what clients write to it in between is thrown away. Where all machines boot at once and it comes first, the newer data of the others is.',
  source: 'sentinel.c:sentinelRefreshInstanceInfo (+convert-to-slave after 8 s); replication.c:replicaofCommand',
  fix: 'Leave it stopped, write `replicaof` with the address of the present master into its file, then start it.',
  fixtures: {
    fails: 'test/audit/fixtures/redis-starts-before-sentinel/fails/survey.json',
    nearMiss: 'test/audit/fixtures/redis-starts-before-sentinel/near-miss/survey.json',
  },
  needs: (group) => ({
    views: each(
      group.sentinels.map((sentinel) => sentinel.view(group.name)),
      'sentinel',
    ),
    nodes: each(
      group.redis
        .filter(({ unit }) => unit.ok || unit.why !== 'absent')
        .map((node) =>
          together({
            gives: node.gives,
            unit: node.unit,
            process: node.process,
            replicaof: node.setting('replicaof'),
          }),
        ),
      'redis node under a service manager',
    ),
  }),
  check: ({ views, nodes }) => {
    const [master, ...others] = new Set(views.map((view) => view.master));
    const at = ({ replicaof: { node } }: (typeof nodes)[number]) => `${node.address}:${node.port}`;
    // Only where the sentinels agree, and name a node by the address that the fleet has for it.
    if (master === undefined || others.length > 0 || !nodes.some((node) => at(node) === master)) return [];
    return nodes
      .filter((node) => node.process === null && node.gives.replicaOf === undefined && startsAtBoot(node.unit))
      .filter((node) => at(node) !== master)
      .map(({ replicaof }) => ({
        message: `${replicaof.node.id} is stopped, starts at boot, and its file says master, while the sentinels say that ${master} is: it would come back as a second master with old data`,
        at: spotOf(replicaof),
      }));
  },
});

function startsAtBoot({ manager, properties }: RawUnit): boolean {
  if (manager === 'systemd') return /^enabled/.test(properties.UnitFileState ?? '');
  return (properties.StartLinks ?? '') !== '';
}
