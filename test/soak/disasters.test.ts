import { afterAll, describe, expect, test } from 'vitest';
import { disasters } from '../live/disaster-table.js';
import { type Tried, tryDisaster } from '../live/disasters.js';

/** How many of each disaster; the whole series is ten. A sample takes as many disasters in all, another set for each seed. */
const each = Number(process.env.RUNBOOK_SOAK_EACH ?? '10');
const sample = Number(process.env.RUNBOOK_SOAK_DISASTERS ?? '0');
const firstSeed = Number(process.env.RUNBOOK_SOAK_SEED ?? '100');

const whole = disasters.flatMap((disaster) =>
  Array.from({ length: each }, (_, index) => ({ disaster, seed: firstSeed + index })),
);
const sampled = Array.from({ length: sample }, (_, index) => {
  const disaster = disasters[(firstSeed + index) % disasters.length];
  if (disaster === undefined) throw new RangeError('no disaster');
  return { disaster, seed: firstSeed + index };
});
const runs = (sample > 0 ? sampled : whole).map(({ disaster, seed }) => ({
  name: `${disaster.scenario} (${disaster.persistence})`,
  disaster,
  seed,
}));

const tried: Tried[] = [];

describe('every disaster: verdict, refusal, recovery, power cut, failover', () => {
  test.each(runs)('$name, seed $seed', async ({ disaster, seed }) => {
    tried.push(await tryDisaster(disaster, seed));
  });

  test('each of them was tried', () => {
    expect(tried.length).toBe(runs.length);
  });
});

afterAll(() => {
  const lines = tried.map(({ scenario, seed, traits, naive }) => {
    const said = naive.map(
      ({ rule, node, lost }) => `${rule}: ${node === undefined ? 'no answer' : `${node}, lost ${lost}`}`,
    );
    return `${scenario} ${seed} [${traits.join(' ')}]  ${said.join('; ')}`;
  });
  console.log(['What each naive rule would have lost, in acknowledged writes:', ...lines].join('\n'));
});
