import { defineRule, type LineChange, type Problem } from '../../rule.js';
import { type Monitor, spotOf } from '../../settings.js';
import { monitorOf } from './addresses.js';
import { fixturesOf } from './page.js';
import { ifThatIsAll, type Voters, votersOf } from './sentinel-count.js';

/** A problem for each monitor line whose quorum is wrong; the change puts the majority there. */
function wrongQuorum(
  voters: readonly Voters[],
  group: string,
  wrong: (monitor: Monitor, voters: Voters) => Omit<Problem, 'at' | 'changes'> | undefined,
): readonly Problem[] {
  return voters.flatMap((all) =>
    all.confs.flatMap((conf) => {
      const monitor = monitorOf(conf, group);
      const problem = monitor === undefined ? undefined : wrong(monitor, all);
      if (monitor === undefined || problem === undefined) return [];
      const found = { ...problem, at: spotOf(monitor), changes: all.sure ? [toMajority(monitor, all)] : [] };
      return [ifThatIsAll(all, group, found)];
    }),
  );
}

function toMajority(monitor: Monitor, { majority }: Voters): LineChange {
  const now = `sentinel monitor ${monitor.group} ${monitor.host} ${monitor.port} ${majority}`;
  return { ...spotOf(monitor), now };
}

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
  fixtures: fixturesOf('sentinel-quorum-above-count'),
  needs: (group) => ({ voters: votersOf(group) }),
  check: ({ voters }, { name }) =>
    wrongQuorum(voters, name, ({ quorum }, { count }) =>
      quorum <= count
        ? undefined
        : {
            message: `the quorum of ${name} is ${quorum}, and ${countOf(count)} it: no failover can start`,
          },
    ),
});

function countOf(count: number): string {
  return count === 1 ? '1 sentinel monitors' : `${count} sentinels monitor`;
}

export const sentinelQuorumIsAll = defineRule({
  id: 'sentinel-quorum-is-all',
  class: 'failover',
  severity: 'warning',
  scope: 'topology',
  title: 'the quorum asks for every sentinel',
  rationale:
    'The quorum is how many sentinels have to find the master down. When it is all of them, the loss of one sentinel, often together with the master that ran beside it, stops every failover.',
  source: 'sentinel.c:sentinelCheckObjectivelyDown',
  fix: 'Set the quorum to the majority of the sentinels: 2 of 3, 3 of 5.',
  fixtures: fixturesOf('sentinel-quorum-is-all'),
  needs: (group) => ({ voters: votersOf(group) }),
  check: ({ voters }, { name }) =>
    wrongQuorum(voters, name, ({ quorum }, { count }) =>
      count < 3 || quorum !== count
        ? undefined
        : {
            message: `the quorum of ${name} is ${quorum} of ${count} sentinels: with one of them gone no failover starts`,
          },
    ),
});

export const sentinelQuorumBelowMajority = defineRule({
  id: 'sentinel-quorum-below-majority',
  class: 'failover',
  severity: 'warning',
  scope: 'topology',
  title: 'the quorum is less than the majority of the sentinels',
  rationale:
    'Fewer sentinels than the majority can start a failover: a sentinel that alone loses sight of the master is enough with quorum 1. The failover still needs the votes of the majority, so a low quorum starts it earlier and never helps where most sentinels are gone.',
  source:
    'sentinel.c:sentinelGetLeader takes the larger of quorum and majority; quorum 1 with two of three sentinels dead ends in -failover-abort-not-elected, seen on 7.0.15',
  fix: 'Set the quorum to the majority of the sentinels: 2 of 3, 3 of 5. A lower one from 2 on is a choice: record it in the policy file.',
  fixtures: fixturesOf('sentinel-quorum-below-majority'),
  needs: (group) => ({ voters: votersOf(group) }),
  check: ({ voters }, { name }) =>
    wrongQuorum(voters, name, ({ quorum }, { count, majority }) =>
      count < 3 || !(quorum < majority && quorum > 0)
        ? undefined
        : {
            message: `the quorum of ${name} is ${quorum} of ${count} sentinels: ${quorum === 1 ? 'one of them alone' : `${quorum} of them`} can start a failover, and ${majority} votes are needed to carry it out`,
            ...(quorum > 1 ? { severity: 'info' as const } : {}),
          },
    ),
});
