import { describe, expect, test } from 'vitest';
import { diagnose } from '../../src/diagnosis/diagnose.js';
import { forcedFailover } from '../../src/diagnosis/failover.js';
import { findingsOf } from '../../src/diagnosis/findings.js';
import { lastElected } from '../../src/diagnosis/sentinels.js';
import { isStuck, stateOf } from '../../src/diagnosis/state.js';
import type { Verdict } from '../../src/diagnosis/verdict.js';
import type { RunningRedis, SentinelView } from '../../src/model/survey.js';
import { scriptsOf, withoutFailover } from '../../src/plan/sentinel-duties.js';
import {
  config,
  host,
  redis,
  running,
  seen,
  sentinel,
  sentinelFile,
  stopped,
  survey,
  unseen,
  view,
} from '../report/builders.js';

const old = 'a'.repeat(40);
const own = 'f'.repeat(40);

/** pv1 went on to 9000 in the old history and is off; pv2 was promoted at 5000 and serves. */
function afterPromotion(more: Partial<RunningRedis>) {
  const file = { version: 10, replid: old, offset: 9000n, aofBase: false, keys: 40n, keysExact: true };
  const off = {
    ...stopped('pv1', undefined, '2026-11-20T17:00:00Z'),
    rdb: seen({ ...file, complete: true, checksum: 'right' as const }),
  };
  const serving = redis('pv2', {
    running: seen(
      running({ role: 'master', replid: own, replid2: old, secondOffset: 5001n, offset: 5000n, keys: 30n, ...more }),
    ),
  });
  const sentinels = [sentinel('pv2', { view: seen(view('pv2', 2n)) })];
  return diagnose(survey({ redis: [off, serving], sentinels }), 'stn-master');
}

describe('a master without a backlog', () => {
  test('may have taken any number of writes at the same offset: nobody wins by itself', () => {
    const { winner, path } = afterPromotion({ backlogActive: false, changesSinceSave: 25n });
    expect(winner).toBeUndefined();
    expect(path.recommended).toBe('cold');
  });

  test('with one, its offset is where it ends', () => {
    const kindOf = (more: Partial<RunningRedis>) =>
      afterPromotion(more).candidates.find(({ node }) => node === 'pv1')?.versus.pv2?.kind;
    expect(kindOf({ backlogActive: true, changesSinceSave: 25n })).toBe('contains');
    expect(kindOf({ backlogActive: false, changesSinceSave: 25n })).toBe('incomparable');
  });
});

describe('a failover that cannot end', () => {
  const row = { address: '', infoAgoMs: 1, masterLinkOk: false, masterLinkDownMs: 0, offset: 0n, priority: 100 };
  const busy = { flags: ['master', 's_down', 'failover_in_progress'] };

  test('is one whose promoted node is down', () => {
    const replicas = [{ ...row, flags: ['slave', 'promoted', 's_down'] }];
    expect(isStuck(view('pv1', 1n, { ...busy, replicas }))).toBe(true);
  });

  test('is none while the promoted node answers, or nobody was promoted', () => {
    expect(isStuck(view('pv1', 1n, { ...busy, replicas: [{ ...row, flags: ['slave', 'promoted'] }] }))).toBe(false);
    expect(isStuck(view('pv1', 1n, { ...busy, replicas: [{ ...row, flags: ['slave', 's_down'] }] }))).toBe(false);
  });
});

