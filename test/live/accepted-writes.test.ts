import { createConnection } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readJournal } from '../../src/execute/journal.js';
import { pastOf } from '../../src/execute/past.js';
import type { Past } from '../../src/execute/resumption.js';
import { whyNotBack } from '../../src/execute/why-not-back.js';
import { askOnce } from '../../src/lab/resp.js';
import type { ActionOf, Plan } from '../../src/model/plan.js';
import { act, batch, planOf, stage } from '../execute/plan-builder.js';
import { type Bench, benchUp, runPlan, toolsFor } from './execute-lab.js';

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

interface Started {
  readonly undo: Plan;
  readonly of: ActionOf<'service.start'>;
  readonly past: Past;
}

/** Starts a node as a run does and gives the plan that takes that back. */
async function started(node: string, as: 'master' | 'replica'): Promise<Started> {
  await bench.lab.kill(node, 'redis', 'SIGKILL');
  const of = act(bench.inventory, node, { kind: 'service.start', as }) as ActionOf<'service.start'>;
  const begunAt = new Date().toISOString();
  const { result, directory } = await runPlan(bench, planOf(bench.inventory, [stage('start', [batch([of])])]));
  expect(result.outcome).toBe('done');
  const past = pastOf((await readJournal(directory.path)).lines);
  await expect.poll(() => ask(node, 'PING').catch(() => ''), { timeout: 20_000 }).toBe('PONG');
  const found = { outcome: 'done', begunAt };
  return { undo: undoOf(of, found), of, past };
}

function undoOf(of: ActionOf<'service.start'>, found: Readonly<Record<string, unknown>>): Plan {
  const undo = act(bench.inventory, of.node, { kind: 'undo', of, found });
  return planOf(bench.inventory, [stage('undo', [batch([undo])])]);
}

/** Does something on the connection of a client that listens in, as soon as the server was sent what matches. Whether it was done. */
function once(node: string, sent: RegExp, ...words: readonly string[]): { readonly done: Promise<unknown> } {
  const host = bench.inventory.hosts.find((each) => each.name === node);
  const spy = createConnection({ host: host?.address ?? '', port: 6379 });
  const auth = ['AUTH', bench.lab.password];
  for (const command of [auth, ['MONITOR']])
    spy.write(`*${command.length}\r\n${command.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`);
  const done = new Promise((resolve) => {
    spy.on('error', () => undefined);
    spy.on('data', (chunk: Buffer) => {
      if (!sent.test(chunk.toString('latin1'))) return;
      spy.destroy();
      const free = ask(node, 'CLIENT', 'UNPAUSE').catch(() => 'a server before 6.2 was not paused');
      resolve(free.then(() => ask(node, ...words)));
    });
  });
  return { done };
}

describe('what a run started is not stopped again', () => {
  it('where the counters of a master were set back after writes', async () => {
    const { undo } = await started('pv1', 'master');
    await ask('pv1', 'SET', 'accepted', 'x');
    await ask('pv1', 'CONFIG', 'RESETSTAT');

    const { result } = await runPlan(bench, undo);

    expect(result).toMatchObject({ outcome: 'failed', stoppedWhy: expect.stringContaining('set back') });
    expect(await ask('pv1', 'GET', 'accepted')).toBe('x');
  });

  it('where it was started as a replica, is the master by now and has accepted writes', async () => {
    const { undo } = await started('pv2', 'replica');
    await ask('pv2', 'REPLICAOF', 'NO', 'ONE');
    await ask('pv2', 'SET', 'accepted', 'x');

    const { result } = await runPlan(bench, undo);

    expect(result).toMatchObject({
      outcome: 'failed',
      stoppedWhy: expect.stringMatching(/pv2 .*is master by now: .*accepted \d+ write/),
    });
    expect(await ask('pv2', 'GET', 'accepted')).toBe('x');
  });

  it('where it accepts a write between the last count and its stop', async () => {
    const { undo } = await started('pv1', 'master');
    const { done } = once('pv1', /"COMMAND" "INFO"/i, 'SET', 'late', 'x');

    const { result } = await runPlan(bench, undo);

    expect(await done).toBe('OK');
    expect(result).toMatchObject({ outcome: 'failed', stoppedWhy: expect.stringContaining('lose writes') });
    expect(await ask('pv1', 'GET', 'late')).toBe('x');
  });

  it.each(['failed', 'begun'])(
    'where its start was seen to be %s, and it came up all the same and left something on its disk',
    async (outcome) => {
      const { of, past } = await started('pv1', 'master');
      const failed = { ...past.details.get(of.id), outcome };
      const { tools } = await toolsFor(bench);
      await tools.journal.close();
      const reasons = () => whyNotBack(undoOf(of, failed), pastOf([]), tools, new AbortController().signal);
      await bench.lab.kill('pv1', 'redis', 'SIGKILL');
      expect(await reasons()).toEqual([]);

      await bench.lab.start('pv1', 'redis');
      await expect.poll(() => ask('pv1', 'SET', 'accepted', 'y').catch(() => ''), { timeout: 20_000 }).toBe('OK');
      await ask('pv1', 'SAVE');
      await bench.lab.kill('pv1', 'redis', 'SIGKILL');

      expect(await reasons()).toEqual([expect.stringContaining('its data files changed since')]);
    },
  );

  it.each(['failed', 'begun'])(
    'but for what comes up late after its start was seen to be %s: it is waited for, and stopped',
    async (outcome) => {
      const { of, past } = await started('pv1', 'master');
      await bench.lab.kill('pv1', 'redis', 'SIGKILL');
      // What is journalled before a start: nothing of a process.
      const { pid: _, ...seen } = past.details.get(of.id) ?? {};
      const undo = undoOf(of, { ...seen, outcome, begunAt: new Date().toISOString() });
      const { tools } = await toolsFor(bench);
      await tools.journal.close();
      const late = new Promise<unknown>((resolve) => {
        setTimeout(() => resolve(bench.lab.start('pv1', 'redis').catch(() => undefined)), 1_500);
      });

      expect(await whyNotBack(undo, pastOf([]), tools, new AbortController().signal)).toEqual([]);
      const { result } = await runPlan(bench, undo);

      expect(result.outcome).toBe('done');
      await late;
      await expect(ask('pv1', 'PING')).rejects.toThrow();
    },
  );

  it('but not where the run was cut off before it started anything: its files are noted first', async () => {
    await bench.lab.kill('pv1', 'redis', 'SIGKILL');
    const of = act(bench.inventory, 'pv1', { kind: 'service.start', as: 'master' }) as ActionOf<'service.start'>;
    const { tools } = await toolsFor(bench);
    await tools.journal.close();
    const reasons = (outcome: string) =>
      whyNotBack(undoOf(of, { outcome }), pastOf([]), tools, new AbortController().signal);
    expect(await reasons('begun')).toEqual([]);
    expect(await reasons('done')).toEqual([expect.stringContaining('is down now')]);
    expect(await reasons('failed')).toEqual([expect.stringContaining('is down now')]);
  });
});
