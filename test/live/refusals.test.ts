import { spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Lab } from '../../src/lab/lab.js';
import { labUp } from '../../src/lab/up.js';
import { type DeadFleet, deadFleet, filesOf, leftOn, removeLab } from './dead-fleet.js';
import { argvOf, endOf, environmentOf, type Input, jsonLines, piped } from './pipes.js';
import { inTerminal } from './terminal.js';

let clean: DeadFleet;
let lossy: DeadFleet;

beforeAll(async () => {
  [clean, lossy] = await Promise.all([deadFleet('cascade-clean', 21), deadFleet('cascade-crash-rdb', 22)]);
});
afterAll(() => {
  clean.remove();
  lossy.remove();
});

async function expectWhole(lab: Lab): Promise<void> {
  const checked = await lab.checkWrites();
  expect({ missing: checked.missing, extra: checked.extra }).toEqual({ missing: [], extra: [] });
  expect(leftOn(lab)).toEqual([]);
}

describe('where nobody can be asked', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await clean.copy();
  });
  afterAll(() => removeLab(lab));

  test.each<[string, readonly string[], Input, Record<string, string>]>([
    ['yes | recover', [], 'yes', {}],
    ['recover < /dev/null', [], 'null', {}],
    ['an input that has ended', [], 'ended', {}],
    ['--no-input', ['--no-input'], 'yes', {}],
    ['CI=1', [], 'yes', { CI: '1' }],
    ['--step with --no-input', ['--step', '--no-input'], 'yes', {}],
  ])('%s changes nothing, says which flag answers, and ends', async (_, flags, input, env) => {
    const before = filesOf(lab);
    const ended = await piped(lab, ['recover', ...flags], input, env);
    expect(ended.status, ended.stderr).toBe(2);
    expect(ended.stderr).toContain('[no-terminal]');
    expect(ended.stderr).toMatch(/redis-runbook recover --fleet \S+ --yes/);
    expect(ended.lingeredMs).toBeLessThan(2000);
    expect(filesOf(lab)).toEqual(before);
    expect(lab.running()).toEqual([]);
  });

  test('the end of the input at a question stops with nothing changed', async () => {
    const before = filesOf(lab);
    const terminal = inTerminal(lab, ['recover']);
    await terminal.sees('2 KEEP on pv1, pv2, pv3, pvha1 and pvha2?');
    terminal.type('\u0004');
    await terminal.sees('Nothing was changed');
    expect(await terminal.ended()).toBe(7);
    expect(filesOf(lab)).toEqual(before);
  });

  test('--json says it as one document, and nothing else is on stdout', async () => {
    const ended = await piped(lab, ['recover', '--json'], 'yes');
    expect(ended.status).toBe(2);
    expect(jsonLines(ended.stdout)).toMatchObject([
      { schema: 'redis-runbook/error/1', error: { code: 'no-terminal', exit: 2 } },
    ]);
    expect(ended.stderr).toBe('');
  });

  test('--dry-run needs nobody, tries what changes nothing, and changes nothing', async () => {
    const before = filesOf(lab);
    const text = await piped(lab, ['recover', '--dry-run']);
    expect(text.status, text.stderr).toBe(0);
    expect(text.stdout).toContain('DRY RUN: nothing was changed');
    const json = jsonLines((await piped(lab, ['recover', '--dry-run', '--json'])).stdout);
    expect(json).toMatchObject([{ schema: 'redis-runbook/plan/1' }, { type: 'result', exit: 0 }]);
    expect(filesOf(lab)).toEqual(before);
  });

  test('a loss is never accepted by --yes', () =>
    lossy.withCopy(async (copy) => {
      const before = filesOf(copy);
      const ended = await piped(copy, ['recover', '--yes']);
      expect(ended.status).toBe(3);
      expect(ended.stderr).toContain('[on-no-disk]');
      expect(ended.stderr).toMatch(/recover --fleet \S+ --yes --promote pv\d --accept-loss pv\d --reason/);
      const json = await piped(copy, ['recover', '--yes', '--json']);
      expect(json.status).toBe(3);
      expect(jsonLines(json.stdout)).toMatchObject([{ error: { code: 'on-no-disk', exit: 3 } }]);
      expect(filesOf(copy)).toEqual(before);
    }));
});

