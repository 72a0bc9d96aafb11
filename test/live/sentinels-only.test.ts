import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Lab } from '../../src/lab/lab.js';
import { redisPort, sentinelPort } from '../../src/lab/layout.js';
import { askOnce, infoFields } from '../../src/lab/resp.js';
import { labUp } from '../../src/lab/up.js';
import { leftOn, removeLab } from './dead-fleet.js';
import { startLabWriter } from './lab-writer.js';
import { runbook } from './recovery.js';

function addressOf(lab: Lab, name: string): string {
  return lab.hosts.find((host) => host.name === name)?.address ?? '';
}

function sentinelFile(lab: Lab, name: string): string {
  return join(lab.directory, name, 'sentinel.conf');
}

function edit(lab: Lab, name: string, change: (text: string) => string): void {
  const path = sentinelFile(lab, name);
  writeFileSync(path, change(readFileSync(path, 'utf8')));
}

async function runIds(lab: Lab): Promise<readonly (string | undefined)[]> {
  const redis = lab.hosts.filter((host) => host.runs.includes('redis'));
  return Promise.all(
    redis.map(async (host) =>
      infoFields(await askOnce(host.address, redisPort, lab.password, 'INFO', 'server')).get('run_id'),
    ),
  );
}

async function stopSentinels(lab: Lab): Promise<void> {
  await Promise.all(lab.hosts.map((host) => lab.kill(host.name, 'sentinel', 'SIGKILL')));
}

async function startSentinels(lab: Lab): Promise<void> {
  await Promise.all(lab.hosts.map((host) => lab.start(host.name, 'sentinel')));
}

/**
 * One sentinel names another master at the same epoch: these two never converge. Another is a clone of a third, and a
 * fourth does not run.
 */
async function breakSentinels(lab: Lab): Promise<void> {
  await stopSentinels(lab);
  const myid = /^sentinel myid (\S+)/m.exec(readFileSync(sentinelFile(lab, 'pv1'), 'utf8'))?.[1];
  edit(lab, 'pv2', (text) =>
    text
      .replace(/^(sentinel myid) \S+/m, `$1 ${myid}`)
      .replace(/^sentinel known-sentinel .*\n/gm, '')
      .concat('\n# a comment of the operator\nsentinel monitor other 127.0.0.1 1 1\nsentinel config-epoch other 40\n'),
  );
  await startSentinels(lab);
  await lab.kill('pvha2', 'sentinel', 'SIGKILL');
}

describe.concurrent('sentinels that do not agree are made to, and Redis is not touched', () => {
  test('clones, one that is off, one with a group and an epoch of its own', async () => {
    const lab = await labUp({ seed: 61, ownerPid: process.pid });
    try {
      await breakSentinels(lab);
      const before = await runIds(lab);
      const writer = await startLabWriter(lab, 'pv1');
      const ended = await runbook(lab, ['recover', '--yes', '--plain']);
      await writer.stop();

      expect(ended.status, ended.stdout + ended.stderr).toBe(0);
      expect(ended.stdout).toContain('Sentinels-only path');
      expect(ended.stdout).toContain('Redis was not restarted on pv1, pv2 and pv3: 3 run ids as before');
      expect(await runIds(lab)).toEqual(before);
      expect(writer.brokenBy()).toBeUndefined();
      expect(writer.acknowledged()).toBeGreaterThan(20);
      expect(writer.longestWaitMs()).toBeLessThan(1000);
      expect(await lab.checkWrites()).toMatchObject({ missing: [], extra: [] });
      expect(leftOn(lab)).toEqual([]);
      const ids = lab.hosts.map((host) => askOnce(host.address, sentinelPort, undefined, 'SENTINEL', 'MYID'));
      expect(new Set(await Promise.all(ids)).size).toBe(5);
      const own = readFileSync(sentinelFile(lab, 'pv2'), 'utf8');
      expect(own).toContain('# a comment of the operator');
      expect(own).toMatch(/^sentinel monitor other 127.0.0.1 1 1$/m);
      expect(own).toMatch(/^sentinel config-epoch other 40$/m);
      expect(own).toMatch(/^sentinel auth-pass /m);

      const cycled = await lab.powerCycle({ stop: 'clean', limitMs: 60_000 });
      expect(cycled.master).toBe('pv1');
      expect(await lab.checkWrites()).toMatchObject({ missing: [], extra: [] });
      expect((await lab.failoverDrill(60_000)).from).toBe('pv1');
    } finally {
      await removeLab(lab);
    }
  });

  test('one names another master with the epoch of all others', async () => {
    const lab = await labUp({ seed: 62, ownerPid: process.pid });
    try {
      await lab.kill('pvha1', 'sentinel', 'SIGKILL');
      edit(lab, 'pvha1', (text) => text.replaceAll(addressOf(lab, 'pv1'), addressOf(lab, 'pv3')));
      await lab.start('pvha1', 'sentinel');
      const before = await runIds(lab);
      const refused = await runbook(lab, ['recover', '--yes', '--plain', '--path', 'failover']);
      expect(refused.status, refused.stdout + refused.stderr).toBe(3);
      expect(refused.stderr).toContain('[unsafe-path]');
      expect(refused.stderr.replace(/\s+/g, ' ')).toContain('pv1 is master and serves');
      expect(leftOn(lab)).toEqual([]);

      const ended = await runbook(lab, ['recover', '--yes', '--plain']);
      expect(ended.status, ended.stdout + ended.stderr).toBe(0);
      expect(await runIds(lab)).toEqual(before);
      expect((await lab.powerCycle({ stop: 'crash', limitMs: 60_000 })).master).toBe('pv1');
    } finally {
      await removeLab(lab);
    }
  });
});
