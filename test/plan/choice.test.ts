import { describe, expect, test } from 'vitest';
import { RunbookError } from '../../src/errors.js';
import type { Candidate, Consent, Diagnosis, Finding, Relation } from '../../src/model/diagnosis.js';
import { type Choice, decide, noChoice } from '../../src/plan/choice.js';
import { refusalOf } from '../../src/plan/refusal.js';

const contains: Relation = { kind: 'contains', lagBytes: 10n, why: 'ahead' };
const contained: Relation = { kind: 'contained', lagBytes: 10n, why: 'behind' };
const forked: Relation = { kind: 'forked', cut: 5n, ownBytes: 7n, otherBytes: 9n, why: 'each went on' };
const incomparable: Relation = { kind: 'incomparable', why: 'nothing joins them' };

function candidate(node: string, versus: Candidate['versus'], more: Partial<Candidate> = {}): Candidate {
  return {
    node,
    verdict: 'behind',
    source: 'rdb',
    versus,
    speaksFor: [],
    speaksAgainst: [],
    wouldLoadKeys: 5n,
    ...more,
  };
}

const ahead = candidate('pv1', { pv2: contains }, { verdict: 'freshest' });
const behind = candidate('pv2', { pv1: contained });

function diagnosis(
  more: Partial<Omit<Diagnosis, 'winner'>> & { readonly winner?: string | undefined } = {},
): Diagnosis {
  const { winner = 'pv1', ...rest } = more;
  return {
    schema: 'redis-runbook/diagnosis/1',
    group: 'g',
    at: '',
    state: 'down',
    headline: [],
    claims: [],
    unknown: [],
    findings: [],
    candidates: [ahead, behind],
    ...('winner' in more && more.winner === undefined ? {} : { winner }),
    consents: [],
    possibleTails: [],
    lineage: { histories: [], edges: [], ends: [] },
    naive: [],
    epochs: { highestEpoch: 1n, nextEpoch: 2n, from: '' },
    path: { recommended: 'cold', why: '', ruledOut: [] },
    leftOut: [],
    questions: [],
    ...rest,
  };
}

const choose = (more: Partial<Choice>): Choice => ({ ...noChoice, ...more });

function wordOf(make: () => unknown): string {
  try {
    make();
  } catch (error) {
    if (error instanceof RunbookError) return `${error.word} ${error.exit}`;
    throw error;
  }
  return 'no error';
}

const split = diagnosis({
  winner: undefined,
  candidates: [
    candidate('pv1', { pv2: forked }, { verdict: 'split-off' }),
    candidate('pv2', { pv1: forked }, { verdict: 'split-off' }),
  ],
  consents: [{ kind: 'set-aside', node: 'pv2', ownBytes: 9n, why: 'each went on' }],
});

const loss: Consent = { kind: 'accept-loss', node: 'pv1', seconds: 4, why: 'in memory only' };
const shrunk: Consent = { kind: 'shrunk', node: 'pv1', why: 'less than half' };

const dark: Finding = {
  id: 'redis-host-unreachable',
  severity: 'error',
  nodes: ['pv2'],
  says: 'pv2 could not be looked at',
  blocks: true,
};

describe('what needs no word from the operator', () => {
  test('a winner that contains all others', () => {
    expect(decide(diagnosis(), noChoice)).toEqual({ master: 'pv1', setAside: [], missing: [] });
  });

  test('a winner over a possible tail, which is kept and compared', () => {
    const tail: Relation = { kind: 'possible-tail', cut: 5n, why: 'end not recorded' };
    const open = diagnosis({ candidates: [candidate('pv1', { pv2: tail }, { verdict: 'freshest' }), behind] });
    expect(decide(open, noChoice).missing).toEqual([]);
  });
});

