import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { ownLab } from '../live/own-lab.js';
import { rawCommand } from '../live/own-redis.js';
import { inTerminal } from '../live/terminal.js';

const lab = ownLab();

interface Written {
  readonly type: string;
  readonly node: string;
  readonly key: string;
  readonly sha256: string;
  readonly acknowledged: boolean;
}

/** The last acknowledged write of each key on a node, by the record of the lab. */
function lastOn(node: string): ReadonlyMap<string, string> {
  const lines = readFileSync(lab.path('writes.jsonl'), 'utf8').trim().split('\n');
  const writes = lines.map((line) => JSON.parse(line) as Written).filter((line) => line.type === 'write');
  return new Map(writes.filter((one) => one.node === node && one.acknowledged).map(({ key, sha256 }) => [key, sha256]));
}

it('what only the set-aside side of a split took comes back from its kept files, and nothing else is touched', async () => {
  const tool = (...argv: string[]) => lab.run(...argv, '--fleet', lab.path('fleet.yaml'));
  const broken = lab.run('lab', 'break', 'split-brain', '--dir', lab.path('.'));
  const [, old = '', next = ''] = /(pv\d) cut off; the sentinels elected (pv\d)/.exec(broken.stdout) ?? [];
  expect([broken.status, old, next].join(' '), broken.stdout).toMatch(/^0 pv\d pv\d$/);
  const recovered = tool('recover', '--yes', '--promote', next, '--set-aside', old, '--reason', 'it was cut off');
  expect(recovered.status, recovered.stdout + recovered.stderr).toBe(0);
  const run = /redis-runbook salvage collect ([0-9A-Z]{4})/.exec(recovered.stdout)?.[1] ?? '';
  expect(run).not.toBe('');

  const address = lab.word(next, 'bind');
  const password = lab.word(next, 'requirepass');
  const hashAt = async (key: string) => {
    const answers = await rawCommand(address, 6379, ['AUTH', password], ['GET', key]);
    const value = /^\+OK\r\n\$(?:-1|\d+)\r\n([\s\S]*?)(?:\r\n)?\+OK\r\n$/.exec(answers)?.[1] ?? '';
    return createHash('sha256').update(value, 'latin1').digest('hex');
  };
  const [onOld, onNext] = [lastOn(old), lastOn(next)];
  const before = await shared(onOld, onNext, hashAt);
  // Keys that are written once; the others both sides have, with one value or two.
  const once = [...onOld.keys()].filter((key) => key.startsWith('w:'));

  const early = tool('clean', run, '--apply');
  expect([early.status, early.stderr]).toEqual([3, expect.stringMatching(/redis-runbook salvage collect /)]);
  const collected = tool('salvage', 'collect', run, '--yes');
  expect(collected.status, collected.stderr).toBe(10);
  expect(collected.stdout).toContain(`that only ${old} has are set aside`);
  await askedWithoutLock(run);
  const applied = await applyBesideAnother(run);
  const [bundle] = (JSON.parse(applied) as { bundles: { restored: string; there: string }[] }).bundles;
  expect(Number(bundle?.restored)).toBeGreaterThan(0);
  expect(bundle?.there).toBe('0');

  expect(once.length).toBeGreaterThan(0);
  for (const key of once) expect(await hashAt(key), key).toBe(onOld.get(key));
  for (const [key, hash] of onNext) expect(await hashAt(key), key).toBe(hash);
  expect(await shared(onOld, onNext, hashAt)).toEqual(before);
  expect(locks()).toEqual([]);
  const cleaned = tool('clean', run, '--apply');
  expect(cleaned.status, cleaned.stdout + cleaned.stderr).toBe(0);
});

async function shared(
  one: ReadonlyMap<string, string>,
  other: ReadonlyMap<string, string>,
  hashAt: (key: string) => Promise<string>,
): Promise<readonly string[]> {
  return Promise.all([...one.keys()].filter((key) => other.has(key)).map(hashAt));
}

function locks(): readonly string[] {
  const files = readdirSync(lab.path('.'), { recursive: true, encoding: 'utf8' });
  return files.filter((file) => file.endsWith('/lock.json'));
}

/** Looks as often as it can: it holds its locks for a moment only. Rejects when it ends before they were seen, or after a minute. */
async function lockedEverywhere(apply: ChildProcess): Promise<void> {
  const paths = ['pv1', 'pv2', 'pv3'].map((name) => lab.path(`${name}/state/lock.json`));
  for (const until = Date.now() + 60_000; Date.now() < until && apply.exitCode === null; await sleep(2))
    if (paths.every((path) => existsSync(path))) return;
  throw new Error('its lock was not seen on every host');
}

/** Who is asked, and thinks, holds up nobody. */
async function askedWithoutLock(run: string): Promise<void> {
  const home = lab.path('..');
  // Where a program in a terminal looks for the runs of this operator.
  symlinkSync('.', join(home, 'operator'));
  const asked = inTerminal({ directory: home, fleetFile: lab.path('fleet.yaml') }, ['salvage', 'apply', run]);
  await asked.sees('Put the keys that only');
  expect(locks()).toEqual([]);
  asked.type('q\r');
  expect(await asked.ended(), asked.screen()).toBe(7);
}

/** What an apply says that is stopped in the middle: meanwhile a second one, and a recovery, are refused. */
async function applyBesideAnother(run: string): Promise<string> {
  const first = lab.spawn('salvage', 'apply', run, '--yes', '--json', '--fleet', lab.path('fleet.yaml'));
  let said = '';
  first.stdout?.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const ended = once(first, 'exit');
  await lockedEverywhere(first);
  first.kill('SIGSTOP');
  for (const argv of [['salvage', 'apply', run], ['recover']]) {
    const second = lab.run(...argv, '--yes', '--fleet', lab.path('fleet.yaml'));
    expect([second.status, second.stderr]).toEqual([6, expect.stringContaining(`putting back what run ${run}`)]);
  }
  first.kill('SIGCONT');
  await ended;
  return said;
}
