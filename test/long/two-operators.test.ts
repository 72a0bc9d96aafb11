import { afterAll, beforeAll, expect, it } from 'vitest';
import { type DeadFleet, deadFleet, filesOf } from '../live/dead-fleet.js';
import { asleepAt, lockFiles, operatorAt } from '../live/two-operators.js';

let dead: DeadFleet;

beforeAll(async () => {
  dead = await deadFleet('all-down-aof', 4);
}, 60_000);
afterAll(() => dead.remove());

it('two who begin at the same moment: one recovers, the other is refused and holds nothing', async () => {
  await dead.withCopy(async (lab) => {
    const both = [operatorAt(lab, 'mina'), operatorAt(lab, 'jisoo')];
    const ends = await Promise.all(both.map((one) => one.run('recover', '--yes', '--plain')));
    expect(ends.map(({ status }) => status).sort()).toEqual([0, 6]);
    const loser = ends.findIndex(({ status }) => status === 6);
    expect(ends[loser]?.stderr).toContain(`${both[1 - loser]?.name}@`);
    expect(lockFiles(lab)).toEqual([]);
  });
}, 120_000);

it('waits for the colleague with --wait, says for whom, and looks again when the way is free', async () => {
  await dead.withCopy(async (lab) => {
    const [mina, jisoo] = [operatorAt(lab, 'mina'), operatorAt(lab, 'jisoo')];
    const first = mina.start('recover', '--yes', '--plain');
    await asleepAt(mina, first.child, 'service.hold');
    const inVain = await jisoo.run('recover', '--yes', '--plain', '--wait', '1s');
    expect([inVain.status, inVain.stderr]).toEqual([
      6,
      expect.stringMatching(/Waiting for mina@\S+, run \w{4}: stage 1 HOLD/),
    ]);
    const second = jisoo.run('recover', '--yes', '--plain', '--wait', '2m');
    first.child.kill('SIGCONT');
    expect((await first.ended).status).toBe(0);
    expect(await second).toMatchObject({ status: 0, stdout: expect.stringContaining('There is nothing to recover.') });
  });
}, 120_000);

it('unlock gives the lock of a dead run back, and nothing else', async () => {
  await dead.withCopy(async (lab) => {
    const [mina, jisoo] = [operatorAt(lab, 'mina'), operatorAt(lab, 'jisoo')];
    const first = mina.start('recover', '--yes', '--plain');
    await asleepAt(mina, first.child, 'service.hold');
    first.child.kill('SIGKILL');
    await first.ended;
    const before = filesOf(lab);
    const freed = await jisoo.run('unlock', mina.runId(), '--json');
    expect(freed.status).toBe(0);
    expect(JSON.parse(freed.stdout)).toMatchObject({
      run: mina.runId(),
      freed: ['pv1', 'pv2', 'pv3', 'pvha1', 'pvha2'],
    });
    const left = Object.entries(before).filter(([path]) => !path.endsWith('/state/lock.json'));
    expect(Object.entries(filesOf(lab))).toEqual(left);
  });
}, 120_000);