describe('a failover that waits for ever for a node that died', () => {
  const row = { infoAgoMs: 1, masterLinkOk: false, masterLinkDownMs: 0, offset: 9n, priority: 100, flags: ['slave'] };
  const at = (name: string, flags: readonly string[]) => ({ ...row, address: `10.0.10.${name.slice(2)}:6379`, flags });

  /** pv1 and pv3 are off with their sentinels; pv3 was promoted; the leader is on pvha1; pv2 runs. */
  function groupWith(leader: Partial<SentinelView>) {
    const off = (name: string) =>
      sentinel(name, { process: seen(null), view: unseen('refused'), running: unseen('refused') });
    const lives = view('pv3', 1n, { replicas: [at('pv2', ['slave']), at('pv1', ['slave', 's_down'])] });
    const replicas = [at('pv2', ['slave', 'reconf_inprog']), at('pv3', ['slave', 'promoted', 's_down'])];
    const flags = ['master', 's_down', 'failover_in_progress'];
    const stuck = view('pv1', 1n, { replicas, flags, failoverState: 'reconf_slaves', ...leader });
    const own = (name: string) => seen({ version: '7.0.15', runId: name, myid: name, uptimeSeconds: 9, tilt: false });
    const sentinels = [
      ...['pv1', 'pv3'].map(off),
      sentinel('pvha1', { view: seen(stuck), running: own('pvha1') }),
      ...['pv2', 'pvha2'].map((name) => sentinel(name, { view: seen(lives), running: own(name) })),
    ];
    const redisNodes = ['pv1', 'pv3'].map((name) => stopped(name, undefined, '2026-11-20T17:00:00Z'));
    const last = redis('pv2', { running: seen(running({ masterAddress: '10.0.10.3:6379', masterLinkUp: false })) });
    return { group: 'g', redis: [...redisNodes, last], sentinels };
  }

  const verdict = { candidates: [{ node: 'pv2', verdict: 'freshest' }] } as unknown as Verdict;
  const forced = (leader: Partial<SentinelView> = {}) => {
    const group = groupWith(leader);
    return forcedFailover(group, stateOf(group), verdict, new Set());
  };

  test('is ended by one that is asked of another sentinel: all of them give the same master', () => {
    expect(forced()).toMatchObject({ was: '10.0.10.3:6379', chosen: 'pv2' });
    expect(lastElected(groupWith({}))).toMatchObject({ address: '10.0.10.3:6379' });
  });

  test('is not where its epoch is another, or nobody was promoted yet', () => {
    expect(forced({ configEpoch: 2n })).toEqual({ why: 'the sentinels do not agree on master and epoch' });
    expect(forced({ failoverState: 'wait_promotion' })).toEqual({
      why: 'the sentinels do not agree on master and epoch',
    });
  });
});

describe('a failover that Sentinel decides by offsets alone', () => {
  const row = { infoAgoMs: 1, masterLinkOk: false, masterLinkDownMs: 0, offset: 9n, priority: 100, flags: ['slave'] };
  const verdict = {
    candidates: [
      { node: 'pv2', verdict: 'freshest' },
      { node: 'pv3', verdict: 'same-as-freshest' },
    ],
  } as unknown as Verdict;

  /** pv1 is off; pv2 holds 40 keys, pv3 as many as asked for, both at one offset. */
  function forcedWith(keys: bigint) {
    const replicas = ['2', '3'].map((last) => ({ ...row, address: `10.0.10.${last}:6379` }));
    const sentinels = ['pvha1', 'pvha2', 'pvha3'].map((name) =>
      sentinel(name, {
        view: seen(view('pv1', 2n, { replicas, flags: ['master', 's_down', 'o_down'] })),
        running: seen({ version: '7.0.15', runId: name, myid: name, uptimeSeconds: 9, tilt: false }),
      }),
    );
    const left = (name: string, held: bigint) =>
      redis(name, { running: seen(running({ masterAddress: '10.0.10.1:6379', masterLinkUp: false, keys: held })) });
    const nodes = [stopped('pv1', undefined, '2026-11-20T17:00:00Z'), left('pv2', 40n), left('pv3', keys)];
    const group = { group: 'g', redis: nodes, sentinels };
    return forcedFailover(group, stateOf(group), verdict, new Set());
  }

  test('is not asked for where it could choose a replica that lost its keys by its own hands', () => {
    expect(forcedWith(20n)).toMatchObject({ among: expect.arrayContaining(['pv2', 'pv3']) });
    expect(forcedWith(5n)).toEqual({ why: 'it could choose pv3, which holds 5 keys where pv2 holds 40' });
  });
});

describe('a master whose host could not be looked at', () => {
  const dark = { ...redis('pv1'), process: unseen('timeout'), running: unseen('timeout') };
  const groupWith = (masterLinkUp: boolean) => {
    const row = { infoAgoMs: 1, masterLinkOk: true, masterLinkDownMs: 0, offset: 9n, priority: 100, flags: ['slave'] };
    const replicas = [{ ...row, address: '10.0.10.2:6379' }];
    const following = seen(running({ masterAddress: '10.0.10.1:6379', masterLinkUp }));
    const sentinels = ['pvha1', 'pvha2', 'pvha3'].map((name) =>
      sentinel(name, { view: seen(view('pv1', 2n, { replicas })) }),
    );
    return { group: 'g', redis: [dark, redis('pv2', { running: following })], sentinels };
  };

  test('serves where a replica has a link to it that is up: nobody waits for a failover', () => {
    expect(stateOf(groupWith(true))).toMatchObject({
      state: 'unknown',
      why: 'pv1 could not be looked at, and it serves: pv2 has a link to it that is up',
    });
    const found = findingsOf(groupWith(true), [{ ...host('pv1'), reached: unseen('timeout') }, host('pv2')]);
    expect(found).toContainEqual(expect.objectContaining({ id: 'unseen-master-serves', blocks: true }));
  });

  test('may be dead where none has', () => {
    expect(stateOf(groupWith(false)).state).toBe('sentinel-at-work');
  });
});

