import { describe, expect, test } from 'vitest';
import type { Diagnosis } from '../../src/model/diagnosis.js';
import { toJson } from '../../src/model/json.js';
import { actionsOf } from '../../src/model/plan.js';
import { decide, noChoice } from '../../src/plan/choice.js';
import { judged, planOf, recorded, unreached, withoutLog } from './fixtures.js';

interface Expected {
  readonly state: Diagnosis['state'];
  readonly winner: string;
  readonly path: Diagnosis['path']['recommended'];
  readonly verdicts: Readonly<Record<string, Diagnosis['candidates'][number]['verdict']>>;
  readonly consents: readonly string[];
  readonly tails: readonly string[];
  readonly nextEpoch: bigint;
  readonly headline: string;
}

const fleets: Readonly<Record<string, Expected>> = {
  healthy: {
    state: 'healthy',
    winner: 'pv1',
    path: 'nothing',
    verdicts: { pv1: 'freshest', pv2: 'same-as-freshest', pv3: 'same-as-freshest' },
    consents: [],
    tails: [],
    nextEpoch: 1n,
    headline: 'stn-master is healthy: pv1 is master, pv2 and pv3 follow within 0 bytes, all 5 sentinels agree.',
  },
  'cascade-clean': {
    state: 'down',
    winner: 'pv2',
    path: 'cold',
    verdicts: { pv1: 'behind', pv2: 'freshest', pv3: 'behind' },
    consents: [],
    tails: [],
    nextEpoch: 4n,
    headline: 'pv2 is the freshest and contains all others.',
  },
  'cascade-crash-aof': {
    state: 'down',
    winner: 'pv3',
    path: 'cold',
    verdicts: { pv1: 'possible-tail', pv2: 'possible-tail', pv3: 'freshest' },
    consents: [],
    tails: ['pv1', 'pv2'],
    nextEpoch: 3n,
    headline: 'pv3 is the freshest; pv1 and pv2 may hold a few last writes that it never got.',
  },
  'cascade-crash-rdb': {
    state: 'down',
    winner: 'pv3',
    path: 'cold',
    verdicts: { pv1: 'empty', pv2: 'empty', pv3: 'freshest' },
    consents: ['accept-loss pv3'],
    tails: [],
    nextEpoch: 3n,
    headline:
      "Data is on no disk: up to 4 seconds of writes were in memory only when the last master stopped; the newest file is pv3's.",
  },
  'cascade-crash-rdb-booted': {
    state: 'down',
    winner: 'pv2',
    path: 'cold',
    verdicts: { pv1: 'empty', pv2: 'freshest', pv3: 'empty' },
    consents: ['accept-loss pv2'],
    tails: [],
    nextEpoch: 3n,
    headline:
      "Data is on no disk: writes of an unknown time were in memory only when the last master stopped; the newest file is pv2's.",
  },
  'all-down-crash-both': {
    state: 'down',
    winner: 'pv1',
    path: 'cold',
    verdicts: { pv1: 'freshest', pv2: 'behind', pv3: 'behind' },
    consents: [],
    tails: [],
    nextEpoch: 1n,
    headline: 'stn-master is down: Redis runs on none of pv1, pv2 and pv3.',
  },
  'replica-down': {
    state: 'degraded',
    winner: 'pv1',
    path: 'live',
    verdicts: { pv1: 'freshest', pv2: 'same-as-freshest', pv3: 'empty' },
    consents: [],
    tails: [],
    nextEpoch: 1n,
    headline: 'It is not healthy: pv3 does not run.',
  },
  'sentinel-down': {
    state: 'degraded',
    winner: 'pv1',
    path: 'sentinels-only',
    verdicts: { pv1: 'freshest', pv2: 'same-as-freshest', pv3: 'same-as-freshest' },
    consents: [],
    tails: [],
    nextEpoch: 1n,
    headline: 'It is not healthy: the sentinel on pvha1 does not run.',
  },
  'sentinels-disagree': {
    state: 'degraded',
    winner: 'pv1',
    path: 'sentinels-only',
    verdicts: { pv1: 'freshest', pv2: 'same-as-freshest', pv3: 'same-as-freshest' },
    consents: [],
    tails: [],
    nextEpoch: 1n,
    headline: 'It is not healthy: the sentinel on pvha2 says that pv2 is master.',
  },
  'sentinel-minority': {
    state: 'down',
    winner: 'pv2',
    path: 'failover',
    verdicts: { pv1: 'empty', pv2: 'freshest', pv3: 'same-as-freshest' },
    consents: ['accept-loss pv2'],
    tails: [],
    nextEpoch: 1n,
    headline:
      'Data may be on no disk: writes of up to 60 seconds that had not yet reached pv2 when the last master died.',
  },
};

