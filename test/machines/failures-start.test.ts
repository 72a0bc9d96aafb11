import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { machineOf } from './fleet.js';
import type { Machines } from './shapes.js';
import { bootThree, dead, headless, leftBehind, recoverUntil, serversOn, three } from './trouble.js';

/** What keeps a machine's Redis from starting or stopping as it should: its absence, its config, the size of its data. */
let machines: Machines;

beforeAll(async () => {
  machines = await bootThree({ seed: 51, persistence: 'rdb' });
});

afterAll(async () => {
  await machines?.down();
});

async function isWhole(): Promise<void> {
  await machines.untilSettled();
  expect(await machines.checkWrites()).toMatchObject({ missing: [], extra: [] });
  expect(leftBehind(machines)).toEqual([]);
}

async function recovered(...args: readonly string[]): Promise<string> {
  const output = await machines.runbook(['recover', '--yes', '--plain', ...args], { timeoutMs: 400_000 });
  expect([0, 10], `${output.stdout}${output.stderr}`).toContain(output.status);
  return output.stdout;
}

/** A screen without its line breaks. */
function flat(text: string): string {
  return text.replace(/\s+/g, ' ');
}

describe('the master is off from the start', () => {
  test('nothing is done without it until it is given up by name; started with its old files it loses nobody a write', async () => {
    const off = await dead(machines);
    await machines.powerCut([off]);

    const refused = await machines.runbook(['recover', '--yes', '--plain']);
    expect(refused.status, refused.stdout).toBe(4);
    expect(flat(refused.stderr)).toContain(`reach ${off} first, or add --without ${off} --reason`);
    const noReason = await machines.runbook(['recover', '--yes', '--plain', '--without', off]);
    expect(noReason.status, noReason.stderr).toBe(2);

    const given = ['--without', off, '--host-is-off', off, '--reason', 'its board is burnt'];
    const went = await machines.runbook(['recover', '--yes', '--plain', ...given], { timeoutMs: 240_000 });
    expect(went.status, `${went.stdout}${went.stderr}`).toBe(10);
    const said = flat(went.stdout);
    expect(said).toContain(`${off} was left out`);
    expect(said).toContain(`before anything on ${off} starts`);
    expect(said).toContain('may say that it is master until the sentinels demote it');
    const master = await machines.untilSettled(off);
    await machines.write();

    await machines.boot([off]);
    expect(await machines.untilSettled(off)).toBe(master);
    expect(await machines.checkWrites()).toMatchObject({ missing: [], extra: [] });
    const last = await machines.runbook(['recover', '--yes', '--plain']);
    expect(last.status, `${last.stdout}${last.stderr}`).toBe(0);
    await isWhole();
  });
});

describe('a replica is off from the start', () => {
  test('the others are recovered when it is left out by name, and it joins them at its boot', async () => {
    const master = await dead(machines);
    const off = three.find((name) => name !== master) ?? '';
    await machines.powerCut([off]);

    const refused = await machines.runbook(['recover', '--yes', '--plain']);
    expect(refused.status, refused.stdout).toBe(4);
    expect(flat(refused.stderr)).toContain(`add --without ${off} --reason`);

    const given = ['--without', off, '--host-is-off', off, '--reason', 'no power in its rack'];
    const went = await machines.runbook(['recover', '--yes', '--plain', ...given], { timeoutMs: 240_000 });
    expect(went.status, `${went.stdout}${went.stderr}`).toBe(10);
    expect(flat(went.stdout)).toContain(`${off} was left out`);
    expect(await machines.untilSettled()).toBe(master);
    await machines.write();

    await machines.boot([off]);
    expect(await machines.untilSettled()).toBe(master);
    await isWhole();
  });
});

describe('a unit with an error', () => {
  const place = '/etc/systemd/system/redis-server.service.d/20-local.conf';

  test('is told with the file and the line of the drop-in, before any data or config is touched', async () => {
    await dead(machines);
    const text = '[Service]\\nExecStart=\\nExecStart=bin/redis-server /etc/redis/redis.conf\\n';
    const made = await machines.asRoot(
      'pv2',
      `mkdir -p $(dirname ${place}); printf '${text}' > ${place}; systemctl daemon-reload`,
    );
    expect(made.status, made.stderr).toBe(0);

    const first = await machines.runbook(['recover', '--yes', '--plain'], { timeoutMs: 240_000 });

    expect(first.status, `${first.stdout}${first.stderr}`).toBe(8);
    expect(flat(first.stdout)).toContain(`${place}:3: `);
    expect(flat(first.stdout)).toContain('No data and no config was touched.');
    expect(await Promise.all(three.map((name) => serversOn(machines, name)))).toEqual([[], [], []]);
    await machines.asRoot('pv2', `rm ${place}; systemctl daemon-reload`);
    await recovered();
    await isWhole();
  });
});

