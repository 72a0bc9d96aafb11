import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Lab } from '../../src/lab/lab.js';
import { configOf } from '../../src/lab/layout.js';
import { hostOf } from '../../src/lab/nodes.js';
import { askOnce } from '../../src/lab/resp.js';
import { holds, notYet, until } from '../../src/lab/until.js';
import { labUp } from '../../src/lab/up.js';
import type { Diagnosis } from '../../src/model/diagnosis.js';
import { filesOf, removeLab } from '../live/dead-fleet.js';
import { type Output, runbook } from '../live/recovery.js';

const proxy = fileURLToPath(new URL('../fixtures/cli/lying-proxy.mjs', import.meta.url));
const wonderful = '999999999999999';

let lab: Lab;
let liar: ReturnType<typeof spawn> | undefined;

/**
 * pv1, the master, stopped in order after everybody had all of it; no sentinel runs; the real server of pv3 works in another
 * directory, at another port.
 */
beforeAll(async () => {
  lab = await labUp({ seed: 61, ownerPid: process.pid });
  await lab.write({ count: 60 });
  const state = lab.state();
  await until('the replicas to have all of it', 20_000, async () => {
    const ends = await Promise.all(
      state.hosts.filter((host) => host.runs.includes('redis')).map((host) => endOf(host.address)),
    );
    return new Set(ends).size === 1 ? holds(undefined) : notYet(ends.join(', '));
  });
  for (const { name, runs } of state.hosts) if (runs.includes('sentinel')) await lab.kill(name, 'sentinel', 'SIGTERM');
  await lab.kill('pv1', 'redis', 'SIGTERM');
  await lab.kill('pv3', 'redis', 'SIGTERM');
  const pv3 = hostOf(state, 'pv3');
  const behind = join(lab.directory, 'behind');
  mkdirSync(behind);
  copyFileSync(join(pv3.directory, 'data', 'dump.rdb'), join(behind, 'dump.rdb'));
  spawn('redis-server', [configOf(pv3, 'redis'), '--port', '6380', '--dir', behind], {
    cwd: pv3.directory,
    stdio: 'ignore',
  });
  await until('the real server of pv3 to answer', 20_000, async () =>
    (await askOnce(pv3.address, 6380, lab.password, 'PING').catch(() => '')) === 'PONG'
      ? holds(undefined)
      : notYet('silent'),
  );
});

afterAll(async () => {
  liar?.kill('SIGKILL');
  await removeLab(lab);
});

async function endOf(address: string): Promise<string> {
  const role = await askOnce(address, 6379, lab.password, 'ROLE');
  return Array.isArray(role) ? String(role[0] === 'master' ? role[1] : role[4]) : '';
}

/** Ends the one before, and puts another in front of pv3, run by `program`. */
async function lie(program: string, title: string): Promise<void> {
  const pv3 = hostOf(lab.state(), 'pv3');
  const before = liar;
  if (before !== undefined) {
    const gone = new Promise((resolve) => before.once('exit', resolve));
    before.kill('SIGKILL');
    await gone;
  }
  const child = spawn(program, [proxy, pv3.address, '6379', '6380', title], {
    cwd: pv3.directory,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  liar = child;
  await new Promise<void>((resolve, reject) => {
    child.stdout.once('data', () => resolve());
    child.once('exit', (status) => reject(new Error(`the proxy ended with ${status}`)));
  });
}

async function diagnosisNow(): Promise<Diagnosis> {
  const { stdout } = await runbook(lab, ['status', '--json']);
  return (JSON.parse(stdout) as { diagnosis: Diagnosis }).diagnosis;
}

/** All but the logs of those who run. */
function writtenFiles(): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(filesOf(lab)).filter(([path]) => !path.includes('/log/')));
}

function refused(output: Output): void {
  expect(output.status, output.stdout + output.stderr).toBe(3);
  expect(output.stderr).toContain('pv3');
}

it('what listens in place of the server and is none is asked nothing, and nothing is done until somebody looked', async () => {
  await lie(process.execPath, 'node');
  const before = writtenFiles();
  const diagnosis = await diagnosisNow();
  const said = JSON.stringify(diagnosis);
  expect(said).not.toContain(wonderful);
  expect(said).toMatch(/port 6379 on pv3 is held by [^"]* not by redis-server/);
  refused(await runbook(lab, ['recover', '--yes', '--plain']));
  expect(writtenFiles()).toEqual(before);
});

describe('a proxy that passes for the server, with the id of the master and a wonderful offset', () => {
  it('wins over nobody: the node that made the history stopped in order, and has all of it', async () => {
    const pv3 = hostOf(lab.state(), 'pv3');
    const program = join(pv3.directory, 'redis-server');
    copyFileSync(process.execPath, program);
    await lie(program, `redis-server ${pv3.address}:6379`);
    const diagnosis = await diagnosisNow();
    expect(diagnosis.naive.find(({ rule }) => rule === 'highest offset')?.node).toBe('pv3');
    expect(diagnosis.winner).toBe('pv1');
  });

  it('is not picked without its name where that node has lost everything', async () => {
    const { directory } = hostOf(lab.state(), 'pv1');
    for (const part of ['data/dump.rdb', 'log/redis.log']) rmSync(join(directory, part));
    const before = writtenFiles();
    const diagnosis = await diagnosisNow();
    expect(diagnosis.headline.join(' ')).toContain('only pv3 itself says that it is ahead');
    refused(await runbook(lab, ['recover', '--yes', '--plain']));
    expect(writtenFiles()).toEqual(before);
  });

  it('finds no second witness in the sentinel beside it, with an epoch above all others', async () => {
    const file = configOf(hostOf(lab.state(), 'pv3'), 'sentinel');
    const text = readFileSync(file, 'utf8');
    const [address, liars] = [hostOf(lab.state(), 'pv1').address, hostOf(lab.state(), 'pv3').address];
    const forged = text
      .replace(`sentinel monitor ${lab.group} ${address} `, `sentinel monitor ${lab.group} ${liars} `)
      .replace(/(config-epoch|current-epoch)( \S+)? \d+$/gm, '$1$2 999');
    expect(forged).not.toBe(text);
    writeFileSync(file, forged);
    const diagnosis = await diagnosisNow();
    expect(diagnosis.naive.find(({ rule }) => rule === 'highest config-epoch')?.node).toBe('pv3');
    expect(diagnosis.headline.join(' ')).toContain('only pv3 itself says that it is ahead');
    refused(await runbook(lab, ['recover', '--yes', '--plain']));
  });
});
