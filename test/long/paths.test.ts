import { execFileSync } from 'node:child_process';
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Lab } from '../../src/lab/lab.js';
import { journalNow, killedAt, newestRun } from '../live/cut.js';
import { leftOn } from '../live/dead-fleet.js';
import { startLabWriter } from '../live/lab-writer.js';
import {
  askRedis,
  askSentinel,
  expectSound,
  infoOf,
  killSentinels,
  notRight,
  seen,
  withLab,
} from '../live/path-lab.js';
import { runbook } from '../live/recovery.js';

describe('the path sentinels-only', () => {
  test('one names another master with the epoch of all others, and nothing gentler is taken', () =>
    withLab({ seed: 62 }, async (lab) => {
      await lab.write({ count: 40 });
      await lab.kill('pvha1', 'sentinel', 'SIGKILL');
      const config = join(lab.directory, 'pvha1', 'sentinel.conf');
      const [first, third] = ['pv1', 'pv3'].map((name) => lab.hosts.find((host) => host.name === name)?.address ?? '');
      writeFileSync(config, readFileSync(config, 'utf8').replaceAll(first ?? '', third ?? ''));
      await lab.start('pvha1', 'sentinel');
      const before = await infoOf(lab, 'run_id', 'pv1', 'pv2', 'pv3');
      const refused = await runbook(lab, ['recover', '--yes', '--plain', '--path', 'failover']);
      expect(refused.status, refused.stdout + refused.stderr).toBe(3);
      expect(refused.stderr).toContain('[unsafe-path]');
      expect(refused.stderr.replace(/\s+/g, ' ')).toContain('pv1 is master and serves');
      expect(leftOn(lab)).toEqual([]);

      const ended = await runbook(lab, ['recover', '--yes', '--plain']);
      expect(ended.status, ended.stdout + ended.stderr).toBe(0);
      expect(await infoOf(lab, 'run_id', 'pv1', 'pv2', 'pv3')).toEqual(before);
      await expectSound(lab, 'pv1');
    }));
});

/** pv1 was cut off, another one was elected, and both are master now; no sentinel runs. Returns the elected one. */
async function split(lab: Lab): Promise<string> {
  await lab.write({ count: 40 });
  await lab.kill('pv1', 'redis', 'SIGSTOP');
  await lab.kill('pv1', 'sentinel', 'SIGSTOP');
  await seen('another master', async () => {
    const named = await askSentinel(lab, 'pvha1', 'SENTINEL', 'GET-MASTER-ADDR-BY-NAME', lab.group);
    const host = lab.hosts.find((each) => each.address === String((named as readonly unknown[])[0]));
    return host?.name !== 'pv1' && (await infoOf(lab, 'role', host?.name ?? ''))[0] === 'master';
  });
  const roles = await infoOf(lab, 'role', 'pv2', 'pv3');
  const [elected, third] = roles[0] === 'master' ? ['pv2', 'pv3'] : ['pv3', 'pv2'];
  const address = lab.hosts.find(({ name }) => name === elected)?.address;
  await seen('the third one follows', async () => {
    const [[host], [link]] = [await infoOf(lab, 'master_host', third), await infoOf(lab, 'master_link_status', third)];
    return host === address && link === 'up';
  });
  await killSentinels(lab, 'pv2', 'pv3', 'pvha1', 'pvha2');
  await lab.kill('pv1', 'sentinel', 'SIGKILL');
  await lab.kill('pv1', 'redis', 'SIGCONT');
  return elected;
}

