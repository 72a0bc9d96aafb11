import { every } from '../../need.js';
import { defineRule } from '../../rule.js';
import { monitorsOf, spotOf } from '../../settings.js';

/** Counted over every sentinel that monitors the name: one that was not seen may be the missing vote. */
export const sentinelQuorumAboveCount = defineRule({
  id: 'sentinel-quorum-above-count',
  class: 'failover',
  severity: 'error',
  scope: 'topology',
  title: 'the quorum is larger than the number of sentinels',
  rationale:
    'Redis accepts any quorum. When it is larger than the number of sentinels, the master is never agreed to be down and no failover ever starts; SENTINEL CKQUORUM answers NOQUORUM.',
  source: 'sentinel.c:sentinelIsQuorumReachable; quorum 99 of 1 accepted, seen on 7.0.15',
  fix: 'Set the quorum to the majority of the sentinels: 2 of 3, 3 of 5.',
  fixtures: {
    fails: 'test/audit/fixtures/sentinel-quorum-above-count/fails',
    nearMiss: 'test/audit/fixtures/sentinel-quorum-above-count/near-miss',
  },
  needs: (group) => ({
    sentinels: every(
      group.sentinels.map(({ conf }) => conf),
      'sentinel',
    ),
  }),
  check: ({ sentinels }, { name }) =>
    sentinels
      .flatMap(monitorsOf)
      .filter((monitor) => monitor.group === name && monitor.quorum > sentinels.length)
      .map((monitor) => ({
        message: `the quorum of ${name} is ${monitor.quorum}, and ${sentinels.length} sentinels monitor it: no failover can start`,
        at: spotOf(monitor),
        changes: [
          {
            ...spotOf(monitor),
            now: `sentinel monitor ${name} ${monitor.host} ${monitor.port} ${Math.floor(sentinels.length / 2) + 1}`,
          },
        ],
      })),
});
