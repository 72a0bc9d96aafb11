import { afterAll, beforeAll, expect, it } from 'vitest';
import { type DeadFleet, deadFleet, filesOf, leftOn } from './dead-fleet.js';
import { ageLocks, asleepAt, operatorAt } from './two-operators.js';

let dead: DeadFleet;

beforeAll(async () => {
  dead = await deadFleet('all-down-aof', 4);
}, 60_000);
afterAll(() => dead.remove());

it('lets one work and refuses the other, who takes over once the first sleeps; the first wakes up and does nothing', async () => {
  await dead.withCopy(async (lab) => {
    const [mina, jisoo] = [operatorAt(lab, 'mina'), operatorAt(lab, 'jisoo')];
    const first = mina.start('recover', '--yes', '--plain');
    await asleepAt(mina, first.child, '/config.keep/');

    const refused = await jisoo.run('recover', '--yes', '--plain');
    expect(refused.status).toBe(6);
    expect(refused.stderr).toMatch(/^redis-runbook: mina@\S+ is working on stn-master right now, run \w{4}\./);
    expect(refused.stderr).toMatch(/doing {6}stage [1-4]/);
    expect(refused.stderr).toContain('redis-runbook handover --to jisoo');
    const id = mina.runId();
    const early = await jisoo.run('recover', '--yes', '--plain', '--take-over-from', id);
    expect(early.status).toBe(6);
    expect(early.stderr).toContain('is stopped (SIGSTOP,');
    expect((await jisoo.run('unlock', id)).status).toBe(6);

    ageLocks(lab, 120);
    const looksDead = await jisoo.run('recover', '--yes', '--plain');
    expect(looksDead.status).toBe(6);
    expect(looksDead.stderr).toMatch(new RegExp(`resume .*${id} --take-over`));
    const wrong = await jisoo.run('recover', '--yes', '--plain', '--take-over-from', 'ZZZZ');
    expect(wrong.status).toBe(2);
    const second = await jisoo.run('recover', '--yes', '--plain', '--take-over-from', id);
    expect([second.status, second.stderr]).toEqual([0, expect.stringContaining(`Run ${id} is taken over from mina@`)]);

    const journal = mina.journal().split('\n').length;
    const files = configsOf(filesOf(lab));
    first.child.kill('SIGCONT');
    const woken = await first.ended;
    expect([woken.status, woken.stdout + woken.stderr]).toEqual([
      6,
      expect.stringMatching(/not\s+hold\s+its\s+lock|lock\s+on\s+\S+\s+is\s+gone/),
    ]);
    expect(configsOf(filesOf(lab))).toEqual(files);
    // What was under way had had its effect before the sleep; nothing was begun after it.
    const since = mina
      .journal()
      .split('\n')
      .slice(journal - 1)
      .filter(Boolean)
      .map((line) => JSON.parse(line));
    const begun = since.flatMap(({ action, phase }) => (phase === 'intent' ? [action] : []));
    expect(since.filter(({ action, outcome }) => outcome === 'done' && begun.includes(action))).toEqual([]);
    expect(leftOn(lab)).toEqual([]);
    expect((await lab.checkWrites({ notExpected: [] })).missing).toEqual([]);
  });
}, 120_000);

/** What a run writes, but for its own temporary names; the servers' own data moves by itself. */
function configsOf(files: Readonly<Record<string, string>>) {
  return Object.entries(files).filter(
    ([path]) => /redis\.conf$|\/state\//.test(path) && !/redis-runbook-[0-9a-f]{12}$/.test(path),
  );
}
