import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { batch, planOf, stage, wait } from '../execute/plan-builder.js';
import { type Bench, benchUp, runPlan } from '../live/execute-lab.js';
import { askRedis, infoOf, killSentinels, seen } from '../live/path-lab.js';

let bench: Bench;
beforeAll(async () => {
  bench = await benchUp({ redis: 2, sentinels: 1, quorum: 1, seed: 95 });
  await bench.lab.write({ count: 20 });
  await killSentinels(bench.lab);
});
afterAll(() => bench.end());

/** Waits for half an hour until pv2 is linked to pv1, as a recovery does. Gives why it ended. */
async function waited(): Promise<string | undefined> {
  const condition = wait({ kind: 'linked-to', node: 'pv2', master: 'pv1' }, 1_800_000);
  const { result } = await runPlan(bench, planOf(bench.inventory, [stage('start', [batch([], [condition])])]));
  return result.stoppedWhy;
}

/** One after the other, on one fleet: the second has no master any more. */
describe.sequential('a wait for a link that cannot come is given up, in words', () => {
  test('where the replica has a password that its master refuses', async () => {
    await askRedis(bench.lab, 'pv2', 'CONFIG', 'SET', 'masterauth', 'wrong');
    await askRedis(bench.lab, 'pv1', 'CLIENT', 'KILL', 'TYPE', 'replica');
    await seen('a link that is down', async () => (await infoOf(bench.lab, 'master_link_status', 'pv2'))[0] === 'down');
    expect(await waited()).toMatch(
      /given up after \d+ s, the copy fails again and again: Unable to AUTH to MASTER: .*WRONGPASS/,
    );
    await askRedis(bench.lab, 'pv2', 'CONFIG', 'SET', 'masterauth', bench.lab.password);
    expect(await waited()).toBeUndefined();
  });

  test('where the master is gone', async () => {
    await bench.lab.kill('pv1', 'redis', 'SIGKILL');
    expect(await waited()).toMatch(/given up after \d+ s, pv1 does not run any more/);
  });
});
