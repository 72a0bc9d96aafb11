import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { infoFields } from '../../src/lab/resp.js';
import { holds, notYet } from '../../src/lab/until.js';
import type { Machines } from './shapes.js';
import { bootThree, headless, three } from './trouble.js';
import { until } from './until.js';

const LIMIT_MS = 90_000;

let machines: Machines;

/** What a person reads, on one line. */
function said({ stdout, stderr }: { readonly stdout: string; readonly stderr: string }): string {
  return `${stdout}${stderr}`.replace(/\s+/g, ' ');
}

/** A field of INFO of every redis that runs. */
async function infoOf(field: string, ...names: readonly string[]): Promise<readonly (string | undefined)[]> {
  return Promise.all(
    names.map(async (name) => infoFields(await machines.ask(name, 'redis', 'INFO', 'all')).get(field)),
  );
}

async function expectAll(): Promise<void> {
  expect(await machines.checkWrites()).toMatchObject({ missing: [], extra: [] });
}

/** What the units load is what ran: a power cut changes nothing; and the next master that dies is replaced by Sentinel itself. */
async function expectSound(master: string): Promise<void> {
  expect(await machines.untilSettled()).toBe(master);
  await expectAll();
  await machines.untilCaughtUp();
  await machines.powerCut(three);
  await machines.boot(three);
  expect(await machines.untilSettled()).toBe(master);
  await expectAll();
  await machines.powerCut([master]);
  expect(await machines.untilSettled(master)).not.toBe(master);
  await expectAll();
  await machines.boot([master]);
}

describe('over SSH, as a sudo user, on machines whose services Redis and Sentinel are', () => {
  beforeAll(async () => {
    machines = await bootThree({ seed: 41 });
  });
  afterAll(() => machines?.down());

  test('the sentinels are gone: they are started and agree, and no redis is touched', async () => {
    const master = await headless(machines);
    const before = await infoOf('run_id', ...three);
    const ended = await machines.runbook(['recover', '--yes', '--plain']);
    expect(ended.status, said(ended)).toBe(0);
    expect(said(ended)).toContain('Sentinels-only path');
    expect(await infoOf('run_id', ...three)).toEqual(before);
    await expectSound(master);
  });

  test('a master that serves is replaced by the one that is named, which has all of it before', async () => {
    const master = await machines.untilSettled();
    await machines.write();
    const next = three.find((name) => name !== master) ?? '';
    const before = await infoOf('run_id', ...three);
    const ended = await machines.runbook(['recover', '--yes', '--plain', '--path', 'live', '--promote', next]);
    expect(ended.status, said(ended)).toBe(0);
    expect(await infoOf('run_id', ...three)).toEqual(before);
    await expectSound(next);
  });

  test('a master is dead and so is the majority: the sentinel that is left fails over, the rest comes back after it', async () => {
    const master = await machines.untilSettled();
    await machines.write();
    await machines.untilCaughtUp();
    const [kept = '', other = ''] = three.filter((name) => name !== master);
    for (const name of [master, other]) await machines.asRoot(name, 'service redis-sentinel stop');
    await machines.asRoot(master, 'service redis-server stop');
    const before = await infoOf('run_id', kept, other);
    const first = await machines.runbook(['recover', '--yes', '--plain']);
    expect(first.status, said(first)).toBe(10);
    expect(said(first)).toContain('Failover path');
    expect(await infoOf('run_id', kept, other)).toEqual(before);
    const rest = await machines.runbook(['recover', '--yes', '--plain']);
    expect(rest.status, said(rest)).toBe(0);
    expect(await infoOf('run_id', kept, other)).toEqual(before);
    const next = await machines.untilSettled();
    expect(next).not.toBe(master);
    await expectSound(next);
  });
});

describe('Redis 6.0, whose sentinels refuse a replica that came back while its master was dead', () => {
  beforeAll(async () => {
    machines = await bootThree({ kind: 'bullseye-sysv', seed: 42, persistence: 'rdb' });
  });
  afterAll(() => machines?.down());

  test('the master has what it took alone, and it is what serves again', async () => {
    const master = await machines.untilSettled();
    await machines.write();
    await machines.untilCaughtUp();
    const [back = '', other = ''] = three.filter((name) => name !== master);
    // The history that a file is of stands in an RDB alone.
    await machines.ask(back, 'redis', 'BGSAVE');
    await until('its file', LIMIT_MS, async () => {
      const [busy] = await infoOf('rdb_bgsave_in_progress', back);
      return busy === '0' ? holds(undefined) : notYet('it saves');
    });
    for (const name of [back, other]) await machines.asRoot(name, 'kill -9 $(cat /run/redis/redis-server.pid)');
    await machines.write({ count: 60 });
    await machines.powerOff([master]);
    await machines.asRoot(back, 'service redis-server start');
    await until('a failover without a replica that is good enough', LIMIT_MS, async () => {
      const { stdout } = await machines.asRoot(
        back,
        'grep -h failover-abort-no-good-slave /var/log/redis/redis-sentinel.log',
      );
      const { stdout: there } = await machines.asRoot(
        other,
        'grep -h failover-abort-no-good-slave /var/log/redis/redis-sentinel.log',
      );
      return `${stdout}${there}` === '' ? notYet('none') : holds(undefined);
    });
    expect(await infoOf('role', back)).toEqual(['slave']);
    await machines.boot([master], { quiet: true });
    const ended = await machines.runbook(['recover', '--yes', '--plain']);
    expect([0, 10], said(ended)).toContain(ended.status);
    await expectSound(master);
  });
});
