import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Lab } from '../../src/lab/lab.js';
import { leftOn } from './dead-fleet.js';
import { startLabWriter } from './lab-writer.js';
import { askSentinel, infoOf, killSentinels, notRight, withLab } from './path-lab.js';
import { runbook } from './recovery.js';

function sentinelFile(lab: Lab, name: string): string {
  return join(lab.directory, name, 'sentinel.conf');
}

/** One sentinel is a clone of another and watches a group of its own, and a third does not run. */
async function cloneSentinel(lab: Lab): Promise<void> {
  await killSentinels(lab);
  const myid = /^sentinel myid (\S+)/m.exec(readFileSync(sentinelFile(lab, 'pv1'), 'utf8'))?.[1];
  const text = readFileSync(sentinelFile(lab, 'pv2'), 'utf8')
    .replace(/^(sentinel myid) \S+/m, `$1 ${myid}`)
    .replace(/^sentinel known-sentinel .*\n/gm, '');
  const own = '# a comment of the operator\nsentinel monitor other 127.0.0.1 1 1\nsentinel config-epoch other 40\n';
  writeFileSync(sentinelFile(lab, 'pv2'), `${text}\n${own}`);
  const others = lab.hosts.filter(({ name }) => name !== 'pvha2');
  await Promise.all(others.map(({ name }) => lab.start(name, 'sentinel')));
}

/** With power cycles and failovers afterwards, and the other paths: test/long/paths.test.ts. */
describe.concurrent('a fleet that serves goes on serving while it is made sound', () => {
  test('sentinels that do not agree: only they are touched', () =>
    withLab({ seed: 61 }, async (lab) => {
      await cloneSentinel(lab);
      const before = await infoOf(lab, 'run_id', 'pv1', 'pv2', 'pv3');
      const writer = await startLabWriter(lab, 'pv1');
      const ended = await runbook(lab, ['recover', '--yes', '--plain']);
      await writer.stop();

      expect(ended.status, ended.stdout + ended.stderr).toBe(0);
      expect(ended.stdout).toContain('Sentinels-only path');
      expect(ended.stdout).toContain('Redis was not restarted on pv1, pv2 and pv3: 3 run ids as before');
      expect(await infoOf(lab, 'run_id', 'pv1', 'pv2', 'pv3')).toEqual(before);
      expect(writer.brokenBy()).toBeUndefined();
      expect(writer.acknowledged()).toBeGreaterThan(20);
      expect(await notRight(lab)).toEqual({ missing: 0, extra: 0 });
      expect(leftOn(lab)).toEqual([]);
      const ids = lab.hosts.map(({ name }) => askSentinel(lab, name, 'SENTINEL', 'MYID'));
      expect(new Set(await Promise.all(ids)).size).toBe(5);
      const own = readFileSync(sentinelFile(lab, 'pv2'), 'utf8');
      expect(own).toContain('# a comment of the operator');
      expect(own).toMatch(/^sentinel monitor other 127.0.0.1 1 1$/m);
      expect(own).toMatch(/^sentinel config-epoch other 40$/m);
      expect(own).toMatch(/^sentinel auth-pass /m);
    }));

  test('a replica and all sentinels are gone: they come back around the master', () =>
    withLab({ seed: 72 }, async (lab) => {
      const writer = await startLabWriter(lab, 'pv1');
      await lab.kill('pv3', 'redis', 'SIGKILL');
      await killSentinels(lab);
      const before = await infoOf(lab, 'run_id', 'pv1', 'pv2');
      const ended = await runbook(lab, ['recover', '--yes', '--plain']);
      await writer.stop();
      expect(ended.status, ended.stdout + ended.stderr).toBe(0);
      expect(ended.stdout.replace(/\s+/g, ' ')).toContain('pv1 stays master and serves all the while');
      expect(await infoOf(lab, 'run_id', 'pv1', 'pv2')).toEqual(before);
      expect(writer.brokenBy()).toBeUndefined();
      expect(leftOn(lab)).toEqual([]);
      expect(await lab.master()).toBe('pv1');
      expect(await notRight(lab)).toEqual({ missing: 0, extra: 0 });
    }));
});
