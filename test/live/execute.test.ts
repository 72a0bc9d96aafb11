import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readJournal } from '../../src/execute/journal.js';
import { coldPlan } from '../execute/plan-builder.js';
import { type Bench, benchUp, runPlan } from './execute-lab.js';

describe('the seven steps on a running fleet', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await benchUp({ redis: 3, sentinels: 5 });
  });
  afterAll(() => bench.end());

  it('moves the master and proves it', async () => {
    await bench.lab.write();
    const plan = coldPlan(bench.inventory, 'pv2', { expectedKeys: 1n });
    const { result, events, directory } = await runPlan(bench, plan);
    console.log(events.filter((e) => e.type !== 'waiting').map((e) => JSON.stringify(e)).join('\n'));
    console.log(JSON.stringify(result, null, 1));
    expect(result.outcome).toBe('done');
    const journal = await readJournal(directory.path);
    expect(journal.brokenAt).toBeUndefined();
    const checked = await bench.lab.checkWrites();
    console.log(checked);
  });
});