describe('sentinels that name two addresses at one epoch', () => {
  const row = { infoAgoMs: 1, masterLinkOk: true, masterLinkDownMs: 0, offset: 9n, priority: 100, flags: ['slave'] };
  const attempt = { flags: ['master', 's_down', 'o_down', 'failover_in_progress'], failoverState: 'wait_start' };

  /** pv2 serves; the first `apart` of the five say that pv3 is master, and one of them tries to replace it. */
  function stateWith(apart: number, more: Partial<SentinelView> = {}) {
    const sentinels = ['pvha1', 'pvha2', 'pv1', 'pv2', 'pv3'].map((name, i) => {
      const names = i < apart ? 'pv3' : 'pv2';
      const replicas = [{ ...row, address: '10.0.10.1:6379' }];
      return sentinel(name, { view: seen(view(names, 2n, { replicas, ...(i === 0 ? { ...attempt, ...more } : {}) })) });
    });
    const nodes = [redis('pv1'), redis('pv2', { running: seen(running({ role: 'master' })) }), redis('pv3')];
    const serving = nodes.map((node) =>
      node.node === 'pv2' ? node : { ...node, running: seen(running({ masterAddress: '10.0.10.2:6379' })) },
    );
    return stateOf({ group: 'g', redis: serving, sentinels });
  }

  test('do not get over it: the few cannot be elected', () => {
    expect(stateWith(2).state).toBe('degraded');
    expect(stateWith(2).amiss).toContain('the sentinel on pvha1 says that pv3 is master');
  });

  test('nor can the many, where nobody is known that they could promote', () => {
    expect(stateWith(3, { replicas: [] }).state).toBe('degraded');
  });

  test('are at work where the many can promote one, where somebody asked for it, and once one is elected', () => {
    expect(stateWith(3).state).toBe('sentinel-at-work');
    expect(stateWith(2, { flags: [...attempt.flags, 'force_failover'] }).state).toBe('sentinel-at-work');
    expect(stateWith(2, { failoverState: 'reconf_slaves' }).state).toBe('sentinel-at-work');
  });
});

describe('a maxmemory that the next start would set', () => {
  const found = (limit: bigint, more: Partial<RunningRedis>) => {
    const node = redis('pv1', {
      running: seen(running({ usedMemoryBytes: 5_000_000n, maxmemoryBytes: 0n, ...more })),
      config: seen(config(undefined, { maxmemoryBytes: limit })),
    });
    return findingsOf({ group: 'g', redis: [node], sentinels: [] }, [host('pv1')]).map(({ id }) => id);
  };

  test('below what the node holds blocks', () => {
    expect(found(1_000_000n, {})).toContain('maxmemory-below-data');
  });

  test('above it, none, or the one that it lives with does not', () => {
    expect(found(9_000_000n, {})).not.toContain('maxmemory-below-data');
    expect(found(0n, {})).not.toContain('maxmemory-below-data');
    expect(found(1_000_000n, { maxmemoryBytes: 1_000_000n })).not.toContain('maxmemory-below-data');
  });
});

describe('what Sentinel would have done', () => {
  const read = sentinelFile('pv1', 3n);
  if (!read.ok) throw new Error('no file');
  const scripts = ['notification-script /opt/tell.sh', 'client-reconfig-script /opt/vip.sh'];
  const file = seen({ ...read.value, scripts, otherGroups: ['jobs', 'cache'] });
  const group = (from: string) => ({
    group: 'g',
    redis: [redis('pv1'), redis('pv2')],
    sentinels: [sentinel('pv3', { file, view: seen(view(from, 3n)) })],
  });

  test('is listed with its own arguments, and the sentinel that would have run it', () => {
    const [first, second] = scriptsOf(group('pv1'), 'pv2');
    expect(first).toBe('on pv3: /opt/tell.sh +switch-master "g 10.0.10.1 6379 10.0.10.2 6379"');
    expect(second).toBe('on pv3: /opt/vip.sh g leader start 10.0.10.1 6379 10.0.10.2 6379');
  });

  test('is nothing where the master stays', () => {
    expect(scriptsOf(group('pv2'), 'pv2')).toEqual([]);
  });

  test('other groups of the same sentinels are named', () => {
    expect(withoutFailover(group('pv1'))).toEqual({ withoutFailover: ['cache', 'jobs'] });
  });
});
