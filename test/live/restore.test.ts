import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { backupBench } from './backup-lab.js';
import { filesOf, leftOn } from './dead-fleet.js';
import { expectAllKept, expectHeldEverywhere, keptOf, restored, takenUnderLoad } from './restore-lab.js';

/** Both: the group has append-only files, and beside them an RDB could be restored and never be read. */
test('an RDB goes back into a running group under a steady write load, and what was there is kept', async () => {
  const bench = await backupBench({ seed: 31, persistence: 'both' });
  try {
    const taken = await takenUnderLoad(bench, 'rdb', 'replica');

    const configs = () => Object.entries(filesOf(bench.lab)).filter(([path]) => /\/redis\.conf$/.test(path));
    const before = configs();
    const refused = await bench.backup(['restore', taken.id, '--yes']);
    expect(refused.status, refused.stderr).toBe(3);
    expect(refused.stderr).toContain(`--set-aside ${taken.master} --reason`);
    expect([leftOn(bench.lab), await bench.lab.master()]).toEqual([[], taken.master]);

    const output = await restored(bench, taken);
    expect(output.status, `${output.stdout}${output.stderr}`).toBe(0);
    expect(output.stdout).toMatch(/\d+ keys, as in the backup/);
    await expectHeldEverywhere(bench, taken.expected);
    expectAllKept(await keptOf(bench, taken.master, true), taken.writer);

    // No setting was changed for it: the node wrote its append-only files from its first write on.
    expect(configs()).toEqual(before);
    const parts = join(bench.lab.directory, taken.master, 'data', 'appendonlydir');
    expect(readdirSync(parts).filter((name) => name.endsWith('.manifest'))).toHaveLength(1);
    expect(statSync(join(parts, 'appendonly.aof.1.base.rdb')).size).toBeGreaterThan(0);
    expect(leftOn(bench.lab)).toEqual([]);

    const cycled = await bench.lab.powerCycle({ stop: 'crash', limitMs: 60_000 });
    expect(cycled.master).toBe(taken.master);
    await expectHeldEverywhere(bench, taken.expected);
  } finally {
    await bench.end();
  }
});