describe.each(Object.entries(fleets))('%s, as recorded from real processes', (name, expected) => {
  test('is judged right', async () => {
    const { diagnosis } = await recorded(name);
    expect({
      state: diagnosis.state,
      winner: diagnosis.winner,
      path: diagnosis.path.recommended,
      verdicts: Object.fromEntries(diagnosis.candidates.map((each) => [each.node, each.verdict])),
      consents: diagnosis.consents.map((each) => `${each.kind} ${each.node}`),
      tails: diagnosis.possibleTails.map((each) => each.node).sort(),
      nextEpoch: diagnosis.epochs.nextEpoch,
    }).toEqual({ ...expected, headline: undefined });
    expect(diagnosis.headline).toContain(expected.headline);
  });

  test('gives the same JSON for the same survey, without a secret of the fleet', async () => {
    const [first, second] = [await recorded(name), await recorded(name)];
    expect(toJson(first.diagnosis)).toBe(toJson(second.diagnosis));
    const choice = { ...noChoice, acceptLoss: expected.winner, reason: 'test' };
    const plans = await Promise.all([first, second].map((each) => planOf(each, decide(each.diagnosis, choice))));
    expect(toJson(plans[0])).toBe(toJson(plans[1]));
    expect(`${toJson(first.diagnosis)}${toJson(plans[0])}`).not.toContain('#p4$s;%w&0rd=*!');
  });

  test('has no sentence that ends in the middle', async () => {
    const { diagnosis } = await recorded(name);
    for (const sentence of diagnosis.headline) expect(sentence).toMatch(/[^.]\.$/);
    for (const claim of diagnosis.claims) expect(claim.says).toMatch(/^[A-Za-z].*[^.:;,\s]$/);
    for (const text of [...diagnosis.headline, ...diagnosis.claims.map((claim) => claim.says)])
      expect(text).not.toMatch(/undefined|possible-tail|: \.|-1\b/);
  });

  test('with the log of any one host gone, the same winner or none', async () => {
    const saved = await recorded(name);
    for (const host of ['pv1', 'pv2', 'pv3']) {
      const { diagnosis } = judged(saved, withoutLog(host));
      expect([undefined, expected.winner]).toContain(diagnosis.winner);
    }
  });
});