describe.concurrent('recover --yes', () => {
  test('--json tells it in JSON lines, the result last; then there is nothing to do', () =>
    clean.withCopy(async (lab) => {
      const ended = await piped(lab, ['recover', '--yes', '--json']);
      expect(ended.status, ended.stderr).toBe(0);
      expect(ended.stderr).toBe('');
      expect(ended.lingeredMs).toBeLessThan(2000);
      const lines = jsonLines(ended.stdout);
      expect(lines.every((line) => String(line.schema).startsWith('redis-runbook/'))).toBe(true);
      expect(lines.filter((line) => line.type === 'result').length).toBe(1);
      expect(lines.at(-1)).toMatchObject({ type: 'result', outcome: 'done', exit: 0 });
      await expectWhole(lab);

      const before = filesOf(lab);
      const again = await piped(lab, ['recover', '--yes']);
      expect(again.status, again.stderr).toBe(0);
      expect(again.stdout).toContain('There is nothing to recover.\nNothing was changed.');
      expect(again.lingeredMs).toBeLessThan(2000);
      const json = await piped(lab, ['recover', '--json']);
      expect(jsonLines(json.stdout)).toMatchObject([{ type: 'result', outcome: 'nothing-to-do', exit: 0 }]);
      expect(filesOf(lab)).toEqual(before);
    }));

  test('| head -1 is no error and no half recovery', () =>
    clean.withCopy(async (lab) => {
      const words = argvOf(lab, ['recover', '--yes']).map((word) => `'${word}'`);
      const script = `${words.join(' ')} | head -1; echo "status $PIPESTATUS"`;
      const child = spawn('bash', ['-c', script], {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: environmentOf(lab),
      });
      const ended = await endOf(child);
      expect(ended.stdout).toBe('Nothing is changed until you say so. Stop at any question: Ctrl-C or q.\nstatus 0\n');
      expect(ended.stderr).toBe('');
      expect(await lab.master()).toBe(clean.lastWriter);
      await expectWhole(lab);
    }));
});

describe('a fleet that serves', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await labUp({ seed: 23, ownerPid: process.pid });
  });
  afterAll(() => removeLab(lab));

  test('takes no gentler path than is safe, and a harder one when it is asked for', async () => {
    await lab.write({ count: 50 });
    await lab.kill('pvha2', 'sentinel', 'SIGKILL');
    await lab.kill('pv3', 'redis', 'SIGKILL');
    const before = lab.running().map((one) => one.pid);
    const refused = await piped(lab, ['recover', '--yes', '--path', 'sentinels-only']);
    expect(refused.status, refused.stdout + refused.stderr).toBe(3);
    expect(refused.stderr).toContain('[unsafe-path]');
    const says = refused.stderr.replace(/\s+/g, ' ');
    expect(says).toContain('The path sentinels-only is not safe here:');
    expect(says).toContain('pv3 does not follow pv1');
    expect(says).toContain('the gentlest safe path is live:');
    expect(refused.lingeredMs).toBeLessThan(2000);
    expect(lab.running().map((one) => one.pid)).toEqual(before);
    expect(leftOn(lab)).toEqual([]);
    await lab.write({ count: 50 });

    const ended = await piped(lab, ['recover', '--yes', '--path', 'cold']);
    expect(ended.status, ended.stdout + ended.stderr).toBe(0);
    expect(ended.stdout).toContain('stopped and saved');
    expect(await lab.master()).toBe('pv1');
    expect(lab.running().filter((one) => !one.child).length).toBe(8);
    await expectWhole(lab);
  });
});
