import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { asItShouldBe, killOnce } from './backup-kill.js';
import { type BackupBench, backupBench } from './backup-lab.js';

let bench: BackupBench;

beforeAll(async () => {
  bench = await backupBench({ seed: 11, persistence: 'both' });
  await bench.lab.write({ count: 600, lowBytes: 800, highBytes: 1600, hotShare: 0.1 });
});
afterAll(() => bench.end());

/** A seeded sample; the whole series is in test/soak. */
describe('a backup that is killed', () => {
  test.each([
    ['operator', 1],
    ['operator', 2],
    ['operator', 3],
    ['host', 4],
    ['host', 5],
  ] as const)('%s side, seed %i: nothing half is listed, and the next one clears up', async (side, seed) => {
    const killed = await killOnce(bench, side, seed);
    expect(killed, `${killed.said}\n${killed.nextSaid}`).toMatchObject(asItShouldBe);
  });
});
