import { spawn } from 'node:child_process';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { labUp } from '../../src/lab/up.js';
import type { Readiness } from '../../src/model/readiness.js';
import { filesOf, removeLab } from './dead-fleet.js';
import { ownAddress } from './own-redis.js';
import { OwnSshds } from './own-sshd.js';
import { runbook } from './recovery.js';

const own = new OwnSshds();
let fleetFile = '';

function doctor(...args: readonly string[]): Promise<{ status: number | null; stdout: string }> {
  return new Promise((resolve) => {
    const words = ['bin/redis-runbook.js', 'doctor', ...args, '--fleet', fleetFile];
    const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
    let stdout = '';
    child.stdout.on('data', (chunk) => {
      stdout += String(chunk);
    });
    child.on('close', (status) => resolve({ status, stdout }));
  });
}

/** pv1 in order, pv2 with the key of another machine, pv3 unknown, pvha1 without forwarding, pvha2 off. */
beforeAll(async () => {
  const [good, swapped, unknown, closed] = await Promise.all([
    own.start(),
    own.start(),
    own.start(),
    own.start(['AllowTcpForwarding no']),
  ]);
  own.know(good);
  own.know(closed);
  appendFileSync(own.knownHosts, `[${swapped.address}]:${swapped.port} ${good.publicKey}\n`);
  const config = (kind: string) => join(own.directory, `${kind}.conf`);
  const runs = `[{ redis: { config: ${config('redis')} } }, { sentinel: { config: ${config('sentinel')} } }]`;
  const addresses = [good, swapped, unknown, closed].map(({ address }) => address);
  const names = ['pv1', 'pv2', 'pv3', 'pvha1', 'pvha2'];
  const hosts = names.map(
    (name, index) => `  ${name}: { address: ${addresses[index] ?? ownAddress()}, runs: ${runs} }\n`,
  );
  const ssh = `{ user: ${own.user}, port: ${good.port}, identity: ${own.identity}, known-hosts: ${own.knownHosts} }`;
  fleetFile = join(own.directory, 'fleet.yaml');
  const defaults = `defaults: { transport: ssh, become: none, state: ${join(own.directory, 'state')}, ssh: ${ssh} }`;
  writeFileSync(fleetFile, `name: shop\ngroup: stn-master\n${defaults}\nhosts:\n${hosts.join('')}`);
});
afterAll(() => own.end());

describe('doctor', () => {
  test('tells a dead host, a key of another machine, an unknown key and closed forwarding apart', async () => {
    const { status, stdout } = await doctor('--json');
    expect(status).toBe(4);
    const seen = JSON.parse(stdout) as Readiness;
    expect(seen.schema).toBe('redis-runbook/doctor/1');
    const keys = Object.fromEntries(seen.hosts.map(({ host, keys: shown }) => [host, shown.map(({ state }) => state)]));
    expect(keys).toEqual({ pv1: ['known'], pv2: ['changed'], pv3: ['unknown'], pvha1: ['known'], pvha2: [] });
    expect(seen.hosts.filter(({ rights }) => rights !== undefined).map(({ host }) => host)).toEqual(['pv1', 'pvha1']);
    const login = seen.hosts[4]?.checks[0];
    expect(login).toMatchObject({ id: 'login', state: 'unseen', next: expect.stringContaining('ssh -v') });
    const reach = (index: number) => seen.hosts[index]?.reach.map(({ state }) => state);
    expect(reach(0)).toEqual(['nothing-listens', 'nothing-listens']);
    expect(reach(3)).toEqual(['forbidden', 'forbidden']);
  });

  test('says it in 80 columns, each trouble with what to type next', async () => {
    const { status, stdout } = await doctor();
    expect(status).toBe(4);
    expect(stdout.replace(/\s+/g, ' ')).toContain(
      'Nobody could log in to pv2, pv3 and pvha2. There are 8 problems. Nothing was changed on any host.',
    );
    expect(stdout).toMatch(/\? {2}pv2 host-key: .*\n(.*\n)*? {5}-> ssh-keygen -lf /);
    const wide = stdout
      .split('\n')
      .filter((line) => line.length > 80 && !/^ {2}(redis-runbook| {3}->)/.test(line) && !/\S{45}/.test(line));
    expect(wide).toEqual([]);
  });

  test('--sudoers logs in nowhere, and a host of another name is a usage error', async () => {
    const { status, stdout } = await doctor('--sudoers');
    expect(status).toBe(0);
    expect(stdout).toContain('No line is needed on pv1 pv2 pv3 pvha1 pvha2');
    expect((await doctor('pv9')).status).toBe(2);
  });

  test('changes no file of a fleet of this machine, and finds it in order', async () => {
    const lab = await labUp({ seed: 5, ownerPid: process.pid, persistence: 'rdb' });
    try {
      const still = () =>
        Object.fromEntries(Object.entries(filesOf(lab)).filter(([path]) => !/\.log$|sentinel\.conf$/.test(path)));
      const before = still();
      const ended = await runbook(lab, ['doctor']);
      expect(ended.status, ended.stdout).toBe(0);
      expect(ended.stdout).toContain('A recovery would find what it needs on all 5 hosts.');
      expect(still()).toEqual(before);
    } finally {
      await removeLab(lab);
    }
  });
});
