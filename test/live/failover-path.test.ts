import { describe, expect, test } from 'vitest';
import type { Lab } from '../../src/lab/lab.js';
import { redisPort } from '../../src/lab/layout.js';
import { askOnce, infoFields } from '../../src/lab/resp.js';
import { labUp } from '../../src/lab/up.js';
import { leftOn, removeLab } from './dead-fleet.js';
import { startLabWriter } from './lab-writer.js';
import { runbook } from './recovery.js';

async function fieldOf(lab: Lab, name: string, field: string): Promise<string | undefined> {
  const host = lab.hosts.find((each) => each.name === name);
  return infoFields(await askOnce(host?.address ?? '', redisPort, lab.password, 'INFO')).get(field);
}

function runIds(lab: Lab): Promise<readonly (string | undefined)[]> {
  return Promise.all(['pv2', 'pv3'].map((name) => fieldOf(lab, name, 'run_id')));
}

describe('one command to one sentinel', () => {
  test('replaces a dead master where no majority is left; what is off comes back on the next path', async () => {
    const lab = await labUp({ seed: 81, ownerPid: process.pid });
    try {
      await lab.write({ count: 100 });
      for (const name of ['pv1', 'pv3', 'pvha1']) await lab.kill(name, 'sentinel', 'SIGKILL');
      await lab.kill('pv1', 'redis', 'SIGTERM');
      const before = await runIds(lab);

      const ended = await runbook(lab, ['recover', '--yes', '--plain']);
      expect(ended.status, ended.stdout + ended.stderr).toBe(10);
      expect(ended.stdout).toContain('Failover path');
      expect(ended.stdout).toContain('redis-runbook recover');
      const master = (await fieldOf(lab, 'pv2', 'role')) === 'master' ? 'pv2' : 'pv3';
      expect(await fieldOf(lab, master, 'role')).toBe('master');
      expect(ended.stdout).toContain(`${master} is master`);
      expect(await runIds(lab)).toEqual(before);
      expect(leftOn(lab)).toEqual([]);
      const writer = await startLabWriter(lab, master);

      const rest = await runbook(lab, ['recover', '--yes', '--plain']);
      await writer.stop();
      expect(writer.brokenBy()).toBeUndefined();
      expect(rest.status, rest.stdout + rest.stderr).toBe(0);
      expect(rest.stdout).toContain('Live path');
      expect(await lab.master()).toBe(master);
      const { missing, extra } = await lab.checkWrites();
      expect([missing.length, extra.length]).toEqual([0, 0]);
      expect((await lab.powerCycle({ stop: 'clean', limitMs: 60_000 })).master).toBe(master);
      expect((await lab.failoverDrill(60_000)).from).toBe(master);
    } finally {
      await removeLab(lab);
    }
  });
});
