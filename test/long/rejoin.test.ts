import { rmSync } from 'node:fs';
import { expect, test } from 'vitest';
import { labUp } from '../../src/lab/up.js';
import { filesOf, leftOn, removeLab } from '../live/dead-fleet.js';
import { fleetWithout } from '../live/out-of-reach.js';
import { runbook } from '../live/recovery.js';

test('a host out of reach is refused, left out by name, remembered by every other host, and rejoined', async () => {
  const lab = await labUp({ ownerPid: process.pid });
  try {
    await lab.write({ count: 20 });
    // pv3 goes off while it still follows; then everything else does.
    for (const kind of ['redis', 'sentinel'] as const) await lab.kill('pv3', kind, 'SIGKILL');
    await lab.write({ count: 20 });
    for (const { name, runs } of lab.hosts.filter(({ name }) => name !== 'pv3'))
      for (const kind of runs) await lab.kill(name, kind, 'SIGTERM');
    const dark = fleetWithout(lab, 'pv3');
    const before = filesOf(lab);

    const refused = await runbook(lab, ['recover', '--yes', '--plain'], {}, dark);
    expect(refused.status, refused.stdout).toBe(4);
    expect(refused.stderr).toMatch(/pv3 could not be looked at/);
    const unreasoned = await runbook(lab, ['recover', '--yes', '--plain', '--without', 'pv3'], {}, dark);
    expect(unreasoned.status, unreasoned.stderr).toBe(2);
    expect(filesOf(lab)).toEqual(before);

    const without = ['recover', '--yes', '--plain', '--without', 'pv3', '--reason', 'rack without power'];
    const done = await runbook(lab, without, {}, dark);
    expect(done.status, done.stdout + done.stderr).toBe(10);
    expect(done.stdout).toMatch(/redis-runbook rejoin pv3/);

    // Another operator, who knows nothing of that run but what the hosts remember.
    const elsewhere = { XDG_STATE_HOME: `${lab.directory}/somebody-else` };
    for (const fleet of [dark, lab.fleetFile]) {
      const status = await runbook(lab, ['status', '--plain'], elsewhere, fleet);
      expect(status.status, status.stdout + status.stderr).toBe(10);
      expect(status.stdout).toMatch(/left-out {2}run [0-9A-Z]{4} left pv3 out/);
      expect(status.stdout).toMatch(/rack without power/);
    }
    expect((await runbook(lab, ['rejoin', 'pv3', '--yes'], elsewhere, dark)).status).toBe(4);
    const kept = await runbook(lab, ['clean', '--apply'], {}, dark);
    expect([kept.status, kept.stdout]).toEqual([3, expect.stringMatching(/redis-runbook rejoin pv3/)]);

    const back = await runbook(lab, ['rejoin', 'pv3', '--yes', '--plain'], elsewhere);
    expect(back.status, back.stdout + back.stderr).toBe(0);
    expect((await runbook(lab, ['status'])).status).toBe(0);
    const again = await runbook(lab, ['rejoin', 'pv3', '--yes']);
    expect([again.status, again.stdout]).toEqual([0, expect.stringMatching(/nothing to do/)]);
    const free = await runbook(lab, ['clean', '--apply']);
    expect([free.status, free.stdout], free.stderr).toEqual([0, expect.stringMatching(/files \(.+\) were removed/)]);
    expect(leftOn(lab)).toEqual([]);
    expect(await lab.checkWrites()).toMatchObject({ missing: [], extra: [] });
  } finally {
    await removeLab(lab);
    rmSync(lab.directory, { recursive: true, force: true });
  }
}, 90_000);
