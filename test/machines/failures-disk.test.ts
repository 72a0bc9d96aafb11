import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Machines } from './shapes.js';
import { bootThree, dead, headless, heldOn, leftBehind, recoverUntil, serversOn } from './trouble.js';

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
  const places = ['/var/lib/redis', '/var/lib/redis-runbook', '/var'] as const;

  test.each(places)('%s: refused before anything is stopped, with the bytes that it needs and has', async (path) => {
    await dead(machines);
    // A small file system over the directory, with what was in it, filled to the last byte.
    const room = `size=$(du -s --apparent-size -k ${path} | cut -f1); size=$((size * 2 + 8192))k`;
    const small = `mkdir -p /mnt/small ${path}; ${room}; mount -t tmpfs -o size=$size tmpfs /mnt/small; cp -a ${path}/. /mnt/small/`;
    const over = `chown --reference=${path} /mnt/small; chmod --reference=${path} /mnt/small; mount --bind /mnt/small ${path}`;
    await must('pv2', `${small}; ${over}; dd if=/dev/zero of=${path}/filler bs=1M 2> /dev/null || true`);
    try {
      const refused = await machines.runbook(['recover', '--yes', '--plain'], { timeoutMs: 240_000 });

      expect(refused.status, `${refused.stdout}${refused.stderr}`).toBe(3);
      expect(flat(refused.stderr)).toMatch(new RegExp(`pv2: ${path}\\S* needs \\d{7,} bytes and 0 bytes are free`));
      expect(flat(refused.stderr)).toContain('Nothing was changed.');
      expect(refused.stderr).toContain('[disk-full]');
      expect(leftBehind(machines)).toEqual([]);
      const tried = await machines.runbook(['recover', '--dry-run', '--plain']);
      expect(tried.status, tried.stdout).toBe(1);
      expect(flat(tried.stdout)).toMatch(new RegExp(`! pv2 disk: ${path}\\S* needs`));
    } finally {
      await must('pv2', `umount -l ${path} /mnt/small`);
    }
    await completes();
  });
});

describe('a file system becomes full while a node saves its last data', () => {
  const path = '/var/lib/redis';

  test('the node refuses to stop, nothing is lost, and with room again the next run stops it', async () => {
    await dead(machines);
    const small = `mkdir -p /mnt/small; mount -t tmpfs -o size=24m tmpfs /mnt/small; cp -a ${path}/. /mnt/small/`;
    const over = `chown --reference=${path} /mnt/small; chmod --reference=${path} /mnt/small; mount --bind /mnt/small ${path}`;
    await must('pv2', `${small}; ${over}`);
    for (const name of ['pv1', 'pv2', 'pv3']) await must(name, 'systemctl start redis-server');
    const keys = Number(await machines.ask('pv2', 'redis', 'DBSIZE'));
    await machines.ask('pv2', 'redis', 'CONFIG', 'SET', 'rdb-key-save-delay', String(Math.ceil(4e6 / keys)));
    await machines.ask('pv2', 'redis', 'CONFIG', 'SET', 'save', '3600 1');

    const stopping = { action: /^stop\/pv2\/service\.stop\// };
    const first = await recoverUntil(machines, ['--path', 'cold'], stopping, () =>
      must('pv2', `dd if=/dev/zero of=${path}/filler bs=1M 2> /dev/null || true; echo >> ${path}/filler || true`),
    );

    const said = flat(first.stdout);
    expect(first.status, said).toBe(8);
    expect(said).toContain('pv2: it was asked to stop and goes on serving: it refuses');
    expect(said).toMatch(/No space left on device|Error trying to save the DB/);
    expect(await serversOn(machines, 'pv2')).toHaveLength(1);
    expect(heldOn(machines, 'pv2')).toEqual(['redis-server', 'redis-sentinel']);
    await must('pv2', `rm ${path}/filler`);
    await completes();
    await must('pv2', `systemctl stop redis-sentinel redis-server`);
    await must('pv2', `umount -l ${path}; rm -rf ${path}/*; cp -a /mnt/small/. ${path}/; umount -l /mnt/small`);
    await must('pv2', `systemctl start redis-server redis-sentinel`);
    await machines.untilSettled();
    expect(await machines.checkWrites()).toMatchObject({ missing: [], extra: [] });
  });
});

describe('a file system cannot be written', () => {
  test('/etc, from the middle on: the run says it, holds everything, and the next one goes on', async () => {
    await headless(machines);
    const readOnly = 'mount --bind /etc /etc; mount -o remount,ro,bind /etc';

    const first = await recoverUntil(machines, ['--path', 'cold'], { action: /^stop\/pv2\/service\.stop\// }, () =>
      must('pv2', readOnly),
    ).finally(() => must('pv2', 'umount -l /etc'));

    const said = flat(first.stdout);
    expect(first.status, said).toBe(8);
    expect(said).toMatch(/pv2.*Read-only file system/);
    expect(said).toContain('Data and configs are kept');
    expect(heldOn(machines, 'pv2')).toEqual(['redis-server', 'redis-sentinel']);
    await completes();
  });

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
