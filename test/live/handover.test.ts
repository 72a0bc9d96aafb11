import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Lab } from '../../src/lab/lab.js';
import { type DeadFleet, deadFleet, leftOn } from './dead-fleet.js';
import { waitFor } from './own-redis.js';
import { asleepAt, lockFiles, type Operator, operatorAt } from './two-operators.js';

let dead: DeadFleet;

beforeAll(async () => {
  dead = await deadFleet('all-down-aof', 4);
}, 60_000);
afterAll(() => dead.remove());

/** `to` and `note` of every lock on the lab's hosts, and whether a process stands behind it. */
function locksOf(lab: Lab): readonly { readonly to?: string; readonly note?: string; readonly pid?: number }[] {
  return lockFiles(lab).map((file) => JSON.parse(readFileSync(file, 'utf8')));
}

function requestOf(operator: Operator): boolean {
  const [first = ''] = readdirSync(operator.runs);
  return existsSync(join(operator.runs, first, 'handover.json'));
}

/** Another machine's operator goes on with it without more words, to the end and with nothing lost or left. */
async function expectResumedBy(name: string, run: string, lab: Lab): Promise<void> {
  const resumed = await operatorAt(lab, name).run('resume', run, '--yes');
  expect(resumed.status, resumed.stdout + resumed.stderr).toBe(0);
  expect(resumed.stderr).toContain(`Run ${run} was handed over to you by jisoo@`);
  expect(resumed.stdout).toMatch(new RegExp(`^Run ${run} of`));
  expect(await lab.master()).toBe(dead.lastWriter);
  expect((await lab.checkWrites({ notExpected: [] })).missing).toEqual([]);
  expect(leftOn(lab)).toEqual([]);
}

describe.concurrent('a run that is handed over', () => {
  test('ends between two actions when asked from a second terminal; only whom it was given to goes on', () =>
    dead.withCopy(async (lab) => {
      const jisoo = operatorAt(lab, 'jisoo');
      const first = jisoo.start('recover', '--yes', '--plain');
      await asleepAt(jisoo, first.child, '/config.keep/');
      const run = jisoo.runId();
      const notHis = await operatorAt(lab, 'hana').run('handover', '--to', 'hana');
      expect([notHis.status, notHis.stderr]).toEqual([6, expect.stringContaining('jisoo@')]);
      const handing = jisoo.start('handover', '--to', 'mina', '--note', 'the disk of pv3 is slow');
      await waitFor('the request', () => requestOf(jisoo));
      first.child.kill('SIGCONT');

      const [ended, handed] = await Promise.all([first.ended, handing.ended]);
      expect([ended.status, ended.stdout], ended.stderr).toEqual([8, expect.stringContaining('handed over to mina')]);
      expect(ended.stdout).toMatch(/resume \w{4} --fleet \S+\s+typed by mina/);
      expect(handed.status, handed.stderr).toBe(0);
      expect(handed.stdout).toContain(`Run ${run} is handed over to mina`);
      expect(handed.stdout).toContain(`type: redis-runbook resume ${run}`);
      expect(requestOf(jisoo)).toBe(false);
      for (const lock of locksOf(lab)) {
        expect(lock).toMatchObject({ to: 'mina', pid: 0 });
        expect(lock.note).toMatch(/^the disk of pv3 is slow\ntrue: \d of \d stages done/);
      }
      const others = ['hana', 'jisoo'].map((name) => operatorAt(lab, name).run('resume', run, '--yes'));
      for (const refused of await Promise.all(others))
        expect([refused.status, refused.stderr]).toEqual([6, expect.stringContaining('handed over to mina')]);
      await expectResumedBy('mina', run, lab);
    }));

  test('is asked through its locks from another machine', () =>
    dead.withCopy(async (lab) => {
      const jisoo = operatorAt(lab, 'jisoo');
      const first = jisoo.start('recover', '--yes', '--plain');
      await asleepAt(jisoo, first.child, '/config.keep/');
      const handing = operatorAt(lab, 'jisoo', 'elsewhere').start('handover', '--to', 'mina', '--json');
      await waitFor('the request', () => locksOf(lab).length > 0 && locksOf(lab).every(({ to }) => to === 'mina'));
      first.child.kill('SIGCONT');

      const [ended, handed] = await Promise.all([first.ended, handing.ended]);
      expect([ended.status, ended.stdout], ended.stderr).toEqual([8, expect.stringContaining('handed over to mina')]);
      expect([handed.status, JSON.parse(handed.stdout)]).toEqual([
        0,
        expect.objectContaining({ to: 'mina', given: true }),
      ]);
      expect(locksOf(lab).map(({ to, pid }) => [to, pid])).toEqual(lockFiles(lab).map(() => ['mina', 0]));
    }));
});
