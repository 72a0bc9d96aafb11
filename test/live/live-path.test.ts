import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Lab } from '../../src/lab/lab.js';
import { redisPort } from '../../src/lab/layout.js';
import { askOnce, infoFields } from '../../src/lab/resp.js';
import { type LabOptions, labUp } from '../../src/lab/up.js';
import { leftOn, removeLab } from './dead-fleet.js';
import { type LabWriter, startLabWriter } from './lab-writer.js';
import { runbook } from './recovery.js';

async function withLab(options: LabOptions, use: (lab: Lab) => Promise<void>): Promise<void> {
  const lab = await labUp({ ownerPid: process.pid, ...options });
  try {
    await use(lab);
  } finally {
    await removeLab(lab);
  }
}

async function runIdOf(lab: Lab, name: string): Promise<string | undefined> {
  const host = lab.hosts.find((each) => each.name === name);
  const info = await askOnce(host?.address ?? '', redisPort, lab.password, 'INFO', 'server');
  return infoFields(info).get('run_id');
}

async function killSentinels(lab: Lab): Promise<void> {
  await Promise.all(lab.hosts.map((host) => lab.kill(host.name, 'sentinel', 'SIGKILL')));
}

async function untilWritten(writer: LabWriter, count: number): Promise<void> {
  const limit = Date.now() + 20_000;
  while (writer.acknowledged() < count && writer.brokenBy() === undefined) {
    if (Date.now() > limit) throw new Error('the writer does not get on');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function notRight(lab: Lab): Promise<{ missing: number; extra: number }> {
  const { missing, extra } = await lab.checkWrites();
  return { missing: missing.length, extra: extra.length };
}

/** Nothing missing, a power cut changes nothing, and the next failover works. */
async function expectSound(lab: Lab, master: string): Promise<void> {
  expect(leftOn(lab)).toEqual([]);
  expect(await lab.master()).toBe(master);
  expect(await notRight(lab)).toEqual({ missing: 0, extra: 0 });
  expect((await lab.powerCycle({ stop: 'clean', limitMs: 60_000 })).master).toBe(master);
  expect(await notRight(lab)).toEqual({ missing: 0, extra: 0 });
  expect((await lab.failoverDrill(60_000)).from).toBe(master);
}

describe.concurrent('roles are given to running nodes', () => {
  test('the master and all sentinels are dead, and a role stands in an include', () =>
    withLab({ seed: 71, persistence: 'aof' }, async (lab) => {
      const config = join(lab.directory, 'pv2', 'redis.conf');
      const role = /^(replicaof|slaveof) .*$/m.exec(readFileSync(config, 'utf8'))?.[0] ?? '';
      writeFileSync(
        config,
        readFileSync(config, 'utf8').replace(role, `include ${join(lab.directory, 'pv2')}/role.conf`),
      );
      appendFileSync(join(lab.directory, 'pv2', 'role.conf'), `# the role of pv2\n${role}\n`);
      const writer = await startLabWriter(lab, 'pv1');
      await untilWritten(writer, 100);
      await lab.kill('pv3', 'redis', 'SIGKILL');
      await untilWritten(writer, 200);
      await killSentinels(lab);
      await lab.kill('pv1', 'redis', 'SIGKILL');
      await writer.stop();
      const before = await runIdOf(lab, 'pv2');

      const ended = await runbook(lab, ['recover', '--yes', '--plain']);
      expect([0, 10], ended.stdout + ended.stderr).toContain(ended.status);
      expect(ended.stdout).toContain('Live path');
      expect(await runIdOf(lab, 'pv2')).toBe(before);
      expect(readFileSync(join(lab.directory, 'pv2', 'role.conf'), 'utf8')).toBe('# the role of pv2\n');
      await expectSound(lab, 'pv2');
    }));

  test('the master serves on while a replica and the sentinels are brought back', () =>
    withLab({ seed: 72 }, async (lab) => {
      const writer = await startLabWriter(lab, 'pv1');
      await lab.kill('pv3', 'redis', 'SIGKILL');
      await killSentinels(lab);
      const before = await Promise.all(['pv1', 'pv2'].map((name) => runIdOf(lab, name)));
      const ended = await runbook(lab, ['recover', '--yes', '--plain']);
      await writer.stop();
      expect(ended.status, ended.stdout + ended.stderr).toBe(0);
      expect(ended.stdout.replace(/\s+/g, ' ')).toContain('pv1 stays master and serves all the while');
      expect(await Promise.all(['pv1', 'pv2'].map((name) => runIdOf(lab, name)))).toEqual(before);
      expect(writer.brokenBy()).toBeUndefined();
      expect(writer.longestWaitMs()).toBeLessThan(1000);
      await expectSound(lab, 'pv1');
    }));

  test('another node is made master than the one that serves: it has everything before, clients are sent away after', () =>
    withLab({ seed: 73 }, async (lab) => {
      const writer = await startLabWriter(lab, 'pv1');
      await untilWritten(writer, 50);
      const ended = await runbook(lab, ['recover', '--yes', '--plain', '--path', 'live', '--promote', 'pv3']);
      await writer.stop();
      expect(ended.status, ended.stdout + ended.stderr).toBe(0);
      expect(writer.brokenBy()).toBeDefined();
      await expectSound(lab, 'pv3');
    }));
});
