import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inTerminal } from '../live/terminal.js';
import { userPassword } from './fleet.js';
import { inNamespace } from './network.js';
import { run } from './run.js';
import type { Machines } from './shapes.js';
import { bootThree, dead, leftBehind, three } from './trouble.js';

/** `opspw` becomes root only with a password. */
const login = 'opspw';
const env = { RUNBOOK_TEST_SUDO: userPassword };
const RECOVER = ['recover', '--yes', '--plain'];
let machines: Machines;

beforeAll(async () => {
  machines = await bootThree({ seed: 51 });
});

afterAll(async () => {
  await machines?.down();
});

async function isRecovered(master: string): Promise<void> {
  expect(await machines.untilSettled()).toBe(master);
  expect(await machines.checkWrites()).toMatchObject({ missing: [], extra: [] });
  expect(leftBehind(machines)).toEqual([]);
}

/** Nothing that was refused stands in the way of somebody whose sudo asks nothing. */
async function recoveredByOps(master: string): Promise<void> {
  const { status, stdout, stderr } = await machines.runbook(RECOVER);
  expect(status, `${stdout}${stderr}`).toBe(0);
  await isRecovered(master);
}

/** Files that hold the password: on every machine below what a run or a log writes to, and in the operator's run directory. */
async function filesWithPassword(): Promise<readonly string[]> {
  const script = `grep -rlF -- '${userPassword}' /etc /var/lib /var/log /run /tmp /home /root 2>/dev/null || true`;
  const there = await Promise.all(three.map((name) => machines.asRoot(name, script)));
  const here = await run(['grep', '-rlF', '--', userPassword, join(machines.directory, 'operator')]);
  return [...there, here].flatMap(({ stdout }) => stdout.split('\n').filter((line) => line !== ''));
}

/** Wrong passwords that sudo counted on each machine since its boot. */
async function wrongTries(): Promise<readonly number[]> {
  const script = "journalctl -q -o cat -t sudo | grep -c 'pam_unix(sudo:auth): authentication failure' || true";
  return Promise.all(three.map(async (name) => Number((await machines.asRoot(name, script)).stdout)));
}

describe('a sudo that asks for a password', () => {
  test('without a terminal and a source: nothing is touched, and it is said what would help', async () => {
    const master = await dead(machines);
    const { status, stdout, stderr } = await machines.runbook(RECOVER, { login });
    const said = `${stdout}${stderr}`.replace(/\s+/g, ' ');
    expect(status, said).toBe(4);
    expect(said).toContain('sudo-password in the fleet file');
    expect(leftBehind(machines)).toEqual([]);
    expect(await wrongTries()).toEqual([0, 0, 0]);
    await recoveredByOps(master);
  });

  test.each([
    ['the environment', '{ env: RUNBOOK_TEST_SUDO }'],
    ['a command', '{ command: [printenv, RUNBOOK_TEST_SUDO] }'],
    ['a file', '{ file: sudo-password }'],
  ])(
    'is answered from %s: recovered without a terminal, and the password is in no file, list or screen',
    async (_, sudoPassword) => {
      const file = join(machines.directory, 'operator', 'sudo-password');
      writeFileSync(file, `${userPassword}\n`, { mode: 0o600 });
      const master = await dead(machines);

      const { status, stdout, stderr } = await machines.runbook(RECOVER, { login, sudoPassword, env });

      expect(status, `${stdout}${stderr}`).toBe(0);
      await isRecovered(master);
      expect(stdout + stderr).not.toContain(userPassword);
      expect(await filesWithPassword()).toEqual([file]);
    },
  );

  test('is answered by a person in a terminal, once for all machines', async () => {
    const master = await dead(machines);
    const lab = { directory: machines.directory, fleetFile: machines.fleetFile({ login }) };
    const terminal = inTerminal(lab, ['recover', '--yes'], 100, inNamespace(machines.fleet.operatorNamespace));
    try {
      await terminal.sees('sudo password of opspw');
      terminal.type(`${userPassword}\r`);
      // Nobody answers a second question: it would never end.
      expect(await terminal.ended(), terminal.screen()).toBe(0);
      expect(terminal.screen()).not.toContain(userPassword);
    } finally {
      terminal.close();
    }
    await isRecovered(master);
  });

  test('a wrong one is tried once on each machine, and it is said where it came from', async () => {
    const master = await dead(machines);
    const before = await wrongTries();
    const options = {
      login,
      sudoPassword: '{ env: RUNBOOK_TEST_SUDO }',
      env: { RUNBOOK_TEST_SUDO: 'not it' },
    } as const;

    const { status, stdout, stderr } = await machines.runbook(RECOVER, options);

    const said = `${stdout}${stderr}`.replace(/\s+/g, ' ');
    expect(status, said).toBe(4);
    expect(said).toContain('the environment variable RUNBOOK_TEST_SUDO');
    expect(said).not.toContain('not it');
    expect(leftBehind(machines)).toEqual([]);
    expect(await wrongTries()).toEqual(before.map((tries) => tries + 1));
    await recoveredByOps(master);
  });
});
