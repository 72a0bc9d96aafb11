import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Machines } from './shapes.js';
import { bootThree, headless, heldOn, leftBehind, recoverUntil, serversOn, three } from './trouble.js';

/** The same without systemd: init scripts, Redis 6.0. */
let machines: Machines;

beforeAll(async () => {
  machines = await bootThree({ seed: 91, kind: 'bullseye-sysv' });
});

afterAll(async () => {
  await machines?.down();
});

const cuts: readonly (readonly [string, RegExp, 'master' | 'replica'])[] = [
  ['HOLD', /^hold\/HOST\/service\.hold\//, 'master'],
  ['STOP', /^stop\/HOST\/service\.stop\//, 'replica'],
  ['REWRITE', /^rewrite\/HOST\/config\.rewrite\//, 'replica'],
  ['START', /^start\/HOST\/service\.start\//, 'master'],
];

describe('a machine with init scripts loses its power', () => {
  test.each(cuts)('in %s: at its boot nothing starts that is held', async (stage, action, who) => {
    const master = await headless(machines);
    const victim = who === 'master' ? master : (three.find((name) => name !== master) ?? '');
    const moment = { action: new RegExp(action.source.replace('HOST', victim)) };

    const cut = await recoverUntil(machines, ['--path', 'cold'], moment, () => machines.powerCut([victim]));

    expect([8, 9], `${cut.stdout}${cut.stderr}`).toContain(cut.status);
    const held = heldOn(machines, victim);
    if (stage === 'STOP' || stage === 'REWRITE') expect(held).toEqual(['redis-server', 'redis-sentinel']);
    await machines.boot([victim]);
    const servers = (await serversOn(machines, victim)).join();
    for (const unit of ['redis-server', 'redis-sentinel']) {
      expect(servers.includes(unit), servers).toBe(!held.includes(unit));
    }
    const again = await machines.runbook(['recover', '--yes', '--plain'], { timeoutMs: 240_000 });
    expect([0, 10], `${cut.stdout}${again.stdout}${again.stderr}`).toContain(again.status);
    await machines.untilSettled();
    expect(await machines.checkWrites()).toMatchObject({ missing: [], extra: [] });
    expect(leftBehind(machines)).toEqual([]);
  });
});