describe.concurrent('the path live', () => {
  test('the master and all sentinels are dead, and a role stands in an include', () =>
    withLab({ seed: 71, persistence: 'aof' }, async (lab) => {
      const config = join(lab.directory, 'pv2', 'redis.conf');
      const include = join(lab.directory, 'pv2', 'role.conf');
      const role = /^(replicaof|slaveof) .*$/m.exec(readFileSync(config, 'utf8'))?.[0] ?? '';
      writeFileSync(config, readFileSync(config, 'utf8').replace(role, `include ${include}`));
      appendFileSync(include, `# the role of pv2\n${role}\n`);
      const writer = await startLabWriter(lab, 'pv1');
      await seen('a hundred writes', () => writer.acknowledged() > 100);
      await lab.kill('pv3', 'redis', 'SIGKILL');
      await seen('two hundred writes', () => writer.acknowledged() > 200);
      await killSentinels(lab);
      await lab.kill('pv1', 'redis', 'SIGKILL');
      await writer.stop();
      const before = await infoOf(lab, 'run_id', 'pv2');

      const ended = await runbook(lab, ['recover', '--yes', '--plain']);
      expect([0, 10], ended.stdout + ended.stderr).toContain(ended.status);
      expect(ended.stdout).toContain('Live path');
      expect(await infoOf(lab, 'run_id', 'pv2')).toEqual(before);
      expect(readFileSync(include, 'utf8')).toBe('# the role of pv2\n');
      await expectSound(lab, 'pv2');
    }));

  test('another node is made master than the one that serves: it has everything before, clients are sent away after', () =>
    withLab({ seed: 73 }, async (lab) => {
      const writer = await startLabWriter(lab, 'pv1');
      await seen('fifty writes', () => writer.acknowledged() > 50);
      const ended = await runbook(lab, ['recover', '--yes', '--plain', '--path', 'live', '--promote', 'pv3']);
      await writer.stop();
      expect(ended.status, ended.stdout + ended.stderr).toBe(0);
      expect(writer.brokenBy()).toBeDefined();
      await expectSound(lab, 'pv3');
    }));

  test('of two masters that both took writes the one that is named is kept, and what the other holds is kept aside, whole', () =>
    withLab({ seed: 74 }, async (lab) => {
      const elected = await split(lab);
      await askRedis(lab, 'pv1', 'SET', 'only-on-pv1', 'x');
      await askRedis(lab, elected, 'SET', 'w:only-elected', 'x');

      const refused = await runbook(lab, ['recover', '--yes', '--plain']);
      expect(refused.status, refused.stdout + refused.stderr).toBe(3);
      expect(refused.stderr).toMatch(/\[split\]/);
      const words = ['--promote', elected, '--set-aside', 'pv1', '--reason', 'test'];
      const ended = await runbook(lab, ['recover', '--yes', '--plain', ...words]);
      expect([0, 10], ended.stdout + ended.stderr).toContain(ended.status);
      expect(ended.stdout).toContain('Live path');
      expect(leftOn(lab)).toEqual([]);
      expect(await lab.master()).toBe(elected);
      expect(await askRedis(lab, elected, 'GET', 'only-on-pv1')).toBeNull();
      expect(await askRedis(lab, 'pv1', 'GET', 'w:only-elected')).toBe('x');
      expect((await notRight(lab)).missing).toBe(0);
      const data = join(lab.directory, 'pv1', 'data');
      const run = readdirSync(data).find((name) => name.startsWith('.redis-runbook-')) ?? '';
      const kept = readFileSync(join(data, run, 'fenced', 'dump.rdb'));
      expect(kept.includes('only-on-pv1')).toBe(true);
      const here = join(lab.directory, 'operator', 'redis-runbook', 'runs');
      const copies = readdirSync(here, { recursive: true })
        .map(String)
        .filter((name) => name.endsWith('dump.rdb'));
      expect(copies.some((name) => readFileSync(join(here, name)).includes('only-on-pv1'))).toBe(true);
    }));

  test('what a set-aside master takes while its run is cut off, and its fence has ended, is not thrown away by the way on', () =>
    withLab({ seed: 75 }, async (lab) => {
      const elected = await split(lab);
      await askRedis(lab, 'pv1', 'SET', 'only-on-pv1', 'x');
      await askRedis(lab, elected, 'SET', 'w:only-elected', 'x');
      const words = ['--promote', elected, '--set-aside', 'pv1', '--reason', 'test'];
      const like = /"action":"promote\/pv1\/data\.keep[^"]*","phase":"result"/;
      const cut = await killedAt(lab, ['recover', '--yes', '--plain', ...words], { line: 0, like });
      expect(cut.killed, cut.stdout + cut.stderr).toBe(true);
      // It waits for the end of the pause, which nobody renews any more.
      await askRedis(lab, 'pv1', 'SET', 'later-on-pv1', 'x');

      const run = newestRun(lab)?.run ?? '';
      const resumed = await runbook(lab, ['resume', run, '--yes', '--plain']);
      expect(resumed.status, resumed.stdout + resumed.stderr).toBe(8);
      expect((resumed.stdout + resumed.stderr).replace(/\s+/g, ' ')).toContain('pv1 has accepted writes since');
      expect(await askRedis(lab, 'pv1', 'GET', 'later-on-pv1')).toBe('x');

      const anew = await runbook(lab, ['recover', '--yes', '--plain', ...words]);
      expect([0, 10], anew.stdout + anew.stderr).toContain(anew.status);
      const data = join(lab.directory, 'pv1', 'data');
      const kept = readdirSync(data, { recursive: true, encoding: 'utf8' }).filter((name) =>
        name.endsWith('fenced/dump.rdb'),
      );
      expect(kept.some((name) => readFileSync(join(data, name)).includes('later-on-pv1'))).toBe(true);
    }));
});

