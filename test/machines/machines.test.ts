import { existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bootFleet, type Machines } from './machines.js';

describe('five hosts boot', () => {
  let machines: Machines;
  beforeAll(async () => {
    const began = Date.now();
    machines = await bootFleet({ kind: (process.env.KIND ?? 'bookworm') as 'bookworm' });
    console.log(`booted in ${Date.now() - began} ms`);
  }, 900_000);
  afterAll(async () => {
    while (existsSync('/tmp/mx/hold')) await pause(500);
    await machines?.down();
  });

  test('settle', async () => {
    const t = (w: string) => console.log(new Date().toISOString(), w);
    t('settling');
    expect(await machines.untilSettled()).toBe('pv1');
    t('settled');
    await machines.write({ count: 100 });
    await machines.powerCut(['pv1']);
    t('cut');
    t(await machines.untilSettled('pv1'));
    t(JSON.stringify(await machines.checkWrites()));
    await machines.boot(['pv1']);
    t('booted');
    t(await machines.untilSettled());
    for (const login of ['ops', 'opspw', 'opsno', 'root'] as const)
      t(JSON.stringify(await machines.ssh('pv1', 'id; sudo -n id', { login })));
    await machines.line('pv2', { roundTripMs: 200, lossPercent: 5 });
    t('slow');
    for (let i = 0; i < 5; i++) {
      t('ssh');
      await machines.ssh('pv2', 'true');
    }
    await machines.line('pv2', undefined);
    t('ssh');
    await machines.ssh('pv2', 'true');
    t('done');
    t(JSON.stringify(await machines.cascade()));
    await machines.boot(['pv1', 'pv2', 'pv3', 'pvha1', 'pvha2'], { quiet: true });
    t('quiet');
    for (const one of await machines.check()) {
      t(JSON.stringify(one.reachable ? [one.units, one.processes, one.redis?.role] : one));
    }
    const o = await machines.runbook(['status', '--plain']);
    t(JSON.stringify(o));
  });
});
