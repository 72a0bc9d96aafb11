import { defineRule, type Problem } from '../../rule.js';
import { monitorsOf, optionOf, spotOf } from '../../settings.js';
import type { SentinelConf } from '../../view.js';
import { optionNumber } from './addresses.js';
import { fixturesOf } from './page.js';

const downAfter = 'down-after-milliseconds';
const timeout = 'failover-timeout';

/** A problem for each monitored group whose number is wrong; texts that are no number are a matter of other rules. */
function wrongNumbers(
  conf: SentinelConf,
  name: string,
  preset: number,
  wrong: (value: number, group: string) => Pick<Problem, 'message' | 'severity'> | undefined,
  better?: number,
): readonly Problem[] {
  return monitorsOf(conf).flatMap(({ group }) => {
    const value = optionNumber(conf, group, preset, name);
    const problem = Number.isNaN(value) || value < 0 ? undefined : wrong(value, group);
    if (problem === undefined) return [];
    const at = spotOf(optionOf(conf, group, name));
    const changes = better === undefined ? [] : [{ ...at, now: `sentinel ${name} ${group} ${better}` }];
    return [{ ...problem, at, changes }];
  });
}

export const downAfterTooLow = defineRule({
  id: 'down-after-too-low',
  class: 'failover',
  severity: 'warning',
  scope: 'sentinel',
  title: 'a short silence of the master is taken for its death',
  rationale:
    'A master that is silent for down-after-milliseconds is down for the sentinel. The fork of a save, one slow command, a paused virtual machine or a lost packet last as long; each such failover costs the writes that were not yet replicated.',
  source: 'sentinel.c:sentinelCheckSubjectivelyDown; redis.io, "High availability with Redis Sentinel"',
  fix: 'Set 5000 to 30000, longer than the longest known stall (LATENCY LATEST, latest_fork_usec of INFO).',
  fixtures: fixturesOf('down-after-too-low'),
  needs: (sentinel) => ({ conf: sentinel.conf }),
  check: ({ conf }) =>
    wrongNumbers(
      conf,
      downAfter,
      30_000,
      (value, group) =>
        value === 0 || value >= 3000
          ? undefined
          : {
              message: `${group} is taken for down after ${value} ms of silence: a slow command or a fork is enough for a failover`,
              ...(value < 1000 ? { severity: 'error' as const } : {}),
            },
      5000,
    ),
});

export const downAfterTooHigh = defineRule({
  id: 'down-after-too-high',
  class: 'failover',
  severity: 'info',
  scope: 'sentinel',
  title: 'a dead master is noticed after more than a minute',
  rationale: 'Nothing happens before down-after-milliseconds are over: that long, at least, nobody can write.',
  source: 'sentinel.c:sentinelCheckSubjectivelyDown',
  fix: 'Set what the agreed time to recovery allows; 5000 to 30000 is usual.',
  fixtures: fixturesOf('down-after-too-high'),
  needs: (sentinel) => ({ conf: sentinel.conf }),
  check: ({ conf }) =>
    wrongNumbers(conf, downAfter, 30_000, (value, group) =>
      value <= 60_000
        ? undefined
        : { message: `a dead master of ${group} is noticed after ${value / 1000} s: until then nobody can write` },
    ),
});

export const failoverTimeoutTooLow = defineRule({
  id: 'failover-timeout-too-low',
  class: 'failover',
  severity: 'warning',
  scope: 'sentinel',
  title: 'failover-timeout is short',
  rationale:
    'A replica that has not become master within failover-timeout is given up, and the failover with it. When it is over after a promotion, every replica that is left is pointed at the new master at once, whatever parallel-syncs says.',
  source: 'sentinel.c:sentinelFailoverWaitPromotion, sentinelFailoverDetectEnd; the default is 180000',
  fix: 'Set 180000, or the measured time of a full synchronisation and a margin.',
  fixtures: fixturesOf('failover-timeout-too-low'),
  needs: (sentinel) => ({ conf: sentinel.conf }),
  check: ({ conf }) =>
    wrongNumbers(
      conf,
      timeout,
      180_000,
      (value, group) =>
        value === 0 || value >= 60_000
          ? undefined
          : {
              message: `the failover-timeout of ${group} is ${value} ms: a slower promotion is given up, and slower replicas are all re-pointed at once`,
            },
      180_000,
    ),
});

export const failoverTimeoutTooHigh = defineRule({
  id: 'failover-timeout-too-high',
  class: 'failover',
  severity: 'info',
  scope: 'sentinel',
  title: 'a failed failover is tried again late',
  rationale: 'After a failover that came to nothing no other is started for twice the failover-timeout.',
  source: 'sentinel.c:sentinelStartFailoverIfNeeded',
  fix: 'Set 180000, or the measured time of a full synchronisation and a margin.',
  fixtures: fixturesOf('failover-timeout-too-high'),
  needs: (sentinel) => ({ conf: sentinel.conf }),
  check: ({ conf }) =>
    wrongNumbers(conf, timeout, 180_000, (value, group) =>
      value <= 600_000
        ? undefined
        : {
            message: `the failover-timeout of ${group} is ${value / 1000} s: after a failed failover the next one starts ${(value * 2) / 60_000} minutes later`,
          },
    ),
});

export const parallelSyncsZero = defineRule({
  id: 'parallel-syncs-zero',
  class: 'failover',
  severity: 'error',
  scope: 'sentinel',
  title: 'parallel-syncs is 0',
  rationale:
    'parallel-syncs says how many replicas are pointed at the new master at a time. With 0 it is none: they stay with the dead master until failover-timeout is over, and are then re-pointed all at once.',
  source:
    'sentinel.c:sentinelFailoverReconfNextSlave, sentinelFailoverDetectEnd; accepted, and the third node kept to the dead master, seen on 7.0.15',
  fix: 'Set parallel-syncs to 1.',
  fixtures: fixturesOf('parallel-syncs-zero'),
  needs: (sentinel) => ({ conf: sentinel.conf }),
  check: ({ conf }) =>
    wrongNumbers(
      conf,
      'parallel-syncs',
      1,
      (value, group) =>
        value !== 0
          ? undefined
          : {
              message: `the parallel-syncs of ${group} is 0: after a failover the other replicas keep to the dead master until failover-timeout is over`,
            },
      1,
    ),
});
