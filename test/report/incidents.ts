import type { Diagnosis } from '../../src/model/diagnosis.js';
import type { Survey } from '../../src/model/survey.js';
import {
  candidate,
  contained,
  diagnosis,
  host,
  lineage,
  redis,
  running,
  seen,
  sentinel,
  sentinelFile,
  stopped,
  survey,
  unseen,
  view,
} from './builders.js';

export interface Incident {
  readonly survey: Survey;
  readonly diagnosis: Diagnosis;
}

const noRoute = unseen('timeout', '10.0.0.2:22 no route');

/** pv1 was cut off while its clients went on writing; pv2 was elected; then the power went. */
export function split(): Incident {
  const candidates = [
    candidate('pv1', 'split-off', ['A', 81_640_912n], {
      wouldLoadKeys: 1_181_390n,
      speaksFor: ['has 231 s of writes that nobody else has'],
      speaksAgainst: ['lacks 54 min 28 s of writes that pv2 and pv3 have'],
      versus: {
        pv2: { kind: 'forked', cut: 81_223_104n, ownBytes: 417_808n, otherBytes: 12_648_116n, why: 'log' },
        pv3: { kind: 'forked', cut: 81_223_104n, ownBytes: 417_808n, otherBytes: 12_644_900n, why: 'log' },
      },
    }),
    candidate('pv2', 'freshest', ['B', 93_871_220n], {
      wouldLoadKeys: 1_204_877n,
      speaksFor: ['newest of history B: offset 93 871 220, 02:07:43', 'file complete, would load 1 204 877 keys'],
      speaksAgainst: ["lacks pv1's writes of 01:12:40 to 01:16:31"],
      versus: {
        pv1: { kind: 'forked', cut: 81_223_104n, ownBytes: 12_648_116n, otherBytes: 417_808n, why: 'log' },
        pv3: { kind: 'contains', lagBytes: 3216n, why: 'same history' },
      },
    }),
    candidate('pv3', 'behind', ['B', 93_868_004n], {
      wouldLoadKeys: 1_204_861n,
      speaksFor: ['same history B, file complete'],
      speaksAgainst: ['3 216 bytes short of pv2, nothing of its own'],
      versus: {
        pv1: { kind: 'forked', cut: 81_223_104n, ownBytes: 12_644_900n, otherBytes: 417_808n, why: 'log' },
        pv2: contained(3216n),
      },
    }),
  ];
  const from = (node: string) => ({ host: node, node, source: '/var/log/redis/redis-server.log:4711' });
  return {
    survey: survey(
      {
        redis: [
          stopped('pv1', undefined, '2026-11-20T17:07:44Z'),
          stopped('pv2', undefined, '2026-11-20T17:07:43Z'),
          stopped('pv3', 'pv2', '2026-11-20T17:07:41Z'),
        ],
        sentinels: [
          sentinel('pv1', {
            process: seen(null),
            running: unseen('absent'),
            view: unseen('absent'),
            file: sentinelFile('pv1', 11n),
          }),
          sentinel('pv2'),
          sentinel('pv3'),
          sentinel('pvha1'),
          sentinel('pvha2', { process: noRoute, running: noRoute, view: noRoute, file: noRoute }),
        ],
      },
      {
        hosts: ['pv1', 'pv2', 'pv3', 'pvha1']
          .map((name) => host(name, { elapsedMs: 800 }))
          .concat(host('pvha2', { reached: noRoute, elapsedMs: 5000 })),
      },
    ),
    diagnosis: diagnosis({
      headline: [
        'stn-master is down: Redis runs on none of pv1, pv2, pv3.',
        'The data files of all three are readable.',
        'Their histories split at 01:12:40: pv2 is the freshest, and pv1 holds writes that pv2 never got.',
        'Do not start any Redis by hand.',
      ],
      claims: [
        {
          says: 'The histories split at 01:12:40',
          standing: 'proved',
          evidence: [
            {
              id: 'E1',
              from: from('pv2'),
              place: 'redis log 01:13:15',
              says: 'new history B, A is shared up to 81 223 104',
              raw: '812:M 21 Nov 2026 01:13:15.113 * Setting secondary replication ID to 5d1f0c9e',
            },
            { id: 'E2', from: from('pv1'), place: 'dump.rdb header', says: 'history A, 81 640 912: 417 808 past E1' },
          ],
        },
        {
          says: 'pv2 is the freshest',
          standing: 'claimed',
          evidence: [
            {
              id: 'E3',
              from: from('pv3'),
              place: 'dump.rdb header',
              says: 'history B, 93 868 004, complete, CRC right; 3 216 bytes behind pv2 in the same history: pv2 contains pv3',
            },
          ],
        },
      ],
      unknown: ["what pvha2's sentinel believes", "what pv1's clients were promised"],
      findings: [
        {
          id: 'masterauth-missing-on-master',
          severity: 'warning',
          nodes: ['pv1'],
          says: 'has requirepass and no masterauth: it could not follow pv2',
          blocks: false,
        },
      ],
      candidates,
      winner: 'pv2',
      consents: [
        { kind: 'set-aside', node: 'pv1', ownBytes: 417_808n, seconds: 231, why: 'it was written to after the split' },
      ],
      lineage: lineage({ A: 'pv1', B: 'pv2' }, [['A', 'B', 81_223_104n]], candidates),
      naive: [
        { rule: 'largest AOF' },
        { rule: 'newest file', node: 'pv1' },
        { rule: 'highest offset', node: 'pv2' },
        { rule: 'highest config-epoch', node: 'pv2' },
      ],
      path: {
        recommended: 'cold',
        why: 'no Redis is running.',
        ruledOut: [
          { path: 'nothing', why: 'nothing serves' },
          { path: 'failover', why: 'Sentinel has no replica to promote' },
          { path: 'sentinels-only', why: 'no Redis is running' },
          { path: 'live', why: 'the freshest node is not running' },
        ],
      },
    }),
  };
}

