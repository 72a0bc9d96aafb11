import { afterAll, beforeAll, expect, it } from 'vitest';
import { type DeadFleet, deadFleet, leftOn } from '../live/dead-fleet.js';
import { asleepAt, operatorAt } from '../live/two-operators.js';

let dead: DeadFleet;

beforeAll(async () => {
  dead = await deadFleet('all-down-aof', 4);
}, 60_000);
afterAll(() => dead.remove());

it('gives a run away that was killed; who gave it may give it to another, who goes on to the end', async () => {
  await dead.withCopy(async (lab) => {
    const jisoo = operatorAt(lab, 'jisoo');
    const first = jisoo.start('recover', '--yes', '--plain');
    await asleepAt(jisoo, first.child, '/service.stop');
    first.child.kill('SIGKILL');
    await first.ended;
    const run = jisoo.runId();
    const wrong = await jisoo.run('handover', '--to', 'mina and hana');
    expect([wrong.status, wrong.stderr]).toEqual([2, expect.stringContaining('is no name of an operator')]);

    const handed = await jisoo.run('handover', '--to', 'hana');
    expect([handed.status, handed.stdout], handed.stderr).toEqual([0, expect.stringContaining('handed over to hana')]);
    expect((await operatorAt(lab, 'mina').run('handover', '--to', 'mina')).status).toBe(6);
    expect((await jisoo.run('handover', run, '--to', 'mina')).status).toBe(0);
    const resumed = await operatorAt(lab, 'mina').run('resume', run, '--yes');
    expect(resumed.status, resumed.stdout + resumed.stderr).toBe(0);
    expect(resumed.stderr).toContain(`Run ${run} was handed over to you by jisoo@`);
    expect(await lab.master()).toBe(dead.lastWriter);
    expect((await lab.checkWrites({ notExpected: [] })).missing).toEqual([]);
    expect(leftOn(lab)).toEqual([]);
    const late = await jisoo.run('handover', run, '--to', 'mina');
    expect([late.status, late.stderr]).toEqual([2, expect.stringContaining('has no lock')]);
  });
}, 120_000);
