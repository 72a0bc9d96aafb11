import { afterAll, describe, expect, test } from 'vitest';
import { type Disaster, type Outcome, recoverAndJudge } from '../live/recovery.js';

/** How many of each disaster; the whole series is ten. */
const each = Number(process.env.RUNBOOK_SOAK_EACH ?? '10');
const firstSeed = Number(process.env.RUNBOOK_SOAK_SEED ?? '100');
const disasters: readonly Disaster[] = [
  'cascade-clean',
  'cascade-crash-aof',
  'cascade-crash-rdb',
  'all-down-aof',
  'all-down-rdb',
];

const outcomes: Outcome[] = [];
const seeds = Array.from({ length: each }, (_, index) => firstSeed + index);

describe.each(disasters)('%s', (disaster) => {
  test.each(seeds)('seed %i', async (seed) => {
    const outcome = await recoverAndJudge(disaster, seed);
    outcomes.push(outcome);

    const refuses = disaster.endsWith('rdb');
    if (!refuses) expect(outcome.winner).toBe(outcome.lastWriter);
    expect(outcome.refusedFirst).toBe(refuses);
    expect([0, 10], outcome.output).toContain(outcome.status);
    expect({ missing: outcome.missing, extra: outcome.extra }, outcome.output).toEqual({ missing: 0, extra: 0 });
    expect(outcome.sameMasterAfterCycle).toBe(true);
    expect(outcome.missingAfterCycle).toBe(0);
    expect(outcome.drillMs).toBeLessThan(60_000);
    if (disaster === 'cascade-clean' || disaster === 'cascade-crash-aof')
      for (const winner of Object.values(outcome.withoutLogOf))
        expect([undefined, outcome.lastWriter]).toContain(winner);
  });
});

describe('the rules of thumb, beside the verdict', () => {
  test('each of them is wrong at least once over a whole series', () => {
    const rules = ['largest AOF', 'newest file', 'highest offset', 'highest config-epoch'] as const;
    const wrong = rules.map((rule) => ({ rule, wrong: outcomes.filter((outcome) => isWrong(outcome, rule)).length }));
    for (const row of wrong) console.log(`"${row.rule}" was wrong ${row.wrong} of ${outcomes.length} times`);

    if (each >= 10) for (const row of wrong) expect(row.wrong, row.rule).toBeGreaterThan(0);
    expect(outcomes.length).toBe(each * disasters.length);
  });
});

/** A rule is wrong where it names a node other than the winner; "no answer" is not counted. */
function isWrong(outcome: Outcome, rule: Outcome['naive'][number]['rule']): boolean {
  const node = outcome.naive.find((item) => item.rule === rule)?.node;
  return node !== undefined && outcome.winner !== undefined && node !== outcome.winner;
}

afterAll(() => {
  const sum = (pick: (outcome: Outcome) => number): number => outcomes.reduce((total, item) => total + pick(item), 0);
  console.log(
    [
      `seeds ${firstSeed} to ${firstSeed + each - 1}, ${outcomes.length} recoveries`,
      `writes that had to be there ${sum((item) => item.expected)}`,
      `missing ${sum((item) => item.missing)}, extra ${sum((item) => item.extra)}`,
      `named as on no disk ${sum((item) => item.excused)}`,
    ].join('; '),
  );
});
