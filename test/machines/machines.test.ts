import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startedAt } from '../../src/lab/processes.js';
import { holds, notYet } from '../../src/lab/until.js';
import { cacheDirectory } from './disk.js';
import { userPassword } from './fleet.js';
import { kinds, type MachineKind } from './kinds.js';
import { bootFleet } from './machines.js';
import { inNamespace } from './network.js';
import { must, run } from './run.js';
import type { Machines } from './shapes.js';
import { until } from './until.js';

const names = ['pv1', 'pv2', 'pv3', 'pvha1', 'pvha2'] as const;
const alive = { active: 'active', enabled: 'enabled' };
const down = { active: 'inactive', enabled: 'enabled' };
const never = { active: 'inactive', enabled: 'disabled' };

/** Everything of a fleet that this machine could still show: namespaces, mounts, control groups, the directory. */
async function traces(machines: Pick<Machines, 'fleet' | 'directory'>): Promise<readonly string[]> {
  const { token } = machines.fleet;
  const seen = [
    await must(['ip', 'netns', 'list']),
    await must(['cat', '/proc/mounts']),
    await must(['find', '/sys/fs/cgroup', '-maxdepth', '2', '-name', `${token}-*`]),
    await must(['ps', '-eo', 'args']),
  ];
  const lines = seen.flatMap((text) => text.split('\n')).filter((line) => line.includes(`${token}-`));
  return existsSync(machines.directory) ? [...lines, machines.directory] : lines;
}

describe.each(Object.keys(kinds) as MachineKind[])('five machines: %s', (kind) => {
  const { family, series } = kinds[kind];
  const [server, sentinel] = [`${family}-server`, `${family}-sentinel`];
  let machines: Machines;

  beforeAll(async () => {
    machines = await bootFleet({ kind });
  });

  afterAll(async () => {
    await machines?.down();
    if (machines) expect(await traces(machines)).toEqual([]);
  });

  test('boot with the units, users and permissions of the packages', async () => {
    expect(await machines.untilSettled()).toBe('pv1');
    const checked = await machines.check();
    expect(checked.map((one) => one.host)).toEqual(names);
    for (const one of checked) {
      if (!one.reachable) throw new Error(one.why);
      const redis = one.host.startsWith('pvha') ? undefined : one.host === 'pv1' ? 'master' : 'slave';
      expect(one.redis?.role).toBe(redis);
      expect(one.sentinel).toMatchObject({
        ip: '10.77.1.11',
        flags: 'master',
        quorum: '2',
        'num-other-sentinels': '4',
      });
      expect(one.units).toEqual({ [server]: redis === undefined ? never : alive, [sentinel]: alive });
      expect(one.processes.map((process) => process.user)).toEqual(redis === undefined ? [family] : [family, family]);
      const config = one.files.find((file) => file.path === `/etc/${family}/sentinel.conf`);
      expect(config).toMatchObject({ mode: '640', owner: `${family}:${family}` });
    }
    const version = await machines.ssh('pv1', `${server} --version`);
    expect(version.stdout).toContain(`v=${series}.`);
  });

  test('elect another master after a power cut, and take the old one back', async () => {
    await machines.write({ count: 100, waitShare: 1 });
    await machines.powerCut(['pv1']);
    expect(await machines.check()).toMatchObject([{ host: 'pv1', reachable: false }, {}, {}, {}, {}]);
    const second = await machines.untilSettled('pv1');
    expect(await machines.checkWrites()).toMatchObject({ expected: 100, missing: [], extra: [] });
    await machines.boot(['pv1']);
    expect(await machines.untilSettled()).toBe(second);
  });

  test('boot quietly after a poweroff, and as ever the next time', async () => {
    const master = await machines.untilSettled();
    await machines.powerOff(names);
    expect(machines.on()).toEqual([]);
    await machines.boot(names, { quiet: true });
    for (const one of await machines.check()) {
      const units = { [server]: one.host.startsWith('pvha') ? never : down, [sentinel]: down };
      expect(one).toMatchObject({ reachable: true, processes: [], units });
    }
    await machines.powerOff(names);
    await machines.boot(names);
    expect(await machines.untilSettled()).toBe(master);
  });
});

