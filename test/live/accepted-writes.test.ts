import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askOnce } from '../../src/lab/resp.js';
import type { ActionOf } from '../../src/model/plan.js';
import { act, batch, planOf, stage } from '../execute/plan-builder.js';
import { type Bench, benchUp, runPlan } from './execute-lab.js';

let bench: Bench;
beforeAll(async () => {
  bench = await benchUp({ redis: 2, sentinels: 1, quorum: 1 });
  await bench.lab.write();
  await bench.lab.kill('pv1', 'sentinel', 'SIGKILL');
});
afterAll(() => bench.end());

function ask(name: string, ...words: readonly string[]): Promise<unknown> {
  const host = bench.inventory.hosts.find((each) => each.name === name);
  return askOnce(host?.address ?? '', 6379, bench.lab.password, ...words);
}

/** Starts a node as a run does and gives the plan that takes that back. */
async function started(node: string, as: 'master' | 'replica') {
  await bench.lab.kill(node, 'redis', 'SIGKILL');
  const of = act(bench.inventory, node, { kind: 'service.start', as }) as ActionOf<'service.start'>;
  const begunAt = new Date().toISOString();
  const { result } = await runPlan(bench, planOf(bench.inventory, [stage('start', [batch([of])])]));
  expect(result.outcome).toBe('done');
  await expect.poll(() => ask(node, 'PING').catch(() => ''), { timeout: 20_000 }).toBe('PONG');
  const found = { outcome: 'done', begunAt };
  return planOf(bench.inventory, [stage('undo', [batch([act(bench.inventory, node, { kind: 'undo', of, found })])])]);
}

describe('what a run started is not stopped again', () => {
  it('where the counters of a master were set back after writes', async () => {
    const undo = await started('pv1', 'master');
    await ask('pv1', 'SET', 'accepted', 'x');
    await ask('pv1', 'CONFIG', 'RESETSTAT');

    const { result } = await runPlan(bench, undo);

    expect(result).toMatchObject({ outcome: 'failed', stoppedWhy: expect.stringContaining('set back') });
    expect(await ask('pv1', 'GET', 'accepted')).toBe('x');
  });

  it('where it was started as a replica, is the master by now and has accepted writes', async () => {
    const undo = await started('pv2', 'replica');
    await ask('pv2', 'REPLICAOF', 'NO', 'ONE');
    await ask('pv2', 'SET', 'accepted', 'x');

    const { result } = await runPlan(bench, undo);

    expect(result).toMatchObject({
      outcome: 'failed',
      stoppedWhy: expect.stringMatching(/pv2 .*is master by now: .*accepted \d+ write/),
    });
    expect(await ask('pv2', 'GET', 'accepted')).toBe('x');
  });
});
