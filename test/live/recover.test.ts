import { describe, expect, test } from 'vitest';
import { type Disaster, recoverAndJudge } from './recovery.js';

/** A seeded sample; the whole series is in test/soak. */
const sample: readonly (readonly [Disaster, number])[] = [
  ['cascade-clean', 1],
  ['cascade-crash-aof', 2],
  ['cascade-crash-rdb', 3],
  ['all-down-aof', 4],
];

describe.concurrent('a dead fleet is recovered end to end', () => {
  test.each(sample)('%s, seed %i', async (disaster, seed) => {
    const outcome = await recoverAndJudge(disaster, seed);

    const rdbCrash = disaster.endsWith('crash-rdb');
    if (!rdbCrash) expect(outcome.winner).toBe(outcome.lastWriter);
    expect(outcome.refusedFirst).toBe(rdbCrash);
    expect([0, 10], outcome.output).toContain(outcome.status);
    expect({ missing: outcome.missing, extra: outcome.extra }).toEqual({ missing: 0, extra: 0 });
    expect(outcome.expected + outcome.excused).toBeGreaterThan(0);
    expect(outcome.sameMasterAfterCycle).toBe(true);
    expect(outcome.missingAfterCycle).toBe(0);
    expect(outcome.drillMs).toBeLessThan(60_000);
    if (disaster.startsWith('cascade')) expect(outcome.master).toBe(outcome.winner);
    if (disaster === 'cascade-clean' || disaster === 'cascade-crash-aof')
      for (const winner of Object.values(outcome.withoutLogOf))
        expect([undefined, outcome.lastWriter]).toContain(winner);
  });
});
