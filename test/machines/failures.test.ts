import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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

let machines: Machines;

beforeAll(async () => {
  machines = await bootThree({ seed: 31 });
});

afterAll(async () => {
  await machines?.down();
});

/** Stage, the action under way on the machine that loses its power, who that is. */
const cuts: readonly (readonly [string, RegExp, 'master' | 'replica'])[] = [
  ['HOLD', /^hold\/HOST\/service\.hold\//, 'replica'],
  ['KEEP', /^keep\/HOST\/data\.keep\//, 'master'],
  ['STOP', /^stop\/HOST\/service\.stop\//, 'replica'],
  ['REWRITE', /^rewrite\/HOST\/config\.rewrite\//, 'master'],
  ['CHECK', /^check\/HOST\/data\.check\//, 'replica'],
  ['START of the master', /^start\/HOST\/service\.start\//, 'master'],
  ['START of a replica', /^start\/HOST\/service\.start\//, 'replica'],
  ['START of a sentinel', /^start\/HOST\/service\.start\/.*2$/, 'replica'],
  ['PROVE', /^prove\//, 'replica'],
];

describe('a machine loses its power', () => {
  test.each(cuts)('in %s', async (_, action, who) => {
    const master = await headless(machines);
    const victim = who === 'master' ? master : (three.find((name) => name !== master) ?? '');
    const moment = { action: new RegExp(action.source.replace('HOST', victim)) };

    const cut = await recoverUntil(machines, ['--path', 'cold'], moment, () => machines.powerCut([victim]));

    expect([8, 9], `${cut.stdout}${cut.stderr}`).toContain(cut.status);
    const held = heldOn(machines, victim);
    saysWhatComesBack(cut.stdout, victim, held);
    await machines.boot([victim]);
    await untilStartsEnded(machines, victim);
    const servers = (await serversOn(machines, victim)).join();
    expect(servers.includes('redis-server'), servers).toBe(!held.includes('redis-server'));
    expect(servers.includes('redis-sentinel'), servers).toBe(!held.includes('redis-sentinel'));

    const again = await machines.runbook(['recover', '--yes', '--plain'], { timeoutMs: 240_000 });

    expect([0, 10], `${cut.stdout}${again.stdout}${again.stderr}`).toContain(again.status);
    await machines.untilSettled();
    expect(await machines.checkWrites()).toMatchObject({ missing: [], extra: [] });
    expect(leftBehind(machines)).toEqual([]);
  });
});

/** The last screen against the disk of the machine that is off: what of it is held, and what is not. */
function saysWhatComesBack(screen: string, victim: string, held: readonly string[]): void {
  const said = screen.replace(/\s+/g, ' ');
  expect(said).toContain(`unreachable ${victim}. When it comes back: `);
  const both = `${victim}/sentinel and ${victim} are held and will not start by themselves`;
  const one = held.includes('redis-server') ? victim : `${victim}/sentinel`;
  if (held.length === 2) expect(said).toContain(both);
  else if (held.length === 1) expect(said).toContain(`${one} is held and will not start by itself`);
  else expect(said).not.toContain('held and will not start');
}