describe('a config with an error', () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ['redis.conf', '/etc/redis/redis.conf', 'maxmemory-polcy noeviction'],
    ['sentinel.conf', '/etc/redis/sentinel.conf', 'sentinel down-after-millisecond stn-master 2000'],
  ];

  test.each(cases)('in %s is found before anything starts, with its line', async (_, path, wrong) => {
    await dead(machines);
    plant(path, wrong);

    const first = await machines.runbook(['recover', '--yes', '--plain'], { timeoutMs: 240_000 });

    expect(first.status, `${first.stdout}${first.stderr}`).toBe(8);
    expect(flat(`${first.stdout}${first.stderr}`)).toContain(`${path}:${lineOf(path, wrong)}`);
    expect(await Promise.all(three.map((name) => serversOn(machines, name)))).toEqual([[], [], []]);
    pull(path, wrong);
    await recovered();
    await isWhole();
  });

  test.each(cases)('that came into %s after it was checked is told by the failed start', async (_, path, wrong) => {
    await dead(machines);
    const kind = path.includes('sentinel') ? '/service.release/2' : '/service.release/1';
    const moment = { action: new RegExp(`^start/pv2${kind}`), phase: 'intent' as const };

    const first = await recoverUntil(machines, [], moment, async () => {
      plant(path, wrong);
    });

    const said = flat(first.stdout);
    expect(first.status, said).toBe(8);
    expect(said).toContain(`${path}:${lineOf(path, wrong)}`);
    expect(said).toMatch(/Bad directive or wrong number of arguments|Unrecognized sentinel configuration statement/);
    expect(said).toContain('redis-runbook recover --fleet');
    pull(path, wrong);
    await recovered();
    await isWhole();
  });

  /** Adds a line to the file on pv2, as a hand with an editor does. */
  function plant(path: string, wrong: string): void {
    const file = join(machineOf(machines.fleet, 'pv2').root, path);
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, `${text}${wrong}\n`);
  }

  /** Where it stands now: the tool may have rewritten the lines before it. */
  function lineOf(path: string, wrong: string): number {
    return (
      readFileSync(join(machineOf(machines.fleet, 'pv2').root, path), 'utf8')
        .split('\n')
        .indexOf(wrong) + 1
    );
  }

  function pull(path: string, wrong: string): void {
    const file = join(machineOf(machines.fleet, 'pv2').root, path);
    writeFileSync(file, readFileSync(file, 'utf8').replace(`${wrong}\n`, ''));
  }
});

describe('a save that takes longer than the unit gives it to stop', () => {
  const cases: readonly (readonly [string, number, number])[] = [
    ['10 s', 10, 25],
    ['90 s, as systemd gives', 90, 120],
  ];

  test.each(cases)('(%s) is waited for, and nothing is lost', async (_, limitS, saveS) => {
    const master = await headless(machines);
    const drop = '/etc/systemd/system/redis-server.service.d/20-usual.conf';
    const text = `[Service]\\nTimeoutStopSec=${limitS}\\n`;
    const script = `mkdir -p $(dirname ${drop}); printf '${text}' > ${drop}; systemctl daemon-reload`;
    await machines.asRoot(master, script);
    const keys = Number(await machines.ask(master, 'redis', 'DBSIZE'));
    await machines.ask(master, 'redis', 'CONFIG', 'SET', 'rdb-key-save-delay', String(Math.ceil((saveS * 1e6) / keys)));

    const stdout = await recovered('--path', 'cold');

    const said = flat(stdout);
    expect(said).toMatch(/waiting until \S+ is stopped.*temp-\d+\.rdb/);
    await machines.asRoot(master, `rm ${drop}; systemctl daemon-reload`);
    await isWhole();
  });
});
