import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Lab } from '../../src/lab/lab.js';
import { type DeadFleet, deadFleet, leftOn } from '../live/dead-fleet.js';
import { type OwnSshd, OwnSshds } from '../live/own-sshd.js';
import { argvOf, type Ended, endOf, environmentOf } from '../live/pipes.js';
import { runbook } from '../live/recovery.js';

const own = new OwnSshds();
let dead: DeadFleet;

beforeAll(async () => {
  dead = await deadFleet('cascade-clean', 77);
});
afterAll(async () => {
  dead.remove();
  await own.end();
});

/** The lab with one host behind an sshd of its own, which a test can take away and bring back. */
async function behindSsh(lab: Lab, host: string): Promise<OwnSshd> {
  const address = lab.hosts.find(({ name }) => name === host)?.address ?? '';
  const sshd = await own.start([], { at: address });
  own.know(sshd);
  const text = readFileSync(lab.fleetFile, 'utf8');
  const keys = `user: ${own.user}, port: ${sshd.port}, identity: ${own.identity}, known-hosts: ${own.knownHosts}`;
  writeFileSync(lab.fleetFile, text.replace(`  ${host}:\n`, `  ${host}:\n    transport: ssh\n    ssh: { ${keys} }\n`));
  return sshd;
}

/** A recovery during which the host is lost as soon as a line like `when` was shown: the program is held still meanwhile. */
async function losing(lab: Lab, sshd: OwnSshd, when: RegExp, args: readonly string[]): Promise<Ended> {
  const [program = '', ...rest] = argvOf(lab, ['recover', '--yes', '--plain', ...args]);
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'], env: environmentOf(lab) });
  let shown = '';
  let lost: Promise<void> | undefined;
  child.stdout.on('data', (chunk) => {
    shown += String(chunk);
    if (lost !== undefined || !when.test(shown)) return;
    child.kill('SIGSTOP');
    lost = sshd.stop().finally(() => child.kill('SIGCONT'));
  });
  const ended = await endOf(child);
  expect(lost, ended.stdout + ended.stderr).toBeDefined();
  await lost;
  return ended;
}

async function comesBack(lab: Lab, sshd: OwnSshd, host: string): Promise<void> {
  const again = await own.start([], { at: sshd.address, hostKeys: sshd.hostKeys });
  try {
    const before = await runbook(lab, ['status']);
    expect(before.status, before.stdout).toBe(10);
    // By another operator, whose machine knows nothing of the run that ended without the host.
    const elsewhere = { XDG_STATE_HOME: join(lab.directory, 'somebody-else'), LOGNAME: 'other', USER: 'other' };
    const back = await runbook(lab, ['rejoin', host, '--yes', '--plain'], elsewhere);
    expect(back.status, back.stdout + back.stderr).toBe(0);
    expect((await runbook(lab, ['status'])).status).toBe(0);
    expect(leftOn(lab)).toEqual([]);
    expect(await lab.checkWrites()).toMatchObject({ missing: [], extra: [] });
    const master = await lab.master();
    expect((await lab.powerCycle()).master).toBe(master);
    expect(await lab.checkWrites()).toMatchObject({ missing: [], extra: [] });
  } finally {
    await again.stop();
  }
}

describe('a host that is lost in the middle', () => {
  test.each([
    ['HOLD', /^1 HOLD /m, [4]],
    ['KEEP', /^2 KEEP /m, [8, 9]],
    ['REWRITE', /^4 REWRITE /m, [8, 9]],
    ['CHECK', /^5 CHECK /m, [8, 9]],
  ])(
    'of %s ends the run, which says the way on; without the host it serves again',
    (_stage, when, statuses) =>
      dead.withCopy(async (lab) => {
        const sshd = await behindSsh(lab, 'pv1');
        const ended = await losing(lab, sshd, when, []);
        expect(statuses, ended.stdout + ended.stderr).toContain(ended.status);
        expect(`${ended.stdout}${ended.stderr}`).toMatch(/recover (?:--fleet \S+ )?--without pv1 --reason "\.\.\."/);
        const refused = await runbook(lab, ['recover', '--yes', '--plain']);
        expect(refused.status, refused.stdout + refused.stderr).toBe(4);
        const without = ['recover', '--yes', '--plain', '--without', 'pv1', '--reason', 'died on the way'];
        const done = await runbook(lab, without);
        expect(done.status, done.stdout + done.stderr).toBe(10);
        await comesBack(lab, sshd, 'pv1');
      }),
    120_000,
  );

  test.each([
    ['before its replica starts', /writes are allowed since/],
    ['while it is proved', /^7 PROVE /m],
  ])(
    'of START, %s, is left out by the same run, which says so and ends with 10',
    (_when, when) =>
      dead.withCopy(async (lab) => {
        const sshd = await behindSsh(lab, 'pv1');
        const ended = await losing(lab, sshd, when, []);
        expect(ended.status, ended.stdout + ended.stderr).toBe(10);
        expect(ended.stdout).toMatch(/pv1 was lost in stage/);
        expect(ended.stdout).toMatch(/redis-runbook rejoin pv1/);
        await comesBack(lab, sshd, 'pv1');
      }),
    120_000,
  );
});
