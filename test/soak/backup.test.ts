import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { asItShouldBe, type Killed, killOnce } from '../live/backup-kill.js';
import { type BackupBench, backupBench } from '../live/backup-lab.js';

/** How many kills on each side; the whole series is fifty. */
const each = Number(process.env.RUNBOOK_SOAK_EACH ?? '50');
const firstSeed = Number(process.env.RUNBOOK_SOAK_SEED ?? '1000');
const seeds = Array.from({ length: each }, (_, index) => firstSeed + index);
const all: Killed[] = [];
let bench: BackupBench;

beforeAll(async () => {
  bench = await backupBench({ seed: firstSeed, persistence: 'both' });
  await bench.lab.write({ count: 600, lowBytes: 800, highBytes: 1600, hotShare: 0.1 });
});
afterAll(async () => {
  await bench.end();
  const resumed = all.filter(({ nextSaid }) => nextSaid.includes('going on with')).length;
  const cut = all.filter(({ status }) => status !== 0).length;
  console.log(`${all.length} kills from seed ${firstSeed}: ${cut} cut a backup off, ${resumed} were gone on with`);
});

describe.each(['operator', 'host'] as const)('killed on the side of the %s', (side) => {
  test.each(seeds)('seed %i', async (seed) => {
    const killed = await killOnce(bench, side, seed);
    all.push(killed);
    expect(killed, `${killed.said}\n${killed.nextSaid}`).toMatchObject(asItShouldBe);
  });
});
