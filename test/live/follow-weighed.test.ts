import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { redisPort } from '../../src/lab/layout.js';
import { openResp } from '../../src/lab/resp.js';
import { weighedAt } from '../../src/plan/weighed.js';
import { parseRunningRedis } from '../../src/redis/info.js';
import { act, batch, planOf, stage } from '../execute/plan-builder.js';
import { type Bench, benchUp, runPlan } from './execute-lab.js';
import { askRedis, killSentinels } from './path-lab.js';

let bench: Bench;
beforeAll(async () => {
  bench = await benchUp({ redis: 2, sentinels: 1, quorum: 1, persistence: 'aof' });
  await killSentinels(bench.lab);
  await askRedis(bench.lab, 'pv2', 'REPLICAOF', 'NO', 'ONE');
  await askRedis(bench.lab, 'pv2', 'CONFIG', 'REWRITE');
}, 30_000);
afterAll(() => bench.end());

/** pv2 as a master that was just weighed, to follow pv1. */
async function following() {
  const { lab, inventory } = bench;
  const master = lab.hosts.find((host) => host.name === 'pv1')?.address ?? '';
  const running = parseRunningRedis(String(await askRedis(lab, 'pv2', 'INFO', 'all')));
  const config = join(lab.directory, 'pv2', 'redis.conf');
  const set = [{ directive: 'replicaof', value: [master, String(redisPort)] }];
  const follow = act(inventory, 'pv2', {
    kind: 'role.follow',
    master: 'pv1',
    files: [{ path: config, intent: { kind: 'redis.conf', set, drop: [] } }],
    upTo: weighedAt(running),
  });
  return { config, plan: planOf(inventory, [stage('roles', [batch([follow])])], { master: 'pv1' }) };
}

it('a master that takes a write while its files change stays master, and so say its files', async () => {
  const { lab } = bench;
  const { config, plan } = await following();
  const before = readFileSync(config, 'utf8');
  const side = lab.hosts.find((host) => host.name === 'pv2')?.address ?? '';
  const client = await openResp(side, redisPort, lab.password);
  const writes = (async () => {
    while (!readFileSync(config, 'utf8').includes('\nreplicaof ')) await turn();
    // As whoever lifts the pause, or below 6.2, where there is none.
    void client.ask('CLIENT', 'UNPAUSE');
    return client.ask('SET', 'taken', '1');
  })();

  const { result } = await runPlan(bench, plan).catch((error: Error) => ({ result: error }));

  expect(await writes).toBe('OK');
  expect(JSON.stringify(result) + String(result)).toContain('has accepted writes since the plan was made');
  client.close();
  expect(await askRedis(lab, 'pv2', 'GET', 'taken')).toBe('1');
  expect(readFileSync(config, 'utf8')).toBe(before);
});

it('a write to a weighed master between the look at it and its new role is not acknowledged and then thrown away', async () => {
  const { lab } = bench;
  const [master, side] = ['pv1', 'pv2'].map((name) => lab.hosts.find((host) => host.name === name)?.address ?? '');
  const { config, plan } = await following();
  const client = await openResp(side ?? '', redisPort, lab.password);
  const writes = (async () => {
    while (!readFileSync(config, 'utf8').includes('\nreplicaof ')) await turn();
    return client.ask('SET', 'late', '1').catch((error: Error) => error.message);
  })();

  const { result } = await runPlan(bench, plan);

  expect(result.outcome).toBe('done');
  expect(await writes).not.toBe('OK');
  client.close();
  const now = parseRunningRedis(String(await askRedis(lab, 'pv2', 'INFO', 'all')));
  expect(now).toMatchObject({ role: 'replica', masterAddress: `${master}:${redisPort}` });
  // The pause of the old master holds up nothing of the replica.
  expect(await askRedis(lab, 'pv1', 'SET', 'on', '1')).toBe('OK');
  await expect.poll(() => askRedis(lab, 'pv2', 'GET', 'on'), { timeout: 4000 }).toBe('1');
});
