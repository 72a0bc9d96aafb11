import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Action } from '../../src/model/plan.js';
import { act, batch, planOf, stage } from '../execute/plan-builder.js';
import { type Bench, benchUp, runPlan } from './execute-lab.js';

let bench: Bench;
beforeAll(async () => {
  bench = await benchUp({ redis: 2, sentinels: 1, quorum: 1, persistence: 'aof' });
  await bench.lab.write();
  await bench.lab.kill('pv1', 'sentinel', 'SIGKILL');
});
afterAll(() => bench.end());

function dataOf(node: string): string {
  const found = bench.inventory.hosts.flatMap((host) => host.nodes).find((each) => each.id === node);
  return join(dirname(found?.config ?? ''), 'data');
}

function run(actions: readonly Action[]) {
  return runPlan(bench, planOf(bench.inventory, [stage('test', [batch(actions)])]));
}

describe('what was kept of append-only files', () => {
  it('stays whole when the server truncates a base that was the append-only file of an earlier version', async () => {
    await bench.lab.kill('pv2', 'redis', 'SIGKILL');
    const directory = join(dataOf('pv2'), 'appendonlydir');
    await rm(directory, { recursive: true });
    await mkdir(directory);
    const torn = '*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nb\r\n*3\r\n$3\r\nSET\r\n$1\r\nc';
    await writeFile(join(directory, 'appendonly.aof'), torn);
    await writeFile(join(directory, 'appendonly.aof.manifest'), 'file appendonly.aof seq 1 type b\n');

    const { result } = await run([
      act(bench.inventory, 'pv2', { kind: 'data.keep', moment: 'before-stop', alsoHere: false }),
      act(bench.inventory, 'pv2', { kind: 'service.start', as: 'replica' }),
    ]);

    expect(result.outcome).toBe('done');
    await expect
      .poll(async () => (await readFile(join(directory, 'appendonly.aof'), 'utf8').catch(() => '')) !== torn)
      .toBe(true);
    const kept = join(dataOf('pv2'), `.redis-runbook-${result.run}/before-stop/appendonlydir/appendonly.aof`);
    expect(await readFile(kept, 'utf8')).toBe(torn);
  });

  it('is not called verified when a copy is not what was kept', async () => {
    const files: string[] = [];
    const { result } = await runPlan(
      bench,
      planOf(bench.inventory, [
        stage('test', [
          batch([
            act(bench.inventory, 'pv1', { kind: 'service.stop', mode: 'save' }),
            act(bench.inventory, 'pv1', { kind: 'data.keep', moment: 'after-stop', alsoHere: false }),
            act(bench.inventory, 'pv1', { kind: 'data.verify' }),
          ]),
        ]),
      ]),
      {
        step: async (action) => {
          if (action.kind !== 'data.verify') return 'go';
          const names = await readdir(dataOf('pv1'), { recursive: true });
          const kept = names.find((name) => name.includes('after-stop') && name.endsWith('.incr.aof')) ?? '';
          const path = join(dataOf('pv1'), kept);
          const bytes = await readFile(path);
          bytes[bytes.length - 3] = (bytes[bytes.length - 3] ?? 0) ^ 1;
          await writeFile(path, bytes);
          files.push(path);
          return 'go';
        },
      },
    );

    expect(files.length).toBe(1);
    expect(result).toMatchObject({ outcome: 'failed', stoppedWhy: expect.stringContaining('was changed since') });
  });
});
