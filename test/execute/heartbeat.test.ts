import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { beginHeartbeat } from '../../src/execute/heartbeat.js';
import type { Journal } from '../../src/execute/journal.js';
import { createLock, readLock } from '../../src/execute/lock.js';
import { newLock } from '../../src/execute/lock-file.js';
import { newRun, type Run } from '../../src/execute/run.js';
import type { WritableHost } from '../../src/hosts/host.js';
import { openLocalHost } from '../../src/hosts/local.js';
import type { Inventory } from '../../src/model/inventory.js';
import { planOf } from './plan-builder.js';

const never = new AbortController().signal;
const begun = new Date('2026-11-20T17:35:10.000Z');
let place = '';

beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'redis-runbook-heartbeat-'));
});
afterEach(() => rm(place, { recursive: true, force: true }));

function hostIn(name: string): WritableHost {
  return openLocalHost({
    name,
    address: '127.0.0.1',
    transport: 'local',
    become: 'none',
    service: 'process',
    state: join(place, name),
    nodes: [],
    line: 1,
  });
}

const noJournal: Journal = {
  path: '',
  write: () => Promise.reject(new Error('nothing is journalled')),
  close: async () => undefined,
};

function runOn(hosts: readonly WritableHost[], now: () => Date, signal: AbortSignal): Run {
  const entries = hosts.map(({ entry }) => entry);
  const inventory = { fleet: 'lab', file: '', groups: ['g'], hosts: entries } as unknown as Inventory;
  const tools = {
    hosts: new Map(hosts.map((host) => [host.entry.name, host])),
    inventory,
    passwords: new Map(),
    journal: noJournal,
    directory: place,
    run: '7K3Q',
    who: 'mina@ops',
    now,
  };
  return newRun(planOf(inventory, []), tools, {
    gate: async () => 'go',
    onEvent: () => undefined,
    signal,
    now: signal,
  });
}

it('goes on for the other hosts while one of them hangs', async () => {
  let now = begun;
  const over = new AbortController();
  const [quick, other] = [hostIn('pv1'), hostIn('pv2')];
  const hung: WritableHost = { ...other, write: () => new Promise(() => undefined) };
  const run = runOn([quick, hung], () => now, over.signal);
  for (const host of [quick, other]) {
    const lock = await createLock(host, newLock({ run: '7K3Q', who: 'mina@ops', doing: '' }, begun), never);
    if (lock) run.memory.locks.set(host.entry.name, lock);
  }
  const heartbeat = beginHeartbeat(run);
  for (const second of [20, 30, 40]) {
    now = new Date(`2026-11-20T17:35:${second}.000Z`);
    heartbeat.changed();
    const sign = async () => (await readLock(quick, never))?.file.heartbeat;
    await expect.poll(sign, { timeout: 5000 }).toBe(now.toISOString());
  }
  expect(run.memory.lost).toBeUndefined();
  over.abort();
  await heartbeat.end();
});
