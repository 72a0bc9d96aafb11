import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Lab } from '../../src/lab/lab.js';
import { leftOn } from './dead-fleet.js';
import type { OwnSshd, OwnSshds } from './own-sshd.js';
import { argvOf, type Ended, endOf, environmentOf } from './pipes.js';
import { runbook } from './recovery.js';

/** The lab with one host behind an sshd of its own, which a test can take away and bring back. */
async function behindSsh(lab: Lab, host: string, own: OwnSshds): Promise<OwnSshd> {
  const address = lab.hosts.find(({ name }) => name === host)?.address ?? '';
  const sshd = await own.start([], { at: address });
  own.know(sshd);
  const text = readFileSync(lab.fleetFile, 'utf8');
  const keys = `user: ${own.user}, port: ${sshd.port}, identity: ${own.identity}, known-hosts: ${own.knownHosts}`;
  writeFileSync(lab.fleetFile, text.replace(`  ${host}:\n`, `  ${host}:\n    transport: ssh\n    ssh: { ${keys} }\n`));
  return sshd;
}

/** A recovery during which the host is lost as soon as a line like `when` was shown: the program is held still meanwhile. */
async function losing(lab: Lab, sshd: OwnSshd, when: RegExp): Promise<Ended> {
  const [program = '', ...rest] = argvOf(lab, ['recover', '--yes', '--plain']);
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

/** The host answers again: status says what is open, another operator rejoins it, nothing is lost, and a power cycle changes nothing. */
async function comesBack(lab: Lab, sshd: OwnSshd, own: OwnSshds): Promise<void> {
  const again = await own.start([], { at: sshd.address, hostKeys: sshd.hostKeys });
  try {
    const before = await runbook(lab, ['status']);
    expect(before.status, before.stdout).toBe(10);
    const elsewhere = { XDG_STATE_HOME: join(lab.directory, 'somebody-else') };
    const back = await runbook(lab, ['rejoin', 'pv1', '--yes', '--plain'], elsewhere);
    expect(back.status, back.stdout + back.stderr).toBe(0);
    expect((await runbook(lab, ['status'])).status).toBe(0);
    expect(leftOn(lab)).toEqual([]);
    const master = await lab.master();
    expect((await lab.powerCycle()).master).toBe(master);
    expect(await lab.checkWrites()).toMatchObject({ missing: [], extra: [] });
  } finally {
    await again.stop();
  }
}

/** Lost before anything serves: the run ends and names the way on, which is taken; then the host comes back. */
export async function lostEarly(lab: Lab, own: OwnSshds, when: RegExp, statuses: readonly number[]): Promise<void> {
  const sshd = await behindSsh(lab, 'pv1', own);
  const ended = await losing(lab, sshd, when);
  expect(statuses, ended.stdout + ended.stderr).toContain(ended.status);
  expect(`${ended.stdout}${ended.stderr}`).toMatch(/recover (?:--fleet \S+ )?--without pv1 --reason "\.\.\."/);
  const refused = await runbook(lab, ['recover', '--yes', '--plain']);
  expect(refused.status, refused.stdout + refused.stderr).toBe(4);
  const without = ['recover', '--yes', '--plain', '--without', 'pv1', '--reason', 'died on the way'];
  const done = await runbook(lab, without);
  expect(done.status, done.stdout + done.stderr).toBe(10);
  await comesBack(lab, sshd, own);
}

/** Lost while the master serves already: the same run goes on without the host, says so, and ends with 10. */
export async function lostLate(lab: Lab, own: OwnSshds, when: RegExp): Promise<void> {
  const sshd = await behindSsh(lab, 'pv1', own);
  const ended = await losing(lab, sshd, when);
  expect(ended.status, ended.stdout + ended.stderr).toBe(10);
  expect(ended.stdout).toMatch(/pv1 was lost in stage/);
  expect(ended.stdout).toMatch(/redis-runbook rejoin pv1/);
  await comesBack(lab, sshd, own);
}
