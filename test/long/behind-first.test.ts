import { expect, test } from 'vitest';
import { expectSound, killSentinels, notRight, withLab } from '../live/path-lab.js';
import { runbook } from '../live/recovery.js';

test('everything is dead and a node that is behind is to be master: the refusal names two commands, and with them nothing is given up', () =>
  withLab({ seed: 91 }, async (lab) => {
    await lab.write({ count: 40 });
    await killSentinels(lab);
    await lab.kill('pv3', 'redis', 'SIGTERM');
    await lab.write({ count: 30 });
    await lab.kill('pv2', 'redis', 'SIGTERM');
    await lab.kill('pv1', 'redis', 'SIGTERM');

    const refused = await runbook(lab, ['recover', '--yes', '--plain', '--promote', 'pv3']);
    expect(refused.status, refused.stdout + refused.stderr).toBe(3);
    const said = refused.stderr.replace(/ --fleet \S+/g, '').replace(/\s+/g, ' ');
    const first = /redis-runbook (recover) with (pv[12]) as master, which has all of pv3: nothing is set aside/.exec(
      said,
    );
    const then = /redis-runbook (recover --path live --promote pv3) makes pv3 master once it has all of (pv[12])/.exec(
      said,
    );
    expect(first?.[2], said).toBeDefined();
    expect(then?.[2], said).toBe(first?.[2]);

    const ended = await runbook(lab, [first?.[1] ?? '', '--yes', '--plain']);
    expect(ended.status, ended.stdout + ended.stderr).toBe(0);
    expect(await lab.master()).toBe(first?.[2]);
    expect(await notRight(lab)).toEqual({ missing: 0, extra: 0 });
    const moved = await runbook(lab, [...(then?.[1] ?? '').split(' '), '--yes', '--plain']);
    expect(moved.status, moved.stdout + moved.stderr).toBe(0);
    await expectSound(lab, 'pv3');
  }));
