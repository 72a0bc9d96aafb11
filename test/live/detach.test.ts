import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { handingEnvironment, handingText, takeHandedOver } from '../../src/cli/handed-over.js';
import { terminalLine } from '../../src/cli/terminal-line.js';
import { Secret } from '../../src/model/secret.js';
import { type DeadFleet, deadFleet, leftOn } from './dead-fleet.js';
import { operatorAt } from './two-operators.js';

let dead: DeadFleet;

beforeAll(async () => {
  dead = await deadFleet('all-down-aof', 8);
}, 60_000);
afterAll(() => dead.remove());

it('a detached run goes on when the terminal is gone, and is followed from another one to its exit status', async () => {
  await dead.withCopy(async (lab) => {
    const mina = operatorAt(lab, 'mina');
    expect(await mina.run('recover', '--detach')).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/--detach\s+needs --yes/),
    });
    const begun = await mina.run('recover', '--yes', '--plain', '--detach', '--json');
    expect([begun.status, begun.stderr]).toEqual([0, '']);
    const { run, pid, directory } = JSON.parse(begun.stdout);
    process.kill(pid, 'SIGHUP');
    expect(readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')[5]).toBe(String(pid));
    const followed = await mina.run('history', 'show', run, '--follow', '--json');
    const lines = followed.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(followed.status).toBe(lines.at(-1).exit);
    expect(lines.at(-1)).toMatchObject({ type: 'result', run });
    expect(lines[0]).toMatchObject({ n: 1, action: 'run', phase: 'intent' });
    expect(lines.slice(0, -1).map(({ n }) => n)).toEqual(lines.slice(0, -1).map((_, index) => index + 1));
    expect(JSON.parse(readFileSync(join(directory, 'result.json'), 'utf8'))).toMatchObject({ exit: followed.status });
    expect(readdirSync(mina.runs)).toHaveLength(1);
    expect([followed.status, leftOn(lab)]).toEqual([0, []]);
  });
}, 120_000);

it('following a run whose process was killed ends, and says that it has no end', async () => {
  await dead.withCopy(async (lab) => {
    const mina = operatorAt(lab, 'mina');
    const begun = await mina.run('recover', '--yes', '--plain', '--detach', '--json');
    const { run, pid } = JSON.parse(begun.stdout);
    const following = mina.start('history', 'show', run, '--follow');
    process.kill(pid, 'SIGKILL');
    expect(await following.ended).toMatchObject({
      status: 8,
      stdout: expect.stringContaining('its process is gone, and the journal has no end'),
    });
  });
}, 120_000);

it('what was typed is handed over through a pipe to the child alone, and through nothing else', async () => {
  const directory = { run: '7K3Q', fleet: 'shop', begun: '2026-11-20T17:00:00Z', path: '/x' };
  const given = { directory, fingerprint: 'f', secrets: new Map([['Password of ops:', new Secret('hunter-2')]]) };
  const environment = handingEnvironment({ PATH: process.env.PATH });
  expect(JSON.stringify(environment)).not.toContain('hunter-2');
  expect(takeHandedOver({ ...environment })).toBeUndefined();
  const script = `import { takeHandedOver } from ${JSON.stringify(new URL('../../dist/cli/handed-over.js', import.meta.url).href)};
    const env = process.env; const got = takeHandedOver(env);
    console.log(JSON.stringify([got.directory.run, got.fingerprint, got.secrets.get('Password of ops:').reveal((t) => t), Object.keys(env).filter((k) => /HANDED/.test(k))]));`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    env: environment,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(handingText(given));
  let said = '';
  for await (const chunk of child.stdout) said += String(chunk);
  expect(JSON.parse(said)).toEqual(['7K3Q', 'f', 'hunter-2', []]);
});

it('the first line of a run says what happens when its terminal dies', () => {
  expect(terminalLine({ TMUX: '/tmp/tmux-0/default,1,0' }, false)).toContain('tmux attach');
  expect(terminalLine({ STY: '1.pts-0' }, false)).toContain('screen -r');
  expect(terminalLine({}, false)).toMatch(/not inside tmux or screen: when it dies the run ends after the action/);
  expect(terminalLine({ TMUX: 'x' }, true)).toContain('needs no terminal');
});