describe('what is given up only by name', () => {
  test('a split: no master by itself, exit 3', () => {
    expect(wordOf(() => decide(split, noChoice))).toBe('split 3');
  });

  test('one branch of a split: its bytes, its name and a reason', () => {
    const half = decide(split, choose({ promote: 'pv1' }));
    expect(half.missing).toEqual([{ kind: 'set-aside', node: 'pv2', ownBytes: 9n, why: 'each went on' }]);
    expect(refusalOf(half)).toMatchObject({ word: 'split', exit: 3 });
    expect(refusalOf(half).next.join(' ')).toContain('--promote pv1 --set-aside pv2 --reason');
    expect(wordOf(() => decide(split, choose({ promote: 'pv1', setAside: ['pv2'] })))).toBe('usage 2');
    const whole = decide(split, choose({ promote: 'pv1', setAside: ['pv2'], reason: 'agreed with sales' }));
    expect(whole).toMatchObject({ master: 'pv1', setAside: ['pv2'], missing: [], reason: 'agreed with sales' });
  });

  test('another branch is not covered by the name of the first', () => {
    const three = {
      ...split,
      candidates: [candidate('pv1', { pv2: forked, pv3: incomparable }, { verdict: 'split-off' })],
    };
    const half = decide(three, choose({ promote: 'pv1', setAside: ['pv2'], reason: 'x' }));
    expect(half.missing.map((consent) => consent.node)).toEqual(['pv3']);
  });

  test('the freshest node, when an older one is promoted', () => {
    const half = decide(diagnosis(), choose({ promote: 'pv2' }));
    expect(half.missing).toEqual([{ kind: 'set-aside', node: 'pv1', ownBytes: 10n, why: 'behind' }]);
    expect(half.gentler).toBe('pv1');
    expect(refusalOf(half).next.slice(0, 2)).toEqual([
      'redis-runbook recover   with pv1 as master, which has all of pv2: nothing is set aside, and then',
      'redis-runbook recover --path live --promote pv2   makes pv2 master once it has all of pv1; or',
    ]);
  });

  test('no gentler way is named where the freshest one lacks what is set aside, or the chosen one could not copy it', () => {
    const tooOld = [{ node: 'pv2', why: 'older server' }];
    const older = diagnosis({ candidates: [{ ...ahead, tooOld }, behind] });
    expect(decide(older, choose({ promote: 'pv2' })).gentler).toBeUndefined();
    const torn = { ...behind, versus: { ...behind.versus, pv3: incomparable } };
    const third = diagnosis({ candidates: [{ ...ahead, versus: { ...ahead.versus, pv3: forked } }, torn] });
    expect(decide(third, choose({ promote: 'pv2' })).gentler).toBeUndefined();
    expect(decide(split, choose({ promote: 'pv1' })).gentler).toBeUndefined();
  });

  test('the tail of the winner, when a node that it only may be ahead of is promoted', () => {
    const tail: Relation = { kind: 'possible-tail', cut: 5n, why: 'end not recorded' };
    const open = diagnosis({ candidates: [ahead, candidate('pv2', { pv1: tail })] });
    expect(decide(open, choose({ promote: 'pv2' })).missing.map((consent) => consent.node)).toEqual(['pv1']);
  });

  test.each([
    [loss, 'on-no-disk'],
    [shrunk, 'shrunk'],
  ] as const)('%o: the name of the winner', (consent, word) => {
    const lost = diagnosis({ consents: [consent] });
    const half = decide(lost, noChoice);
    expect(refusalOf(half)).toMatchObject({ word, exit: 3 });
    expect(decide(lost, choose({ acceptLoss: 'pv2', reason: 'x' })).missing).toHaveLength(1);
    expect(decide(lost, choose({ acceptLoss: 'pv1', reason: 'x' }))).toMatchObject({
      acceptedLoss: 'pv1',
      missing: [],
    });
  });
});