function offsets(lab: Lab): Promise<readonly string[]> {
  return infoOf(lab, 'master_repl_offset', 'pv1', 'pv2', 'pv3');
}

/** A script that writes down what it was given, named in the files of all sentinels, which are dead. */
function nameScript(lab: Lab): { readonly told: () => readonly string[]; readonly path: string } {
  const path = join(lab.directory, 'vip.sh');
  const said = join(lab.directory, 'vip.said');
  writeFileSync(path, `#!/bin/sh\necho "$@" >> ${said}\n`, { mode: 0o755 });
  writeFileSync(said, '');
  for (const { directory } of lab.hosts)
    appendFileSync(join(directory, 'sentinel.conf'), `sentinel client-reconfig-script ${lab.group} ${path}\n`);
  return { path, told: () => readFileSync(said, 'utf8').split('\n').filter(Boolean) };
}

describe('what Sentinel would have run', () => {
  test('is asked for in words that a shell takes, and those are what Sentinel itself gives to the script', () =>
    withLab({ seed: 75, sentinels: 3 }, async (lab) => {
      await lab.write({ count: 40 });
      await killSentinels(lab);
      const script = nameScript(lab);
      await lab.kill('pv1', 'redis', 'SIGTERM');
      const ended = await runbook(lab, ['recover', '--yes', '--plain', '--promote', 'pv2']);
      expect(ended.status, ended.stdout + ended.stderr).toBe(10);
      expect(script.told()).toEqual([]);
      const asked = ended.stdout
        .replace(/\s+/g, ' ')
        .split('run by hand what Sentinel would have run')
        .flatMap((text) => new RegExp(`^ on (\\S+): (${script.path} .*? 6379 \\S+ 6379)`).exec(text)?.[2] ?? []);
      expect(asked).toHaveLength(3);
      for (const command of asked) execFileSync('sh', ['-c', command]);
      const [one = '', master = ''] = ['pv1', await lab.master()].map(
        (name) => lab.hosts.find((host) => host.name === name)?.address,
      );
      const moved = (role: string) => `${lab.group} ${role} start ${one} 6379 ${master} 6379`;
      expect(script.told()).toEqual(['leader', 'observer', 'observer'].map(moved));

      const drill = await lab.failoverDrill(60_000);
      const next = lab.hosts.find(({ name }) => name === drill.to)?.address;
      const own = (role: string) => `${lab.group} ${role} start ${master} 6379 ${next} 6379`;
      await seen('Sentinel to run it', () => script.told().length >= 6);
      expect([...script.told()].slice(3).sort()).toEqual(['leader', 'observer', 'observer'].map(own));
    }));
});

