import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Check, Readiness } from '../../src/model/readiness.js';
import { inTerminal } from '../live/terminal.js';
import { userPassword } from './fleet.js';
import { bootFleet } from './machines.js';
import { inNamespace } from './network.js';
import { run } from './run.js';
import type { Machines } from './shapes.js';

/** Three machines: two with redis and a sentinel, one with a sentinel alone. */
const names = ['pv1', 'pv2', 'pvha1'] as const;
const hosts = [
  { name: 'pv1', runs: ['redis', 'sentinel'] },
  { name: 'pv2', runs: ['redis', 'sentinel'] },
  { name: 'pvha1', runs: ['sentinel'] },
] as const;

let machines: Machines;

beforeAll(async () => {
  machines = await bootFleet({ hosts, seed: 3 });
  await machines.untilSettled();
  await machines.write();
});
afterAll(async () => machines.down());

async function doctor(args: readonly string[] = [], options: Parameters<Machines['runbook']>[1] = {}) {
  const output = await machines.runbook(['doctor', '--json', ...args], { timeoutMs: 120_000, ...options });
  return { ...output, seen: JSON.parse(output.stdout) as Readiness };
}

function open(readiness: Readiness): readonly Check[] {
  return readiness.hosts
    .flatMap((host) => host.checks)
    .filter(({ state }) => state === 'problem' || state === 'unseen');
}

/** Every file that a login itself does not touch, and every process that is neither a login's nor sshd's. */
const FACTS = `find / -xdev \\( -path /proc -o -path /sys -o -path /run -o -path /tmp -o -path /dev -o -path /var/log -o -path /var/lib/systemd \\) -prune -o -type f -printf '%p %s %T@ %C@ %m %u\\n' | sort
systemctl show -p Id,MainPID,NRestarts,UnitFileState,DropInPaths redis-server redis-sentinel
for p in /proc/[0-9]*; do read -r comm < $p/comm && case $comm in redis*) echo "$p $comm $(cut -d' ' -f22 $p/stat)" ;; esac; done 2> /dev/null | sort`;

async function hand(name: string, script: string): Promise<string> {
  const { status, stdout, stderr } = await machines.asRoot(name, script);
  expect(status, `${name}: ${script}\n${stderr}`).toBe(0);
  return stdout;
}

function facts(): Promise<readonly string[]> {
  return Promise.all(names.map((name) => hand(name, FACTS)));
}