describe('what no word makes safe', () => {
  const empty = candidate('pv2', { pv1: contained }, { verdict: 'empty', source: 'nothing', wouldLoadKeys: 0n });

  test('an empty master while another node holds data', () => {
    const bad = diagnosis({ candidates: [ahead, empty] });
    const choice = choose({ promote: 'pv2', setAside: ['pv1'], acceptLoss: 'pv2', reason: 'x' });
    expect(wordOf(() => decide(bad, choice))).toBe('empty-master 3');
  });

  const equal: Relation = { kind: 'equal', why: 'same offset' };
  const runningEmpty = { verdict: 'behind', source: 'running', wouldLoadKeys: 0n } as const;

  test('an empty replica that runs and may copy from nothing that runs', () => {
    const bad = diagnosis({ candidates: [ahead, candidate('pv2', { pv1: contained }, runningEmpty)] });
    const choice = choose({ promote: 'pv2', setAside: ['pv1'], reason: 'x' });
    expect(wordOf(() => decide(bad, choice, 'live'))).toBe('empty-master 3');
  });

  test('an empty replica at the offset of its master: it has nothing left to copy', () => {
    const serving = candidate('pv1', { pv2: contains }, { verdict: 'freshest', source: 'running' });
    const live = diagnosis({ candidates: [serving, candidate('pv2', { pv1: equal }, runningEmpty)], serving: 'pv1' });
    for (const path of ['live', 'cold'] as const)
      expect(wordOf(() => decide(live, choose({ promote: 'pv2', setAside: ['pv1'], reason: 'x' }), path))).toBe(
        'empty-master 3',
      );
  });

  test('a replica at the offset of its master that holds less than half of its keys is taken only by name', () => {
    const serving = candidate('pv1', { pv2: equal }, { verdict: 'freshest', source: 'running', wouldLoadKeys: 40n });
    const less = (keys: bigint, to: Relation = equal) => {
      const candidates = [serving, candidate('pv2', { pv1: to }, { source: 'running', wouldLoadKeys: keys })];
      return diagnosis({ candidates, serving: 'pv1' });
    };
    const promote = choose({ promote: 'pv2' });
    expect(decide(less(19n), promote, 'live').missing).toEqual([
      {
        kind: 'shrunk',
        node: 'pv2',
        why: 'pv2 holds 19 keys; pv1, which is no further by its offset, holds 40',
      },
    ]);
    expect(refusalOf(decide(less(19n), promote, 'live'))).toMatchObject({ word: 'shrunk', exit: 3 });
    const accepted = { ...promote, acceptLoss: 'pv2', reason: 'x' };
    expect(decide(less(19n), accepted, 'live')).toMatchObject({ missing: [], acceptedLoss: 'pv2' });
    expect(decide(less(20n), promote, 'live').missing).toEqual([]);
    expect(decide(less(5n, contained), promote, 'live').missing).toEqual([]);
  });

  test('a fleet that runs without a key may have another master', () => {
    const nothing = [candidate('pv1', { pv2: equal }, runningEmpty), candidate('pv2', { pv1: equal }, runningEmpty)];
    const fleet = diagnosis({ candidates: nothing, serving: 'pv1' });
    for (const path of ['live', 'cold'] as const)
      expect(decide(fleet, choose({ promote: 'pv2' }), path)).toMatchObject({ master: 'pv2', missing: [] });
  });

  test('all empty is a loss to accept, not a refusal', () => {
    const nothing = [candidate('pv1', {}, { verdict: 'freshest', source: 'nothing', wouldLoadKeys: 0n }), empty];
    const bad = diagnosis({ candidates: nothing, consents: [loss] });
    expect(decide(bad, choose({ acceptLoss: 'pv1', reason: 'x' }))).toMatchObject({ master: 'pv1', missing: [] });
  });

  test('a node whose data is not known', () => {
    const unknown = candidate('pv2', { pv1: incomparable }, { verdict: 'unknown', source: 'unknown' });
    const bad = diagnosis({ candidates: [ahead, unknown] });
    expect(wordOf(() => decide(bad, choose({ promote: 'pv2' })))).toBe('blocked 3');
  });

  test('a name that is no node', () => {
    expect(wordOf(() => decide(diagnosis(), choose({ promote: 'pv9' })))).toBe('usage 2');
  });

  test('a finding that blocks, whatever else was said', () => {
    const twins: Finding = { id: 'duplicate-myid', severity: 'error', nodes: ['a'], says: 'twins', blocks: true };
    expect(wordOf(() => decide(diagnosis({ findings: [twins] }), choose({ without: [] })))).toBe('blocked 3');
  });
});

describe('a host out of reach', () => {
  const unseen = candidate('pv2', { pv1: incomparable }, { verdict: 'unknown', source: 'unknown' });
  const blind = diagnosis({
    findings: [dark],
    candidates: [candidate('pv1', { pv2: incomparable }, { verdict: 'freshest' }), unseen],
  });

  test('blocks, and says so with exit 4', () => {
    expect(wordOf(() => decide(blind, noChoice))).toBe('too-little-seen 4');
  });

  test('is given up by --without or --host-is-off and a reason, and by nothing less', () => {
    expect(wordOf(() => decide(blind, choose({ without: ['pv2'] })))).toBe('usage 2');
    expect(wordOf(() => decide(blind, choose({ hostIsOff: ['pv2'] })))).toBe('usage 2');
    expect(decide(blind, choose({ hostIsOff: ['pv2'], reason: 'seen' }))).toMatchObject({ hostIsOff: ['pv2'] });
    expect(decide(blind, choose({ without: ['pv2'], reason: 'disk gone' }))).toMatchObject({
      master: 'pv1',
      missing: [],
    });
  });

  test('covers only itself', () => {
    const two = { ...blind, findings: [dark, { ...dark, nodes: ['pv3'], says: 'pv3 could not be looked at' }] };
    expect(wordOf(() => decide(two, choose({ without: ['pv2'], reason: 'x' })))).toBe('too-little-seen 4');
    expect(wordOf(() => decide(blind, choose({ without: ['pv1'], reason: 'x' })))).toBe('usage 2');
  });
});

test('a replica that was looked at a moment later is set aside by nobody, where its master has all of it', () => {
  const runs = { source: 'running' } as const;
  const equal: Relation = { kind: 'equal', why: 'it follows it' };
  const serves = candidate('pv1', { pv2: equal, pv3: equal }, { verdict: 'freshest', ...runs });
  const later = candidate('pv2', { pv1: equal, pv3: contains }, runs);
  const chosen = candidate('pv3', { pv1: equal, pv2: contained }, runs);
  const promote = choose({ promote: 'pv3' });
  const live = (versus: Candidate['versus']) =>
    decide(
      diagnosis({ serving: 'pv1', state: 'healthy', candidates: [{ ...serves, versus }, later, chosen] }),
      promote,
      'live',
    );

  expect(live(serves.versus)).toMatchObject({ master: 'pv3', catchUpFrom: 'pv1', setAside: [], missing: [] });
  for (const relation of [contained, forked, incomparable])
    expect(live({ ...serves.versus, pv2: relation }).missing).toMatchObject([{ kind: 'set-aside', node: 'pv2' }]);
});
