import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { asItShouldBe, killOnce } from '../live/backup-kill.js';
import { type BackupBench, backupBench, backupsIn } from '../live/backup-lab.js';
import { cutAfter } from '../live/backup-started.js';

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

test('an AOF whose first files had arrived is gone on with: they are not sent again', async () => {
  const cut = await cutAfter(bench, 'data/appendonlydir/appendonly.aof.manifest');
  const next = await bench.backup(['create', cut.node, '--kind', 'aof']);
  expect(next.status, next.stderr).toBe(0);
  expect(next.stderr).toContain(`going on with ${cut.id}`);
  expect(next.stderr).toContain('data/appendonlydir/appendonly.aof.manifest is there already');
  expect(next.stderr).not.toContain('removed');
  const complete = (await backupsIn(bench)).at(-1);
  expect(complete).toMatchObject({ complete: true, name: expect.stringContaining(cut.id) });
  expect((await bench.backup(['drill', cut.id])).status).toBe(0);
});
