import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { labCommand } from '../../src/cli/lab.js';
import { claimHeld } from '../../src/lab/block.js';
import { type Lab, openLab } from '../../src/lab/lab.js';
import { startedAt } from '../../src/lab/processes.js';
import { askOnce } from '../../src/lab/resp.js';
import type { BreakOptions } from '../../src/lab/scenarios/index.js';
import { holds, notYet, until } from '../../src/lab/until.js';
import { type LabOptions, labLoad, labUp } from '../../src/lab/up.js';

const labs: Lab[] = [];
const scratch: string[] = [];

async function up(options: LabOptions = {}): Promise<Lab> {
  return kept(await labUp({ ownerPid: process.pid, ...options }));
}

function kept(lab: Lab): Lab {
  labs.push(lab);
  return lab;
}

function scratchDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'lab-test.'));
  scratch.push(directory);
  return directory;
}

afterEach(async () => {
  for (const lab of labs.splice(0)) if (existsSync(lab.directory)) await lab.down({ remove: true });
  for (const directory of scratch.splice(0)) rmSync(directory, { recursive: true, force: true });
});

function confOf(lab: Lab, host: string, kind: 'redis' | 'sentinel'): string {
  return readFileSync(join(lab.directory, host, `${kind}.conf`), 'utf8');
}

/** The host that the sentinel.conf with the highest config-epoch names. */
function lastElected(lab: Lab): string | undefined {
  const claims = lab.hosts.map((host) => {
    const text = confOf(lab, host.name, 'sentinel');
    const epoch = Number(/^sentinel config-epoch \S+ (\d+)/m.exec(text)?.[1]);
    return { epoch, address: /^sentinel monitor \S+ (\S+)/m.exec(text)?.[1] };
  });
  const top = claims.sort((a, b) => b.epoch - a.epoch)[0];
  return lab.hosts.find((host) => host.address === top?.address)?.name;
}

function assertRecord(lab: Lab): void {
  const writes = lab.record().flatMap((line) => (line.type === 'write' ? [line] : []));
  expect(writes.map((line) => line.seq)).toEqual(writes.map((_, i) => i + 1));
  expect(writes.every((line) => line.acknowledged && (line.ackedAt ?? 0) >= line.sentAt)).toBe(true);
  expect(writes.some((line) => (line.waited ?? 0) >= 1)).toBe(true);
}

interface Case extends BreakOptions {
  readonly persistence: 'rdb' | 'aof';
  readonly stop: 'clean' | 'crash';
  readonly seed: number;
}

const cascades: readonly Case[] = [
  { scenario: 'cascade', stop: 'clean', persistence: 'rdb', seed: 1 },
  { scenario: 'cascade', stop: 'clean', persistence: 'rdb', seed: 2 },
  { scenario: 'cascade', stop: 'crash', persistence: 'aof', seed: 3 },
  { scenario: 'cascade', stop: 'crash', persistence: 'aof', seed: 4 },
  { scenario: 'cascade', stop: 'crash', persistence: 'rdb', seed: 5 },
  { scenario: 'cascade', stop: 'crash', persistence: 'rdb', seed: 6 },
];

describe('cascade', () => {
  it.each(cascades)('$stop, $persistence, seed $seed', async ({ scenario, stop, persistence, seed }) => {
    const lab = await up({ persistence, seed });
    const broken = await lab.break({ scenario, stop });
    expect(lab.running()).toEqual([]);
    expect(new Set(broken.masters).size).toBe(3);
    expect(broken.lastWriter).toBe(broken.masters[2]);
    expect(lastElected(lab)).toBe(broken.lastWriter);
    assertRecord(lab);
    const ends = lab.record().flatMap((line) => (line.type === 'off' ? [line] : []));
    expect(ends.slice(0, 3).map((end) => [end.node, end.how])).toEqual(broken.masters.map((node) => [node, stop]));
    expect(ends).toHaveLength(broken.draw?.booted === undefined ? 3 : 4);

    const cycled = await lab.powerCycle();
    expect(cycled.master).toBe(broken.lastWriter);
    const checked = await lab.checkWrites();
    expect(checked.extra).toEqual([]);
    if (stop === 'crash' && persistence === 'rdb') {
      expect(checked.missing.length).toBeGreaterThan(0);
      const excused = await lab.checkWrites({ notExpected: [{ why: 'on no disk' }] });
      expect(excused.missing).toEqual([]);
      expect(excused.excused).toHaveLength(checked.missing.length);
    } else {
      expect(checked.missing).toEqual([]);
      expect(checked.expected).toBeGreaterThan(100);
    }
  });
});

