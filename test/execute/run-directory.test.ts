import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openJournal } from '../../src/execute/journal.js';
import { listRuns, makeRunDirectory, readRun, runsDirectory, saveInRun } from '../../src/execute/run-directory.js';

let runs = '';
beforeEach(async () => {
  runs = join(await mkdtemp(join(tmpdir(), 'redis-runbook-runs-')), 'runs');
});
afterEach(() => rm(join(runs, '..'), { recursive: true, force: true }));

describe('run directories', () => {
  it('lie in the state directory of the user', () => {
    expect(runsDirectory({ XDG_STATE_HOME: '/x' })).toBe('/x/redis-runbook/runs');
    expect(runsDirectory({})).toBe(join(homedir(), '.local/state/redis-runbook/runs'));
    expect(runsDirectory({ XDG_STATE_HOME: 'relative' })).toBe(join(homedir(), '.local/state/redis-runbook/runs'));
  });

  it('are private and have ids that can be said on the phone', async () => {
    const made = [];
    for (let n = 0; n < 40; n += 1) made.push(await makeRunDirectory(runs, 'shop', new Date('2026-11-20T17:33:02Z')));
    expect(new Set(made.map((run) => run.run)).size).toBe(40);
    for (const run of made) {
      expect(run.run).toMatch(/^[0-9A-HJKMNP-TV-Z]{4}$/);
      expect(run.path).toBe(join(runs, `20261120T173302Z-shop-${run.run}`));
      expect((await stat(run.path)).mode & 0o777).toBe(0o700);
    }
  });

  it('are listed oldest first, whatever else lies there', async () => {
    const second = await makeRunDirectory(runs, 'a-b/../c', new Date('2026-11-21T00:00:00Z'));
    const first = await makeRunDirectory(runs, 'shop', new Date('2026-11-20T00:00:00Z'));
    await mkdir(join(runs, 'something-else'));
    expect(await listRuns(runs)).toEqual([first, second]);
    expect(second.fleet).toBe('a_b_.._c');
    expect(await listRuns(join(runs, 'none'))).toEqual([]);
  });

  it('are read back with plan, journal and report', async () => {
    const { run, path } = await makeRunDirectory(runs, 'shop', new Date());
    await saveInRun(path, 'plan.json', { epoch: 1000n, group: 'g' });
    await saveInRun(path, 'report.md', '# what happened\n');
    const journal = await openJournal(path, run, () => new Date());
    await journal.write({ action: 'run', phase: 'intent', text: 'begins' });
    await journal.close();
    const read = await readRun(runs, run.toLowerCase());
    expect(read.plan).toMatchObject({ epoch: 1000n, group: 'g' });
    expect(read.report).toBe('# what happened\n');
    expect(read.journal.lines).toHaveLength(1);
    expect((await stat(join(path, 'plan.json'))).mode & 0o777).toBe(0o600);
    await expect(readRun(runs, 'ZZZZ')).rejects.toMatchObject({ word: 'usage' });
  });

  it('replaces a saved file as a whole', async () => {
    const { path } = await makeRunDirectory(runs, 'shop', new Date());
    await writeFile(join(path, 'survey-1.json'), 'old');
    await saveInRun(path, 'survey-1.json', { at: 'now' });
    expect(await saveInRun(path, 'survey-1.json', 'text as it is')).toBe(join(path, 'survey-1.json'));
  });
});
