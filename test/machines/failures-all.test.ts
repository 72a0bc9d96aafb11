import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { inNamespace } from './network.js';
import { must, type Output } from './run.js';
import type { Machines } from './shapes.js';
import {
  bootThree,
  headless,
  heldOn,
  leftBehind,
  recoverUntil,
  serversOn,
  three,
  untilStartsEnded,
} from './trouble.js';

/** What hits more than one machine: the power of all, the person at the terminal, the network. */
let machines: Machines;

beforeAll(async () => {
  machines = await bootThree({ seed: 71 });
});

afterAll(async () => {
  await machines?.down();
});

afterEach(async () => {
  await machines.untilSettled();
  expect(await machines.checkWrites()).toMatchObject({ missing: [], extra: [] });
  expect(leftBehind(machines)).toEqual([]);
});

const places = {
  HOLD: /^hold\/pv2\/service\.hold\//,
  KEEP: /^keep\/pv2\/data\.keep\//,
  STOP: /^stop\/pv2\/service\.stop\//,
  REWRITE: /^rewrite\/pv2\/config\.rewrite\//,
  CHECK: /^check\/pv2\/data\.check\//,
  START: /^start\/pv2\/service\.start\//,
} as const;
type Stage = keyof typeof places;

async function goesOn(first: Output): Promise<string> {
  const again = await machines.runbook(['recover', '--yes', '--plain'], { timeoutMs: 240_000 });
  expect([0, 10], `${first.stdout}${again.stdout}${again.stderr}`).toContain(again.status);
  return again.stdout.replace(/\s+/g, ' ');
}

describe('every machine loses its power', () => {
  test.each(['STOP', 'REWRITE', 'START'] satisfies Stage[])('in %s', async (stage) => {
    await headless(machines);

    const cut = await recoverUntil(machines, ['--path', 'cold'], { action: places[stage] }, () =>
      machines.powerCut(three),
    );

    expect([8, 9], `${cut.stdout}${cut.stderr}`).toContain(cut.status);
    const held = three.map((name) => heldOn(machines, name));
    await machines.boot(three);
    for (const [index, name] of three.entries()) {
      await untilStartsEnded(machines, name);
      const servers = (await serversOn(machines, name)).join();
      for (const unit of ['redis-server', 'redis-sentinel']) {
        expect(servers.includes(unit), `${name}: ${servers}`).toBe(!held[index]?.includes(unit));
      }
    }
    if (stage === 'REWRITE') expect(held.flat()).toHaveLength(6);
    await goesOn(cut);
  });
});

describe("the operator's machine is gone", () => {
  const moments = ['HOLD', 'KEEP', 'STOP', 'REWRITE', 'START'] satisfies Stage[];

  test.each(moments)('in %s: what it had begun does no harm to the one who goes on at once', async (stage) => {
    await headless(machines);

    const killed = await recoverUntil(machines, ['--path', 'cold'], { action: places[stage] }, killTool);

    expect(killed.status).toBe(null);
    const status = await machines.runbook(['status', '--plain']);
    expect(status.stdout.replace(/\s+/g, ' ')).toMatch(/locked by run \w+, .* \(on pv1/);
    expect(await goesOn(killed)).toMatch(/taken over from run \w+, whose process ended/);
  });

  /** SIGKILL to the tool in the operator's namespace: its connections end, and nothing of it can clean up. */
  async function killTool(): Promise<void> {
    const pids = (await must(['ip', 'netns', 'pids', machines.fleet.operatorNamespace])).trim().split('\n');
    const own = pids.filter((pid) => /redis-runbook\.js\0recover/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8')));
    expect(own).toHaveLength(1);
    for (const pid of own) process.kill(Number(pid), 'SIGKILL');
  }
});

describe('the cable of a machine', () => {
  test('is out for five seconds: the run waits and goes on', async () => {
    await headless(machines);

    const output = await recoverUntil(machines, ['--path', 'cold'], { action: places.KEEP }, async () => {
      await machines.cable('pv2', false);
      await must([...inNamespace(machines.fleet.operatorNamespace), 'sleep', '5']);
      await machines.cable('pv2', true);
    });

    expect([0, 10], `${output.stdout}${output.stderr}`).toContain(output.status);
  });

  test.each(['STOP', 'START'] satisfies Stage[])(
    'is out for good in %s: it is said, and what is not known',
    async (stage) => {
      await headless(machines);

      const output = await recoverUntil(machines, ['--path', 'cold'], { action: places[stage] }, () =>
        machines.cable('pv2', false),
      );

      expect([8, 9], `${output.stdout}${output.stderr}`).toContain(output.status);
      const said = output.stdout.replace(/\s+/g, ' ');
      expect(said).toContain('unreachable pv2. When it comes back: ');
      if (stage === 'STOP') expect(said).toContain('pv2/sentinel and pv2 are held and will not start by themselves');
      await machines.cable('pv2', true);
      await goesOn(output);
    },
  );
});