describe('all-down', () => {
  it.each([7, 8])('crash, aof, seed %i', async (seed) => {
    const lab = await up({ persistence: 'aof', seed });
    const broken = await lab.break({ scenario: 'all-down' });
    expect(lab.running()).toEqual([]);
    expect([broken.masters, broken.lastWriter, lastElected(lab)]).toEqual([['pv1'], 'pv1', 'pv1']);
    const ends = lab.record().flatMap((line) => (line.type === 'off' ? [line] : []));
    expect(ends.map((end) => end.how)).toEqual(['crash', 'crash', 'crash']);
    expect(new Set(ends.map((end) => end.at)).size).toBe(1);
    assertRecord(lab);
    expect((await lab.powerCycle()).master).toBe('pv1');
    expect(await lab.checkWrites()).toMatchObject({ missing: [], extra: [] });
  });
});

describe('a healthy lab', () => {
  it('shows every node at its own address, keeps its record, holds, and fails over', async () => {
    const lab = await up({ seed: 11 });
    expect(await lab.master()).toBe('pv1');
    expect(lab.running()).toHaveLength(8);
    const sentinel = lab.hosts[3]?.address ?? '';
    const replicas = JSON.stringify(await askOnce(sentinel, 26379, undefined, 'SENTINEL', 'REPLICAS', lab.group));
    const [, second, third] = lab.hosts.map((host) => host.address);
    expect([replicas.includes(`${second}:6379`), replicas.includes(`${third}:6379`)]).toEqual([true, true]);

    await lab.write({ count: 60 });
    expect(await lab.checkWrites()).toMatchObject({ missing: [], extra: [] });
    const master = lab.hosts[0]?.address ?? '';
    const lost = lab
      .record()
      .flatMap((line) => (line.type === 'write' && line.key.startsWith('w:') ? [line.key] : []))[0];
    await askOnce(master, 6379, lab.password, 'SET', 'never-sent', '1');
    await askOnce(master, 6379, lab.password, 'DEL', lost ?? '');
    const checked = await lab.checkWrites();
    expect(checked.extra).toEqual(['never-sent']);
    expect(checked.missing.map((line) => line.key)).toEqual([lost]);

    mkdirSync(join(lab.directory, 'pv3', 'state', 'hold'), { recursive: true });
    writeFileSync(join(lab.directory, 'pv3', 'state', 'hold', 'redis'), '');
    expect(await lab.powerCycle()).toMatchObject({ master: 'pv1', held: ['pv3/redis'] });
    expect(lab.running().filter((one) => one.kind === 'redis')).toHaveLength(2);

    const drill = await lab.failoverDrill(30_000);
    expect([drill.from, drill.to]).toEqual(['pv1', 'pv2']);
    expect(await lab.master()).toBe('pv2');

    const { claim } = lab.state();
    await lab.down();
    expect([lab.running(), claimHeld(claim), lab.state().up]).toEqual([[], false, false]);
  });

  it('works with the timings that Sentinel has by default', async () => {
    const lab = await up({ defaultTimings: true, persistence: 'both', redis: 2, sentinels: 3 });
    expect(confOf(lab, 'pv1', 'sentinel')).toContain('down-after-milliseconds stn-master 2000');
    expect(confOf(lab, 'pv1', 'redis')).not.toContain('repl-diskless-sync-delay');
    expect(lab.hosts.map((host) => host.runs.length)).toEqual([2, 2, 1]);
    expect((await lab.failoverDrill(60_000)).to).toBe('pv2');
  });

  it('refuses a second breaking, a full directory, and passwords that Sentinel cannot keep', async () => {
    const directory = scratchDirectory();
    writeFileSync(join(directory, 'other'), '');
    await expect(labUp({ directory })).rejects.toThrow('not a lab');
    await expect(labUp({ password: 'two words' })).rejects.toThrow('password');
    const lab = await up({ redis: 2, sentinels: 1, persistence: 'aof' });
    await expect(lab.break({ scenario: 'cascade' })).rejects.toThrow('3 running redis');
    await lab.break({ scenario: 'all-down' });
    await expect(lab.break({ scenario: 'all-down' })).rejects.toThrow('broken before');
    await expect(labUp({ directory: lab.directory })).rejects.toThrow('already, broken');
  });
});

describe('the clocks of the hosts', () => {
  it('stand minutes apart in logs and in file times once everything is off', async () => {
    const lab = await up({ seed: 12, persistence: 'aof' });
    await lab.break({ scenario: 'all-down' });
    for (const host of lab.hosts) {
      const log = join(host.directory, 'log', 'sentinel.log');
      const [, day, time] = /^\d+:X (\d+ \w+ \d+) ([\d:.]+) .*\n*$/m.exec(readFileSync(log, 'utf8').trimEnd()) ?? [];
      const aheadMs = Date.parse(`${day} ${time} UTC`) - Date.now();
      expect(Math.abs(aheadMs - host.clockMinutes * 60_000)).toBeLessThan(60_000);
      expect(Math.abs(statSync(log).mtimeMs - Date.now() - host.clockMinutes * 60_000)).toBeLessThan(60_000);
    }
    expect(new Set(lab.hosts.map((host) => host.clockMinutes)).size).toBeGreaterThan(1);
  });
});

