import { queues } from '../../starts/sentinel-lines.js';
import { startRule } from './start-rule.js';

export const sentinelDirectiveNotInVersion = startRule({
  id: 'sentinel-directive-not-in-version',
  scope: 'sentinel',
  title: 'the version that will read the file does not know the sentinel line',
  rationale: 'Sentinel ends at its start at a statement that is too new for it, or that was removed.',
  source: 'sentinel.c:sentinelHandleConfiguration of 2.6 to 8.0 and Valkey 8.1; seen on 7.0.15',
  fix: 'Delete the line, or bring the sentinel to a version that knows it first.',
  otherwise: (spot) => [{ ...spot, now: undefined }],
});

export const sentinelUnknownMasterName = startRule({
  id: 'sentinel-unknown-master-name',
  scope: 'sentinel',
  title: 'an option names a master that is not monitored',
  rationale: 'Sentinel refuses an option for a name that no sentinel monitor line of its file has; letter case counts.',
  source: 'sentinel.c:sentinelHandleConfiguration, "No such master with specified name."; seen on 7.0.15',
  fix: 'Use the name of the sentinel monitor line.',
});

export const sentinelMonitorNotFirst = startRule({
  id: 'sentinel-monitor-not-first',
  scope: 'sentinel',
  versions: { redis: { before: '6.2' } },
  target: 'redis-6.0',
  title: 'an option stands before the monitor line of its master',
  rationale: 'Before 6.2 Sentinel reads its lines in the order of the file: the master is not there yet.',
  source: 'sentinel.c:sentinelHandleConfiguration of 6.0; 6.2 queues the lines (loadSentinelConfigFromQueue)',
  fix: 'Move the sentinel monitor line to the top.',
  otherwise: (spot) => [
    { ...spot, now: undefined },
    { node: spot.node, line: undefined, now: spot.line?.raw.trim() },
  ],
});

export const sentinelDuplicateMaster = startRule({
  id: 'sentinel-duplicate-master',
  scope: 'sentinel',
  title: 'a name is monitored twice',
  rationale: 'Each replication group needs a name of its own; Sentinel refuses the second line.',
  source: 'sentinel.c:createSentinelRedisInstance, EBUSY; seen on 7.0.15',
  fix: 'Keep one sentinel monitor line per name.',
});

export const sentinelHostnameNeedsResolve = startRule({
  id: 'sentinel-hostname-needs-resolve',
  scope: 'sentinel',
  title: 'a host name stands where Sentinel takes only addresses',
  rationale:
    'From 6.2 on Sentinel takes host names only with resolve-hostnames yes, and ends otherwise; without it no name is looked up.',
  source: 'sentinel.c:createSentinelAddr, "Can\'t resolve instance hostname."; seen on 7.0.15',
  fix: 'Write the numeric address, or add sentinel resolve-hostnames yes (6.2 and later).',
  otherwise: ({ node, line }, target) =>
    queues(target) && /[a-z]/i.test(line?.args[2] ?? '')
      ? [{ node, line: undefined, now: 'sentinel resolve-hostnames yes' }]
      : [],
});

export const sentinelQuorumInvalid = startRule({
  id: 'sentinel-quorum-invalid',
  scope: 'sentinel',
  title: 'the quorum is not 1 or more',
  rationale: 'Sentinel refuses a quorum of 0, a negative one and a word that does not begin with a number.',
  source: 'sentinel.c:sentinelHandleConfiguration, "Quorum must be 1 or greater."; seen on 7.0.15',
  fix: 'Write the majority of the sentinels: 2 of 3, 3 of 5.',
});

export const sentinelTimeNotPositive = startRule({
  id: 'sentinel-time-not-positive',
  scope: 'sentinel',
  title: 'a time is not 1 millisecond or more',
  rationale: 'Sentinel refuses 0, a negative time and a word that does not begin with a number.',
  source: 'sentinel.c:sentinelHandleConfiguration, "negative or zero time parameter."; seen on 7.0.15',
  fix: 'Write milliseconds, without a unit: the standard is 30000 for down-after-milliseconds and 180000 for failover-timeout.',
});

export const sentinelDuplicateKnownEntry = startRule({
  id: 'sentinel-duplicate-known-entry',
  scope: 'sentinel',
  title: 'a replica, a sentinel or a renamed command is named twice',
  rationale:
    'These lines Sentinel writes itself; after a copy or an edit by hand two of them may name the same, and it ends at its start.',
  source: 'sentinel.c:createSentinelRedisInstance; "Duplicate runid for sentinel.", seen on 6.0.16 and 7.0.15',
  fix: 'Delete the generated line and let Sentinel find its peers again.',
  otherwise: (spot) => [{ ...spot, now: undefined }],
});

export const sentinelMyidMalformed = startRule({
  id: 'sentinel-myid-malformed',
  scope: 'sentinel',
  title: 'the id of the sentinel is not 40 characters',
  rationale: 'Sentinel writes its id itself and ends at its start when it has another length.',
  source: 'sentinel.c:sentinelHandleConfiguration, "Malformed Sentinel id in myid option."; seen on 7.0.15',
  fix: 'Delete the line: Sentinel makes a new id.',
  otherwise: (spot) => [{ ...spot, now: undefined }],
});
