import { expect, test } from 'vitest';
import { printSeries, series } from './series.js';

const FIRST = 1;
const COUNT = 60;

test('damaged files, answers and fleet files end in a verdict or in words, and never in a wrong winner', async () => {
  const all = await series(FIRST, COUNT);
  expect(all.findings, printSeries(FIRST, COUNT, 0, all)).toEqual([]);
}, 60_000);
