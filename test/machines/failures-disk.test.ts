import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Machines } from './shapes.js';
import { bootThree, dead, headless, heldOn, leftBehind, serversOn } from './trouble.js';

/** File systems of a machine that are full, or cannot be written. */
let machines: Machines;

beforeAll(async () => {
  machines = await bootThree({ seed: 61 });
});

afterAll(async () => {
  await machines?.down();
});

function flat(text: string): string {
  return text.replace(/\s+/g, ' ');
}

async function must(name: string, script: string): Promise<void> {
  const output = await machines.asRoot(name, `set -e; ${script}`);
  expect(output.status, output.stderr).toBe(0);
}

/** `recover` without the trouble: healthy, nothing lost, nothing left behind. */
async function completes(): Promise<void> {
  const output = await machines.runbook(['recover', '--yes', '--plain'], { timeoutMs: 240_000 });
  expect([0, 10], `${output.stdout}${output.stderr}`).toContain(output.status);
  await machines.untilSettled();
  expect(await machines.checkWrites()).toMatchObject({ missing: [], extra: [] });
  expect(leftBehind(machines)).toEqual([]);
}

describe('a file system is full', () => {
  const places = ['/var/lib/redis', '/var/lib/redis-runbook'] as const;

  test.each(places)('%s: refused before anything is stopped, with the bytes that it needs and has', async (path) => {
    await dead(machines);
    // A small file system over the directory, with what was in it, filled to the last byte.
    const small = `mkdir -p /mnt/small ${path}; mount -t tmpfs -o size=8m tmpfs /mnt/small; cp -a ${path}/. /mnt/small/`;
    const over = `chown --reference=${path} /mnt/small; chmod --reference=${path} /mnt/small; mount --move /mnt/small ${path}`;
    await must('pv2', `${small}; ${over}; dd if=/dev/zero of=${path}/filler bs=1M 2> /dev/null || true`);
    try {
      const refused = await machines.runbook(['recover', '--yes', '--plain'], { timeoutMs: 240_000 });

      expect(refused.status, `${refused.stdout}${refused.stderr}`).toBe(3);
      expect(flat(refused.stderr)).toMatch(new RegExp(`pv2: ${path} needs \\d{7,} bytes and 0 bytes are free`));
      expect(flat(refused.stderr)).toContain('Nothing was changed.');
      expect(refused.stderr).toContain('[disk-full]');
      expect(leftBehind(machines)).toEqual([]);
      const tried = await machines.runbook(['recover', '--dry-run', '--plain']);
      expect(tried.status, tried.stdout).toBe(4);
      expect(flat(tried.stdout)).toContain(`x pv2 ${path} needs`);
    } finally {
      await must('pv2', `umount ${path}`);
    }
    await completes();
  });
});

describe('a file system cannot be written', () => {
  test('/etc: refused before anything is stopped', async () => {
    await headless(machines);
    await must('pv2', 'mount --bind /etc /etc; mount -o remount,ro,bind /etc');
    try {
      const refused = await machines.runbook(['recover', '--yes', '--plain', '--path', 'cold'], { timeoutMs: 240_000 });

      expect(refused.status, `${refused.stdout}${refused.stderr}`).toBe(3);
      expect(flat(refused.stderr)).toContain('pv2: /etc/redis cannot be written: config files there are rewritten');
      expect(await serversOn(machines, 'pv2')).toHaveLength(1);
      expect(leftBehind(machines)).toEqual([]);
    } finally {
      await must('pv2', 'umount /etc');
    }
    const output = await machines.runbook(['recover', '--yes', '--plain', '--path', 'cold'], { timeoutMs: 240_000 });
    expect([0, 10], `${output.stdout}${output.stderr}`).toContain(output.status);
    await machines.untilSettled();
  });

  test('/etc/systemd alone: the hold is said to be lost at the next boot', async () => {
    await dead(machines);
    await must('pv2', 'mount --bind /etc/systemd /etc/systemd; mount -o remount,ro,bind /etc/systemd');
    try {
      const output = await machines.runbook(['recover', '--yes', '--plain'], { timeoutMs: 240_000 });

      expect([0, 10], `${output.stdout}${output.stderr}`).toContain(output.status);
      expect(flat(output.stdout)).toContain('/etc/systemd/system is read-only: the hold is lost at the next boot');
      expect(heldOn(machines, 'pv2')).toEqual([]);
    } finally {
      await must('pv2', 'umount /etc/systemd');
    }
    await machines.untilSettled();
    expect(await machines.checkWrites()).toMatchObject({ missing: [], extra: [] });
    expect(leftBehind(machines)).toEqual([]);
  });
});