/** Three nodes promoted in turn, then stopped cleanly: a chain of three histories. */
export function cascade(): Incident {
  const candidates = [
    candidate('pv1', 'behind', ['A', 808n], {
      versus: { pv2: contained(1154n) },
      speaksAgainst: ['1 154 bytes behind pv2'],
    }),
    candidate('pv2', 'freshest', ['C', 1962n], {
      speaksFor: ['last promoted; contains pv1 and pv3 by the log lines of pv3 and pv2'],
    }),
    candidate('pv3', 'behind', ['B', 1489n], {
      versus: { pv2: contained(473n) },
      speaksAgainst: ['473 bytes behind pv2'],
    }),
  ];
  return {
    survey: survey({
      redis: [
        stopped('pv1', undefined, '2026-11-20T16:07:44Z'),
        stopped('pv2', undefined, '2026-11-20T17:07:43Z'),
        stopped('pv3', 'pv1', '2026-11-19T17:07:41Z'),
      ],
      sentinels: Object.keys({ pv1: 0, pv2: 0, pv3: 0 }).map((name, index) =>
        sentinel(name, {
          process: seen(null),
          running: unseen('absent'),
          view: unseen('absent'),
          file: sentinelFile(['pv1', 'pv3', 'pv2'][index] ?? 'pv1', BigInt(index)),
        }),
      ),
    }),
    diagnosis: diagnosis({
      headline: ['stn-master is down: every node was stopped.', 'pv2 is the freshest and contains pv1 and pv3.'],
      candidates,
      winner: 'pv2',
      lineage: lineage(
        { A: 'pv1', B: 'pv3', C: 'pv2' },
        [
          ['A', 'B', 808n],
          ['B', 'C', 1489n],
        ],
        candidates,
      ),
    }),
  };
}

