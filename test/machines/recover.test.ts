import { expect, test } from 'vitest';
import type { Stop } from '../../src/lab/draw.js';
import type { Login } from './fleet.js';
import { bootFleet } from './machines.js';

const names = ['pv1', 'pv2', 'pv3', 'pvha1', 'pvha2'] as const;

/** Five machines with the distribution's packages, units, users and permissions; the tool reaches them over SSH alone. */
const cases: readonly (readonly [Stop, Login, number])[] = [
  ['clean', 'ops', 1],
  ['crash', 'root', 2],
];

test.each(cases)('the cascade (%s), recovered over SSH as %s, seed %i', async (stop, login, seed) => {
  const machines = await bootFleet({ seed });
  try {
    const unitsBefore = (await machines.check()).map((host) => (host.reachable ? host.units : undefined));
    const { lastWriter } = await machines.cascade(stop);
    await machines.boot(names, { quiet: true });

    const recovered = await machines.runbook(['recover', '--yes', '--plain'], { login, timeoutMs: 240_000 });

    expect([0, 10], `${recovered.stdout}${recovered.stderr}`).toContain(recovered.status);
    expect(await machines.untilSettled()).toBe(lastWriter);
    expect(await machines.checkWrites()).toMatchObject({ missing: [], extra: [] });
    await Promise.all(names.map((name) => machines.powerCut([name])));
    await machines.boot(names);
    expect(await machines.untilSettled()).toBe(lastWriter);
    expect(await machines.checkWrites()).toMatchObject({ missing: [], extra: [] });
    const unitsAfter = (await machines.check()).map((host) => (host.reachable ? host.units : undefined));
    expect(unitsAfter).toEqual(unitsBefore);
  } finally {
    await machines.down();
  }
});