describe('a saved lab', () => {
  it('comes back beside the one that it was saved from, on other addresses, with its data', async () => {
    const lab = await up({ persistence: 'aof', seed: 13 });
    const saved = join(scratchDirectory(), 'saved');
    expect(() => lab.save(saved)).toThrow('is running');
    await lab.break({ scenario: 'all-down' });
    lab.save(saved);
    expect(() => lab.save(saved)).toThrow('not empty');
    const twin = kept(await labLoad(saved, { ownerPid: process.pid }));
    expect(twin.state().claim.block).not.toBe(lab.state().claim.block);
    for (const host of twin.hosts) {
      const text = confOf(twin, host.name, 'sentinel') + readFileSync(twin.fleetFile, 'utf8');
      expect(text).not.toContain(lab.state().claim.block);
      expect(text).not.toContain(`${lab.directory}/`);
      const before = statSync(join(lab.directory, host.name, 'sentinel.conf')).mtimeMs;
      expect(Math.abs(statSync(join(host.directory, 'sentinel.conf')).mtimeMs - before)).toBeLessThan(2);
    }
    const [mine, its] = await Promise.all([lab.powerCycle(), twin.powerCycle()]);
    expect([mine.master, its.master]).toEqual(['pv1', 'pv1']);
    expect(await twin.checkWrites()).toMatchObject({ missing: [], extra: [] });
    expect(openLab(twin.directory).running()).toHaveLength(8);
  });
});

describe('processes', () => {
  it('end with their owner, and the directory that was made for them with them', async () => {
    const owner = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'], { stdio: 'ignore' });
    const lab = kept(await labUp({ ownerPid: owner.pid ?? 0, redis: 2, sentinels: 1 }));
    const { claim } = lab.state();
    owner.kill('SIGKILL');
    await until('the lab to end', 20_000, async () =>
      lab.running().length === 0 && !claimHeld(claim) && !existsSync(lab.directory)
        ? holds(undefined)
        : notYet(`${lab.running().length} running`),
    );
    expect(lab.running()).toEqual([]);
  });

  it('that nobody reaped count as gone', async () => {
    const parent = spawn('sh', ['-c', 'sleep 60 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
    try {
      const pid = await new Promise<number>((resolve) => parent.stdout.once('data', (text) => resolve(Number(text))));
      const comm = (of: number | undefined) => readFileSync(`/proc/${of}/comm`, 'utf8').trim();
      await until('a parent that reaps nobody', 5000, async () =>
        comm(parent.pid) === 'sleep' && comm(pid) === 'sleep' ? holds(undefined) : notYet(comm(parent.pid)),
      );
      expect(startedAt(pid)).toBeDefined();
      process.kill(pid, 'SIGKILL');
      await until('the child to be a zombie', 5000, async () =>
        / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8')) ? holds(undefined) : notYet('it runs'),
      );
      expect(() => process.kill(pid, 0)).not.toThrow();
      expect(startedAt(pid)).toBeUndefined();
    } finally {
      parent.kill('SIGKILL');
    }
  });
});

describe('the command', () => {
  it('breaks, shows, saves, loads, cycles, checks and ends a lab, and shows no password', async () => {
    const directory = scratchDirectory();
    const said: string[] = [];
    const run = (sub: string, args: readonly string[] = [], flags: Readonly<Record<string, unknown>> = {}) =>
      labCommand(sub, args, { dir: join(directory, 'lab'), ...flags }, (line) => said.push(line));
    try {
      const small = { redis: '2', sentinels: '1', persistence: 'aof', seed: '3' };
      expect(await run('break', ['all-down'], small)).toBe(0);
      expect(await run('save', [join(directory, 'kept')])).toBe(0);
      expect(await run('down', [], { remove: true })).toBe(0);
      expect(existsSync(join(directory, 'lab'))).toBe(false);
      expect(await run('load', [join(directory, 'kept')])).toBe(0);
      expect(await run('status')).toBe(0);
      expect(said).toContain('Master: none');
      expect(await run('cycle', [], { stop: 'crash', limit: '30' })).toBe(0);
      expect(await run('check')).toBe(0);
      const lab = openLab(join(directory, 'lab'));
      await askOnce(lab.hosts[0]?.address ?? '', 6379, lab.password, 'FLUSHALL');
      expect(await run('check')).toBe(1);
      expect(await run('check', [], { notExpected: ['pv1@2020-01-01T00:00:00Z'] })).toBe(0);
      expect(await run('drill')).toBe(0);
      expect(said.join('\n')).toContain('pv1 was killed; pv2 is master');
      expect(said.join('\n')).not.toContain(lab.password);
      await expect(run('break', ['flood'])).rejects.toThrow('There is no scenario "flood"');
      await expect(run('cycle', [], { limit: 'soon' })).rejects.toThrow('whole number');
    } finally {
      expect(await run('down')).toBe(0);
    }
  });
});