export function healthy(): Incident {
  const all = ['pv1', 'pv2', 'pv3', 'pvha1', 'pvha2'];
  const candidates = [
    candidate('pv1', 'same-as-freshest', ['C', 112_004_663n], { source: 'running' }),
    candidate('pv2', 'freshest', ['C', 112_004_663n], { source: 'running' }),
    candidate('pv3', 'behind', ['C', 112_004_591n], { source: 'running', versus: { pv2: contained(72n) } }),
  ];
  return {
    survey: survey(
      {
        redis: [
          redis('pv1'),
          redis('pv2', { running: seen(running({ role: 'master' })) }),
          redis('pv3', { running: seen(running({ offset: 112_004_591n })) }),
        ],
        sentinels: all.map((name) => sentinel(name, { view: seen(view('pv2', 1013n)) })),
      },
      { at: '2026-11-23T00:04:11.000Z' },
    ),
    diagnosis: diagnosis({
      state: 'healthy',
      headline: ['stn-master is healthy: pv2 is master, pv1 and pv3 follow within 0.1 s, all 5 sentinels agree.'],
      candidates,
      winner: 'pv2',
      lineage: lineage({ C: 'pv2' }, [], candidates),
      path: { recommended: 'nothing', why: 'one master, replicas linked, sentinels agree.', ruledOut: [] },
    }),
  };
}

/** pv1 hangs, pv2 serves, pv3 is stopped with a lock and a hold on the fleet, one sentinel is of another opinion. */
export function degraded(): Incident {
  const candidates = [
    candidate('pv1', 'unknown', undefined, { source: 'unknown' }),
    candidate('pv2', 'freshest', ['B', 93_871_220n], {
      source: 'running',
      versus: { pv3: { kind: 'possible-tail', cut: 81_223_104n, boundSeconds: 2, why: 'it crashed' } },
    }),
    candidate('pv3', 'possible-tail', ['A', 81_223_104n], { source: 'aof' }),
  ].map((each) =>
    each.node === 'pv3' && each.end ? { ...each, end: { ...each.end, precision: 'at-least' as const } } : each,
  );
  const lock = {
    run: '7K3Q',
    who: 'mina@ops-laptop',
    since: '2026-11-20T17:20:00Z',
    heartbeat: '2026-11-20T17:31:00Z',
    doing: 'stage 2 KEEP',
    pid: 99,
  };
  return {
    survey: survey(
      {
        redis: [
          redis('pv1', {
            running: unseen('timeout', 'PING had no answer in 3.0 s'),
            config: unseen('denied', '/etc/redis/redis.conf: permission denied'),
          }),
          redis('pv2', { running: seen(running({ role: 'master', offset: 93_871_220n, keys: 4n })) }),
          { ...stopped('pv3', 'pv2', '2026-11-19T17:07:41Z'), held: seen({ run: '7K3Q' }) },
        ],
        sentinels: [
          sentinel('pv1', {
            view: seen(view('pv1', 11n, { flags: ['master', 's_down', 'o_down'], failoverState: 'wait_start' })),
          }),
          sentinel('pv2'),
        ],
      },
      { hosts: [host('pv1'), host('pv2', { lock: seen(lock) }), host('pv3', { lock: seen(lock) })] },
    ),
    diagnosis: diagnosis({
      state: 'degraded',
      headline: ['stn-master serves from pv2 alone.'],
      candidates,
      winner: 'pv2',
      findings: [
        {
          id: 'unknown-replica',
          severity: 'error',
          nodes: ['10.0.10.9:6379'],
          says: 'is known to the sentinels and not to fleet.yaml',
          blocks: true,
          next: 'redis-runbook init 10.0.10.9',
        },
        { id: 'old-name', severity: 'note', nodes: [], says: 'slave-priority is an old name', blocks: false },
      ],
      lineage: lineage({ A: 'pv3', B: 'pv2' }, [['A', 'B', 81_223_104n]], candidates),
    }),
  };
}
