import { expect, it } from 'vitest';
import { printSeries, series } from '../fuzz/series.js';

const count = Number(process.env.RUNBOOK_SOAK_FUZZ ?? '10000');
const seed = Number(process.env.RUNBOOK_SOAK_SEED ?? '5000');
/** One input is at most some hundred kilobytes; what a series keeps beside its fixtures is the engine's own. */
const MOST_BYTES = 600e6;

it('ten thousand damaged inputs: no crash, no hang, bounded memory, never a wrong winner', async () => {
  const began = performance.now();
  const all = await series(seed, count);

  process.stdout.write(`${printSeries(seed, count, performance.now() - began, all)}\n`);
  expect(all.findings).toEqual([]);
  expect(all.grewBytes).toBeLessThan(MOST_BYTES);
});