describe('doctor on booted machines', () => {
  it('finds everything in order, and changes no file, no process and no unit', async () => {
    const before = await facts();
    const { status, seen, stdout, stderr } = await doctor([], { service: 'auto' });
    expect(open(seen), stdout + stderr).toEqual([]);
    expect(status).toBe(0);
    expect(seen.schema).toBe('redis-runbook/doctor/1');
    for (const host of seen.hosts) {
      expect(host.rights).toEqual({ user: 'ops', uid: expect.any(Number), sudo: 'without-password' });
      expect(host.keys).toEqual([expect.objectContaining({ state: 'known', isTarget: true })]);
      expect(host.nodes.every(({ manager, sure }) => manager?.kind === 'systemd' && sure)).toBe(true);
      expect(host.reach.every(({ state }) => state === 'open')).toBe(true);
      expect(host.programs).toEqual([{ path: '/usr/bin/redis-server', version: expect.stringMatching(/^7\.0\./) }]);
    }
    expect(await facts()).toEqual(before);
  });

  it('says which login may not become root, and which one is asked for a password', async () => {
    const refused = await doctor(['pv1'], { login: 'opsno' });
    expect(refused.status).toBe(4);
    expect(open(refused.seen).find(({ id }) => id === 'sudo')).toMatchObject({
      state: 'unseen',
      next: expect.stringContaining('doctor --sudoers'),
    });
    const asked = await doctor(['pv1'], { login: 'opspw' });
    expect(asked.status).toBe(4);
    expect(asked.seen.hosts[0]?.rights?.sudo).toBe('needs-password');
  });

  it('names a key that is another one, with both places, and sends nothing', async () => {
    const file = join(machines.directory, 'operator', 'known_hosts');
    const good = readFileSync(file, 'utf8');
    const [first, second] = ['10.77.1.11', '10.77.1.12'].map(
      (address) =>
        good
          .split('\n')
          .find((line) => line.includes(address))
          ?.split(' ')
          .slice(1)
          .join(' ') ?? '',
    );
    expect(first).not.toBe('');
    writeFileSync(file, good.replaceAll(`10.77.1.12 ${second}`, `10.77.1.12 ${first}`));
    try {
      const { status, seen } = await doctor();
      expect(status).toBe(4);
      expect(seen.hosts.find(({ host }) => host === 'pv2')?.keys).toEqual([
        expect.objectContaining({ state: 'changed', fingerprint: expect.stringMatching(/^SHA256:/) }),
      ]);
      expect(open(seen).map(({ id, host }) => `${host} ${id}`)).toEqual(['pv2 host-key']);
    } finally {
      writeFileSync(file, good);
    }
  });

  /** doctor in a terminal of the operator's, as the user whose sudo asks. */
  function inWindow(args: readonly string[]) {
    const where = {
      directory: join(machines.directory, 'operator'),
      fleetFile: machines.fleetFile({ login: 'opspw' }),
    };
    return inTerminal(where, ['doctor', ...args], 100, inNamespace(machines.fleet.operatorNamespace));
  }

  it('asks for the sudo password of an account once, not for each of three machines', async () => {
    const window = inWindow([]);
    await window.sees('sudo password of opspw (');
    window.type(`${userPassword}\r`);
    await window.sees('A recovery would find what it needs on all 3 hosts');
    expect(await window.ended()).toBe(0);
    // The terminal draws a question again with every key: one question is one text.
    expect(new Set(window.screen().match(/sudo password of opspw \([^)]*\)/g)).size).toBe(1);
    expect(window.screen()).not.toContain(userPassword);
  });

  it('asks for another one where the account has another password, and tries that once', async () => {
    await hand('pv2', "echo 'opspw:Other-pass 2' | chpasswd");
    try {
      const window = inWindow([]);
      await window.sees('sudo password of opspw (');
      window.type(`${userPassword}\r`);
      await window.sees('Not accepted. sudo password of opspw on pv2 alone:');
      window.type('Other-pass 2\r');
      await window.sees('A recovery would find what it needs on all 3 hosts');
      expect(await window.ended()).toBe(0);
    } finally {
      await hand('pv2', `echo 'opspw:${userPassword}' | chpasswd`);
    }
  });

  it('sends no sudo password to a machine whose key was accepted a moment ago without a second yes', async () => {
    const file = join(machines.directory, 'operator', 'known_hosts');
    const good = readFileSync(file, 'utf8');
    writeFileSync(file, '');
    try {
      const window = inWindow(['pv1']);
      await window.sees('Nobody knows the key of 10.77.1.11');
      window.type('yes\r');
      await window.sees('was accepted a moment ago. Send it a password? yes or no?');
      window.type('no\r');
      await window.sees('no password was sent');
      expect(await window.ended()).toBe(4);
      expect(window.screen()).not.toContain('sudo password of opspw');
    } finally {
      writeFileSync(file, good);
    }
  });

  it('sees that /etc is read-only: no config can be written, and a hold would be lost at boot', async () => {
    await hand('pv2', 'mount --bind /etc /etc && mount -o remount,ro,bind /etc');
    try {
      const { status, seen } = await doctor();
      expect(status).toBe(1);
      const found = open(seen);
      expect(new Set(found.map(({ host }) => host))).toEqual(new Set(['pv2']));
      expect(found.map(({ id }) => id).sort()).toEqual(['hold', 'writable']);
      expect(found.find(({ id }) => id === 'hold')?.says).toContain('lost at the next boot');
    } finally {
      await hand('pv2', 'umount /etc');
    }
  });

  it('sees sshd that forbids forwarding, and a full disk', async () => {
    await hand('pvha1', "echo 'AllowTcpForwarding no' > /etc/ssh/sshd_config.d/00-no.conf && systemctl reload ssh");
    await hand('pv1', 'mkdir -p /var/lib/redis-runbook && mount -t tmpfs -o size=1m none /var/lib/redis-runbook');
    try {
      const { seen } = await doctor();
      const found = open(seen);
      // A relay on the machine stands in for what its sshd forbids: known, and no trouble.
      const forwarding = seen.hosts
        .find(({ host }) => host === 'pvha1')
        ?.checks.filter(({ id }) => id === 'forwarding');
      const says = 'sshd forbids forwarding to 10.77.1.13:26379; it is reached another way';
      expect(forwarding).toEqual([expect.objectContaining({ state: 'note', says })]);
      expect(found).toContainEqual(expect.objectContaining({ host: 'pv1', id: 'disk', state: 'problem' }));
      expect(found).toContainEqual(
        expect.objectContaining({ host: 'pv1', id: 'hold', says: expect.stringContaining('in memory') }),
      );
    } finally {
      await hand('pvha1', 'rm /etc/ssh/sshd_config.d/00-no.conf && systemctl reload ssh');
      await hand('pv1', 'umount /var/lib/redis-runbook && rmdir /var/lib/redis-runbook');
    }
  });

  it('prints sudoers lines that visudo accepts and that a whole recovery needs, nothing else', async () => {
    const printed = await machines.runbook(['doctor', '--sudoers']);
    expect(printed.status).toBe(0);
    const file = join(machines.directory, 'printed-sudoers');
    writeFileSync(file, printed.stdout, { mode: 0o440 });
    const checked = await run(['visudo', '-cf', file]);
    expect(checked.status, checked.stderr).toBe(0);
    const lines = printed.stdout.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    expect(lines).toEqual(['ops ALL=(root) NOPASSWD: /bin/sh']);
    const install = `rm -f /etc/sudoers.d/* && cat > /etc/sudoers.d/redis-runbook <<'X' && chmod 0440 /etc/sudoers.d/redis-runbook && visudo -c > /dev/null
${printed.stdout}X
grep -rvhE '^(#|$|Defaults|root|%sudo|@include)' /etc/sudoers /etc/sudoers.d`;
    for (const name of names) expect((await hand(name, install)).trim()).toBe(lines[0]);
    const other = await machines.ssh('pv1', 'sudo -n /usr/bin/id');
    expect(other.status).not.toBe(0);

    expect((await doctor()).status).toBe(0);
    const lastWriter = await machines.master();
    for (const name of names) await machines.powerOff([name]);
    await machines.boot(names, { quiet: true });
    const recovered = await machines.runbook(['recover', '--yes', '--plain'], { timeoutMs: 240_000 });
    expect([0, 10], `${recovered.stdout}${recovered.stderr}`).toContain(recovered.status);
    expect(await machines.untilSettled()).toBe(lastWriter);
    expect(await machines.checkWrites()).toMatchObject({ missing: [], extra: [] });
  });
});
