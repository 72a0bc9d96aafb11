import { known } from '../../../model/seen.js';
import { defineRule } from '../../rule.js';
import { spotOf } from '../../settings.js';
import type { GroupView } from '../../view.js';
import { finderOf, monitorOf } from './addresses.js';
import { fixturesOf } from './page.js';
import { ifThatIsAll, placesOf, type Voters, votersOf } from './sentinel-count.js';

/** The monitor lines of a group, to point at. */
function monitorSpots(voters: Voters, group: string) {
  return voters.confs.flatMap((conf) => {
    const monitor = monitorOf(conf, group);
    return monitor === undefined ? [] : [spotOf(monitor)];
  });
}

/** How many sentinels each host holds, most first. */
function perHost(hosts: readonly string[]): readonly (readonly [host: string, count: number])[] {
  const counts = new Map<string, number>();
  for (const host of hosts) counts.set(host, (counts.get(host) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]);
}

export const sentinelCountLow = defineRule({
  id: 'sentinel-count-low',
  class: 'failover',
  severity: 'error',
  scope: 'topology',
  title: 'fewer than three sentinels',
  rationale:
    'A failover needs the votes of the majority of all known sentinels. Of two the majority is two: when the machine dies that holds the master and one of them, the other may do nothing. One sentinel is a single point of failure.',
  source: 'redis.io, "High availability with Redis Sentinel": at least three; sentinel.c:sentinelGetLeader',
  fix: 'Run three or five sentinels, each on a machine that fails by itself.',
  fixtures: fixturesOf('sentinel-count-low'),
  needs: (group) => ({ voters: votersOf(group) }),
  check: ({ voters }, { name }) =>
    voters.flatMap((all) => {
      if (all.count >= 3) return [];
      const [first, ...others] = monitorSpots(all, name);
      const what =
        all.count === 1
          ? `only one sentinel monitors ${name}: without it there is no failover`
          : `only ${all.count} sentinels monitor ${name}: with one of them gone no failover is authorised`;
      const place = { ...(first === undefined ? {} : { at: first }), beside: others };
      return [ifThatIsAll(all, name, { message: what, ...place })];
    }),
});

export const sentinelCountEven = defineRule({
  id: 'sentinel-count-even',
  class: 'failover',
  severity: 'info',
  scope: 'topology',
  title: 'an even number of sentinels',
  rationale:
    'Four sentinels survive the loss of one, as three do, and a network cut in the middle leaves no side with a majority. The fourth only adds a vote that has to be won.',
  source: 'sentinel.c:sentinelGetLeader: half of the voters plus one',
  fix: 'Add one sentinel on a machine of its own, or take one away and SENTINEL RESET the others one by one.',
  fixtures: fixturesOf('sentinel-count-even'),
  needs: (group) => ({ voters: votersOf(group) }),
  check: ({ voters }, { name }) =>
    voters.flatMap((all) => {
      if (all.count < 4 || all.count % 2 !== 0) return [];
      const [first] = monitorSpots(all, name);
      const message = `${all.count} sentinels monitor ${name}: they survive the loss of ${all.count - all.majority}, as ${all.count - 1} would`;
      return [ifThatIsAll(all, name, { message, severity: 'info', ...(first === undefined ? {} : { at: first }) })];
    }),
});

export const sentinelMajorityOnOneHost = defineRule({
  id: 'sentinel-majority-on-one-host',
  class: 'failover',
  severity: 'error',
  scope: 'topology',
  profiles: { 'single-host-lab': 'off' },
  title: 'the loss of one machine takes the majority of the sentinels',
  rationale:
    'A failover needs the votes of more than half of all sentinels. When one machine holds so many that the rest are no majority, its loss stops every failover, whatever the quorum is.',
  source:
    'sentinel.c:sentinelGetLeader; redis.io, "High availability with Redis Sentinel": machines that fail independently',
  fix: 'Place the sentinels so that every machine can be lost: three on three machines, five on five, or on three with at most two each.',
  fixtures: fixturesOf('sentinel-majority-on-one-host'),
  needs: (group) => ({ voters: votersOf(group), hosts: placesOf(group) }),
  check: ({ voters, hosts }, { name }) =>
    voters.flatMap((all) => {
      if (all.count < 3) return [];
      const [first, ...others] = monitorSpots(all, name);
      return perHost(hosts)
        .filter(([, count]) => all.count - count < all.majority)
        .map(([host, count]) =>
          ifThatIsAll(all, name, {
            message: `${host} holds ${count} of ${all.count} sentinels of ${name}: without it ${all.count - count} are left, and a failover needs ${all.majority}`,
            ...(first === undefined ? {} : { at: first }),
            beside: others.slice(0, 4),
          }),
        );
    }),
});

export const sentinelTwoHostLoss = defineRule({
  id: 'sentinel-two-host-loss',
  class: 'failover',
  severity: 'info',
  scope: 'topology',
  title: "the master's machine and one more take the majority of the sentinels",
  rationale:
    'How many machines may be lost is decided by where the sentinels stand. Three on the three machines of Redis itself stand the loss of one; five, two of them on machines of their own, stand the loss of two.',
  source: 'sentinel.c:sentinelGetLeader: half of the voters plus one',
  fix: 'Add sentinels on machines without Redis, to five in all, or accept that one lost machine is what the fleet stands.',
  fixtures: fixturesOf('sentinel-two-host-loss'),
  needs: (group) => ({ voters: votersOf(group), hosts: placesOf(group), master: masterHosts(group) }),
  check: ({ voters, hosts, master }, { name }) =>
    voters.flatMap((all) => {
      const places = perHost(hosts);
      const [worst] = places.filter(([host]) => host !== master);
      const own = places.find(([host]) => host === master)?.[1] ?? 0;
      const left = all.count - own - (worst?.[1] ?? 0);
      const oneIsEnough = places.some(([, count]) => all.count - count < all.majority);
      if (all.count < 3 || oneIsEnough || worst === undefined || left >= all.majority) return [];
      const [first] = monitorSpots(all, name);
      const message = `the loss of ${master} (the master) and of ${worst[0]} leaves ${left} of ${all.count} sentinels of ${name}, and a failover needs ${all.majority}`;
      return [ifThatIsAll(all, name, { message, severity: 'info', ...(first === undefined ? {} : { at: first }) })];
    }),
});

/** The host of the node that the sentinels monitor, as a reading. */
function masterHosts(group: GroupView) {
  const find = finderOf(group);
  const [seen] = group.sentinels.flatMap(({ conf }) => (conf.ok ? [conf] : []));
  const monitored = group.sentinels.flatMap(({ conf }) => {
    const value = known(conf);
    return value === undefined ? [] : (monitorOf(value, group.name)?.address ?? []);
  });
  const [host] = monitored.flatMap((address) => find(address)?.at.host ?? []);
  const from = seen?.from ?? { host: group.name, source: 'sentinel.conf' };
  const at = seen?.at ?? '';
  if (host !== undefined) return { ok: true, value: host, from, at } as const;
  const detail = 'the monitored address is no node that was seen';
  return { ok: false, why: 'not-asked', detail, from, at } as const;
}
