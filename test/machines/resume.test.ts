import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { prngOf } from '../../src/lab/prng.js';
import { run } from './run.js';
import type { Machines } from './shapes.js';
import { bootThree, dead, recoverUntil } from './trouble.js';

/** A sample over SSH of what test/soak tries at every line: each kind of moment once, drawn within it. */
const seed = Number(process.env.RUNBOOK_SOAK_SEED ?? '3');
const prng = prngOf(seed);

let machines: Machines;
beforeAll(async () => {
  machines = await bootThree({ seed });
});
afterAll(() => machines.down());

/** SIGKILL to every process of the tool in the operator's namespace, from outside. */
async function killTool(): Promise<void> {
  const { stdout } = await run(['ip', 'netns', 'pids', machines.fleet.operatorNamespace]);
  for (const pid of stdout.split('\n').filter((word) => word !== '')) {
    const { stdout: line } = await run(['cat', `/proc/${pid}/cmdline`]);
    if (line.includes('redis-runbook.js')) process.kill(Number(pid), 'SIGKILL');
  }
}

const host = () => prng.pick(['pv1', 'pv2', 'pv3']);
const moments = [
  { title: 'while it keeps and stops', action: new RegExp(`^(keep|stop)/${host()}/`) },
  { title: 'while it starts', action: new RegExp(`^start/${host()}/service\\.start`) },
];

test.each(moments)('killed $title, a run is resumed over SSH to the same end', async ({ action }) => {
  const master = await dead(machines);
  await recoverUntil(machines, [], { action }, killTool);

  const resumed = await machines.runbook(['resume', '--yes', '--plain']);

  expect([0, 10], resumed.stdout + resumed.stderr).toContain(resumed.status);
  expect(await machines.untilSettled()).toBe(master);
  expect(await machines.checkWrites()).toMatchObject({ missing: [], extra: [] });
});

test('killed while it checks, a run is resumed by another machine from the copies alone, and so is what it left', async () => {
  const master = await dead(machines);
  await recoverUntil(machines, [], { action: /^check\// }, killTool);
  const env = { XDG_STATE_HOME: join(machines.directory, 'operator', 'another') };

  const resumed = await machines.runbook(['resume', '--yes', '--plain'], { env });

  expect([0, 10], resumed.stdout + resumed.stderr).toContain(resumed.status);
  expect(await machines.untilSettled()).toBe(master);
  expect(await machines.checkWrites()).toMatchObject({ missing: [], extra: [] });
});

test('killed after the files were rewritten, a run is undone over SSH: files, units and holds as before', async () => {
  await dead(machines);
  const before = await machines.check();
  await recoverUntil(machines, [], { action: /^start\/.*release/ }, killTool);

  const undone = await machines.runbook(['undo', '--yes', '--plain']);

  expect(undone.status, undone.stdout + undone.stderr).toBe(0);
  const now = await machines.check();
  const units = (all: typeof before) => all.map((each) => (each.reachable ? each.units : each));
  expect(units(now)).toEqual(units(before));
});