describe.concurrent('the path failover', () => {
  test('replaces a dead master where no majority is left; what is off comes back on the next path', () =>
    withLab({ seed: 81 }, async (lab) => {
      await lab.write({ count: 100 });
      await killSentinels(lab, 'pv1', 'pv3', 'pvha1');
      await lab.kill('pv1', 'redis', 'SIGTERM');
      const before = await infoOf(lab, 'run_id', 'pv2', 'pv3');

      const ended = await runbook(lab, ['recover', '--yes', '--plain']);
      expect(ended.status, ended.stdout + ended.stderr).toBe(10);
      expect(ended.stdout).toContain('Failover path');
      expect(ended.stdout).toContain('redis-runbook recover');
      const roles = await infoOf(lab, 'role', 'pv2', 'pv3');
      const master = roles[0] === 'master' ? 'pv2' : 'pv3';
      expect([...roles].sort()).toEqual(['master', 'slave']);
      expect(ended.stdout).toContain(`${master} is master`);
      expect(await infoOf(lab, 'run_id', 'pv2', 'pv3')).toEqual(before);
      expect(leftOn(lab)).toEqual([]);

      const writer = await startLabWriter(lab, master);
      const rest = await runbook(lab, ['recover', '--yes', '--plain']);
      await writer.stop();
      expect(writer.brokenBy()).toBeUndefined();
      expect(rest.status, rest.stdout + rest.stderr).toBe(0);
      expect(rest.stdout).toContain('Live path');
      await expectSound(lab, master);
    }));

  /** A fleet whose replicas were cut off from their master for longer than ten times down-after while it lived; one sentinel runs. */
  async function withCutOff(seed: number, use: (lab: Lab) => Promise<void>): Promise<void> {
    await withLab({ seed, sentinels: 3 }, async (lab) => {
      await lab.write({ count: 40 });
      // Their hellos would go on counting in the history of the master.
      await killSentinels(lab);
      await seen('replicas that have all', async () => new Set(await offsets(lab)).size === 1);
      for (const name of ['pv2', 'pv3']) await askRedis(lab, name, 'CONFIG', 'SET', 'masterauth', 'wrong');
      await askRedis(lab, 'pv1', 'CLIENT', 'KILL', 'TYPE', 'replica');
      await seen('links that are down', async () =>
        (await infoOf(lab, 'master_link_down_since_seconds', 'pv2', 'pv3')).every((text) => Number(text) >= 12),
      );
      for (const name of ['pv2', 'pv3']) await askRedis(lab, name, 'CONFIG', 'SET', 'masterauth', lab.password);
      await lab.kill('pv1', 'redis', 'SIGTERM');
      await lab.start('pv2', 'sentinel');
      await use(lab);
    });
  }

  async function downAfterOf(lab: Lab): Promise<unknown> {
    const row = (await askSentinel(lab, 'pv2', 'SENTINEL', 'MASTER', lab.group)) as readonly unknown[];
    return row[row.indexOf('down-after-milliseconds') + 1];
  }

  async function expectDownAfterAsBefore(lab: Lab): Promise<void> {
    expect(await downAfterOf(lab)).toBe('1000');
    expect(readFileSync(join(lab.directory, 'pv2', 'sentinel.conf'), 'utf8')).toMatch(
      new RegExp(`^sentinel down-after-milliseconds ${lab.group} 1000$`, 'm'),
    );
  }

  test('takes a replica that Sentinel calls too old, and leaves down-after-milliseconds as it was', () =>
    withCutOff(82, async (lab) => {
      const ended = await runbook(lab, ['recover', '--yes', '--plain', '-v']);
      expect(ended.status, ended.stdout + ended.stderr).toBe(10);
      expect(ended.stdout).toContain('down-after-milliseconds is 1000 again');
      await expectDownAfterAsBefore(lab);
    }));

  test('puts down-after-milliseconds back when it goes on, cut off while it was raised', () =>
    withCutOff(83, async (lab) => {
      const before = async () => seen('a raised down-after', async () => (await downAfterOf(lab)) !== '1000');
      const cut = await killedAt(lab, ['recover', '--yes', '--plain'], {
        line: 0,
        like: /is raised from 1000/,
        before,
      });
      expect(cut.killed, cut.stdout + cut.stderr).toBe(true);
      const rest = await runbook(lab, ['resume', '--yes', '--plain', '-v']);
      expect(rest.status, rest.stdout + rest.stderr).toBe(10);
      // Put back before anything else, whether the command had reached the sentinel before the cut or is given once more.
      const texts = journalNow(lab).lines.map(({ text }) => text);
      const [first] = texts.slice(cut.lines).filter((text) => text.startsWith('down-after-milliseconds of'));
      expect(first).toBe('down-after-milliseconds of pv2/sentinel is 1000 again');
      expect(texts).toContainEqual(
        expect.stringMatching(/^fails over( already)?; down-after-milliseconds is 1000 again$/),
      );
      await expectDownAfterAsBefore(lab);
    }));
});