describe('a plan from a recorded fleet', () => {
  const down = Object.entries(fleets).filter(([, { state }]) => state === 'down');

  test.each(down)('%s: every node has its place in every stage', async (name, { winner }) => {
    const fleet = await recorded(name);
    const plan = await planOf(fleet, decide(fleet.diagnosis, { ...noChoice, acceptLoss: winner, reason: 'test' }));
    const actions = actionsOf(plan);
    expect(new Set(actions.map((action) => action.id)).size).toBe(actions.length);
    expect(plan.master).toBe(winner);
    expect([winner, ...plan.replicas].sort()).toEqual(['pv1', 'pv2', 'pv3']);
    expect(plan.stages.map((stage) => stage.id)).toEqual([
      'hold',
      'keep',
      'stop',
      'rewrite',
      'check',
      'start',
      'prove',
    ]);
    const nodesOf = (kind: string): string[] =>
      [...new Set(actions.filter((each) => each.kind === kind).map((each) => each.node))].sort();
    const redis = ['pv1', 'pv2', 'pv3'];
    const all = [...redis, ...plan.sentinels].sort();
    expect(plan.sentinels).toHaveLength(5);
    for (const kind of [
      'service.hold',
      'config.keep',
      'config.rewrite',
      'config.check',
      'service.start',
      'service.release',
    ])
      expect([kind, nodesOf(kind)]).toEqual([kind, all]);
    expect(nodesOf('data.keep')).toEqual(redis);
    const starts = actions.filter((action) => action.kind === 'service.start').map((action) => action.node);
    expect(starts[0]).toBe(winner);
    expect(starts.slice(0, 3).sort()).toEqual(redis);
  });

  test('goes by the epoch above all seen, in every sentinel file', async () => {
    const fleet = await recorded('cascade-clean');
    const plan = await planOf(fleet, decide(fleet.diagnosis, noChoice));
    const epochs = actionsOf(plan).flatMap((action) =>
      action.kind === 'config.rewrite' && action.intent.kind === 'sentinel.conf' ? [action.intent.epoch] : [],
    );
    expect(epochs).toEqual([4n, 4n, 4n, 4n, 4n]);
  });
});

describe('a host out of reach', () => {
  test('that held redis blocks, until it is given up by name and with a reason', async () => {
    const fleet = judged(await recorded('cascade-clean'), unreached('pv1'));
    expect(() => decide(fleet.diagnosis, noChoice)).toThrowError(
      expect.objectContaining({ word: 'too-little-seen', exit: 4 }),
    );
    const without = { ...noChoice, without: ['pv1'] };
    expect(() => decide(fleet.diagnosis, without)).toThrowError(expect.objectContaining({ word: 'usage' }));
    const decision = decide(fleet.diagnosis, { ...without, reason: 'its disk is gone' });
    expect(decision).toMatchObject({ master: 'pv2', missing: [], reason: 'its disk is gone' });
    const plan = await planOf(fleet, decision);
    expect(plan.leftOut.map((each) => each.host)).toEqual(['pv1']);
    expect(plan.hosts).not.toContain('pv1');
    expect(fleet.diagnosis.headline.join(' ')).toContain('pv2 is the freshest of what could be seen');
    expect(fleet.diagnosis.headline.join(' ')).toContain('pv1 could not be looked at');
  });

  test('that held the only data leaves no winner', async () => {
    const fleet = judged(await recorded('cascade-crash-rdb'), unreached('pv3'));
    expect(() => decide(fleet.diagnosis, noChoice)).toThrowError(expect.objectContaining({ exit: 4 }));
  });

  test('that held a sentinel only is left out, with a margin of 1000 epochs', async () => {
    const fleet = judged(await recorded('cascade-clean'), unreached('pvha1'));
    expect(fleet.diagnosis.epochs.nextEpoch).toBe(1004n);
    const plan = await planOf(fleet, decide(fleet.diagnosis, noChoice));
    expect(plan.leftOut.map((each) => each.host)).toEqual(['pvha1']);
    expect(plan.sentinels).toHaveLength(4);
    expect(plan.epoch).toBe(1004n);
  });

  test('cannot be given up when it was reached', async () => {
    const { diagnosis } = await recorded('cascade-clean');
    expect(() => decide(diagnosis, { ...noChoice, without: ['pv1'], reason: 'x' })).toThrowError(/cannot be left out/);
  });
});

describe('when the newest file was saved', () => {
  test('is told by the file of the life that served', async () => {
    const { diagnosis } = judged(await recorded('cascade-crash-rdb'));

    expect(diagnosis.onNoDisk?.savedAt).toMatch(/^\d{4}-/);
  });

  test('is not known of a file that a later boot saved again: its header has the time of that save, not of its data', async () => {
    const lost = judged(await recorded('cascade-crash-rdb-booted')).diagnosis.onNoDisk;

    expect(lost?.newestFile).toBe('pv2');
    expect(lost?.savedAt).toBeUndefined();
  });
});
