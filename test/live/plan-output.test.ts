import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Lab } from '../../src/lab/lab.js';
import { holds, notYet, until } from '../../src/lab/until.js';
import { type DeadFleet, deadFleet, filesOf, leftOn, removeLab } from './dead-fleet.js';
import { environmentOf, piped } from './pipes.js';

let dead: DeadFleet;
let lab: Lab;

beforeAll(async () => {
  dead = await deadFleet('cascade-clean', 61);
  lab = await dead.copy();
});
afterAll(async () => {
  await removeLab(lab);
  dead.remove();
});

describe('showing a plan changes nothing', () => {
  test.each([
    [['plan']],
    [['plan', '-v']],
    [['plan', '--markdown']],
    [['plan', '--json']],
    [['plan', 'recover-cold']],
    [['runbook', 'show', 'recover-cold']],
    [['runbook', 'show', 'recover-cold', '--markdown']],
    [['runbook', 'show', 'recover-cold', '--json']],
    [['recover', '--dry-run']],
  ])('%s', async (args) => {
    const before = filesOf(lab);
    const ended = await piped(lab, args);
    expect(ended.status, ended.stderr).toBe(0);
    expect(ended.stdout.length).toBeGreaterThan(500);
    expect(filesOf(lab)).toEqual(before);
    expect(lab.running()).toEqual([]);
    expect(existsSync(join(lab.directory, 'operator', 'redis-runbook', 'runs'))).toBe(false);
  });

  test('nor does writing it to a file, which only its owner can read', async () => {
    const before = filesOf(lab);
    for (const name of ['plan.md', 'plan.json']) {
      const file = join(lab.directory, name);
      const ended = await piped(lab, ['plan', '--out', file]);
      expect(ended.status, ended.stderr).toBe(0);
      expect(statSync(file).mode & 0o777).toBe(0o600);
    }
    expect(readFileSync(join(lab.directory, 'plan.md'), 'utf8')).toMatch(/^# recover-cold/);
    expect(JSON.parse(readFileSync(join(lab.directory, 'plan.json'), 'utf8'))).toMatchObject({
      schema: 'redis-runbook/plan/1',
      master: dead.lastWriter,
    });
    expect(filesOf(lab)).toEqual(before);
  });
});

describe('the plan on paper', () => {
  test('has boxes, exact commands, diffs, what to expect, how to verify and how to undo', async () => {
    const { stdout } = await piped(lab, ['plan', '--markdown']);
    for (const stage of ['1 HOLD', '2 KEEP', '3 STOP', '4 REWRITE', '5 CHECK', '6 START', '7 PROVE', 'Undo'])
      expect(stdout).toContain(`\n## ${stage}\n`);
    const boxes = stdout.split('\n').filter((line) => line.startsWith('- [ ] **')).length;
    expect(boxes).toBeGreaterThan(50);
    for (const word of ['Expect: ', 'Undo: ']) expect(stdout.split(`  ${word}`).length - 1).toBe(boxes);
    expect(stdout.split('Verify: ').length).toBeGreaterThan(8);
    expect(stdout.split('- [ ] wait until ').length).toBeGreaterThan(8);
    expect(stdout).toMatch(/```diff\n {2}-sentinel monitor stn-master \S+ 6379 2\n {2}\+sentinel monitor stn-master/);
    expect(stdout).toContain('redis-cli -h ');
  });

  test('brings the fleet back in the hands of a person', () =>
    dead.withCopy(async (copy) => {
      const paper = (await piped(copy, ['plan', '--markdown'])).stdout;
      const blocks = [...paper.matchAll(/^ {2}```(sh|diff)\n([\s\S]*?)^ {2}```$/gm)];
      let edited = '';
      for (const [, kind, text = ''] of blocks) {
        const lines = text.split('\n').map((line) => line.slice(2));
        if (kind === 'diff') apply(edited, lines);
        else for (const line of lines.filter((one) => one !== '')) edited = (await typed(copy, line)) ?? edited;
      }
      const status = await until('the fleet to be healthy', 30_000, async () => {
        const seen = await piped(copy, ['status']);
        return seen.status === 0 ? holds(seen.stdout) : notYet(seen.stdout);
      });
      expect(status).toContain('is healthy');
      expect(await copy.master()).toBe(dead.lastWriter);
      const checked = await copy.checkWrites();
      expect({ missing: checked.missing, extra: checked.extra }).toEqual({ missing: [], extra: [] });
      expect(leftOn(copy)).toEqual([]);
    }));
});

/** One line in a shell, again while the server is not up yet; gives the file where it asks for an editor. */
async function typed(copy: Lab, line: string): Promise<string | undefined> {
  const file = /^\$\{EDITOR:-vi\} (\S+) /.exec(line)?.[1];
  if (file !== undefined) return file;
  // The trial lasts two seconds for each node by design; once is enough to see that its command is right.
  if (line.includes('timeout 2')) return undefined;
  const command = line.replaceAll('RUN', 'HAND').replace('--askpass ', '');
  const env = { ...environmentOf(copy), REDISCLI_AUTH: copy.password };
  await until(command, 10_000, async () => {
    const { status, stdout, stderr } = spawnSync('bash', ['-c', command], { env, encoding: 'utf8' });
    return status === 0 && !stdout.includes('LOADING') ? holds(undefined) : notYet(`${status} ${stdout}${stderr}`);
  });
  return undefined;
}

/** The diff by hand: each `-` line goes, what is added stands at the end. */
function apply(file: string, diff: readonly string[]): void {
  const lines = readFileSync(file, 'utf8').replace(/\n$/, '').split('\n');
  const gone = diff.filter((line) => line.startsWith('-')).map((line) => line.slice(1));
  for (const line of gone) expect(lines).toContain(line);
  const added = diff.filter((line) => line.startsWith('+')).map((line) => line.slice(1));
  writeFileSync(file, `${[...lines.filter((line) => !gone.includes(line)), ...added].join('\n')}\n`);
}

test('the trial that the paper asks for accepts a good config and refuses a bad one', () =>
  dead.withCopy(async (copy) => {
    const paper = (await piped(copy, ['plan', '--markdown'])).stdout;
    const trial = /^ {2}d=\$\(mktemp[\s\S]*?echo \$\?.*$/m.exec(paper)?.[0] ?? '';
    const config = / cp (\S+) /.exec(trial)?.[1] ?? '';
    const run = () => spawnSync('bash', ['-c', trial], { env: environmentOf(copy), encoding: 'utf8' }).stdout.trim();
    expect(['124', '0']).toContain(run().split('\n').at(-1));
    writeFileSync(config, `${readFileSync(config, 'utf8')}\nno-such-directive 1\n`);
    expect(run().split('\n').at(-1)).toBe('1');
  }));