describe('one machine', () => {
  let machines: Machines;

  beforeAll(async () => {
    machines = await bootFleet({ hosts: [{ name: 'pv1', runs: ['redis'] }] });
  });

  afterAll(async () => {
    await machines?.down();
  });

  test('lets each login in with the rights that it has', async () => {
    const root = 'sudo -k; sudo -S -p "" id -u';
    const as = (login: 'ops' | 'opspw' | 'opsno', input?: string) =>
      machines.ssh('pv1', root, { login, ...(input === undefined ? {} : { input: `${input}\n` }) });
    expect(await as('ops')).toMatchObject({ status: 0, stdout: '0\n' });
    expect((await as('opspw')).status).toBe(1);
    expect(await as('opspw', userPassword)).toMatchObject({ status: 0, stdout: '0\n' });
    expect((await as('opsno', userPassword)).status).toBe(1);
    expect(await machines.ssh('pv1', 'id -u', { login: 'root' })).toMatchObject({ status: 0, stdout: '0\n' });
  });

  test('is refused by ssh when its host key is another than the known one', async () => {
    const key = await machines.asRoot('pv1', 'cd /etc/ssh; mkdir old; mv ssh_host_* old/; ssh-keygen -A');
    expect(key.status).toBe(0);
    const refused = await machines.ssh('pv1', 'true');
    expect(refused.status).toBe(255);
    expect(refused.stderr).toContain('Host key verification failed');
    await machines.asRoot('pv1', 'cd /etc/ssh; mv old/* .; rmdir old');
    expect((await machines.ssh('pv1', 'true')).status).toBe(0);
  });

  test('is slow behind a slow line, silent without its cable, and well again after both', async () => {
    const pingMs = async () => {
      const began = performance.now();
      expect(await machines.ask('pv1', 'redis', 'PING')).toBe('PONG');
      return performance.now() - began;
    };
    const well = () =>
      until('the line to be quick', 20_000, async () => {
        const elapsedMs = await pingMs();
        return elapsedMs < 200 ? holds(undefined) : notYet(`${elapsedMs} ms`);
      });
    await well();
    await machines.line('pv1', { roundTripMs: 200, lossPercent: 0 });
    // Connecting, AUTH and PING are three round trips.
    expect(await pingMs()).toBeGreaterThan(600);
    await machines.line('pv1', undefined);
    await well();
    await machines.cable('pv1', false);
    await expect(machines.ask('pv1', 'redis', 'PING')).rejects.toThrow();
    await machines.cable('pv1', true);
    await well();
  });

  test('has no way out of its network', async () => {
    const routes = await machines.asRoot('pv1', 'ip -o route; ip -o -4 address');
    expect(routes.stdout).not.toContain('default');
    expect(routes.stdout.match(/inet \S+/g)).toEqual(['inet 127.0.0.1/8', 'inet 10.77.1.11/24']);
    expect((await machines.asOperator(['ip', '-o', 'route'])).stdout).not.toContain('default');
  });
});

test('a fleet whose owner is gone is ended by its watcher', async () => {
  const token = `rrb-${process.pid}`;
  const directory = join(cacheDirectory(), 'fleets', token);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const owner = spawn('sleep', ['600'], { stdio: 'ignore' });
  writeFileSync(join(directory, 'owner'), `${owner.pid} ${startedAt(owner.pid ?? 0)}\n`);
  await must(['ip', 'netns', 'add', `${token}-pv1`]);
  const [enter = '', ...words] = inNamespace(`${token}-pv1`);
  const inside = spawn(enter, [...words, 'sleep', '601'], { stdio: 'ignore' });
  const ended = new Promise((resolve) => inside.once('exit', (_, signal) => resolve(signal)));
  spawn('sh', [new URL('watch.sh', import.meta.url).pathname, directory], { stdio: 'ignore' });

  owner.kill('SIGKILL');

  expect(await ended).toBe('SIGKILL');
  await until('the fleet to be gone', 10_000, async () =>
    existsSync(directory) ? notYet('the directory is there') : holds(undefined),
  );
  expect((await run(['ip', 'netns', 'pids', `${token}-pv1`])).status).not.toBe(0);
});
