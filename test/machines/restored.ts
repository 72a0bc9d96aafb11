import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { MARK, type SteadyWriter, writeSteadily } from '../live/backup-writer.js';
import { waitFor } from '../live/own-redis.js';
import { openNode } from './client.js';
import { machineOf } from './fleet.js';
import { kinds } from './kinds.js';
import type { Output } from './run.js';
import type { Machines } from './shapes.js';

/** Key -> value and the moment of its end, milliseconds; -1 for none. */
type Held = ReadonlyMap<string, { readonly value: string; readonly endsAt: number }>;

const names = ['pv1', 'pv2', 'pv3', 'pvha1', 'pvha2'] as const;
const RESTORE_LIMIT_MS = 240_000;
/** Between the answer to PTTL and our own clock. */
const TOLERANCE_MS = 2000;

/** The operator of booted machines, with a repository and a signing key of his own. */
function operatorOf(machines: Machines) {
  const home = mkdtempSync(join(machines.directory, 'operator-'));
  const repository = join(home, 'repository');
  return {
    repository,
    backup: (...args: readonly string[]): Promise<Output> =>
      machines.runbook(['backup', ...args, '--repository', repository], {
        login: 'ops',
        env: { XDG_CONFIG_HOME: join(home, 'config') },
        timeoutMs: RESTORE_LIMIT_MS,
      }),
  };
}

/**
 * Backup and restore under a steady write load, on machines of the distribution: the group holds exactly what the source
 * held at the snapshot, on every node, also after all lost their power; then a failover works. Each kind of backup in turn.
 */
export async function roundTrip(machines: Machines, backupKinds: readonly ('rdb' | 'aof')[]): Promise<void> {
  const operator = operatorOf(machines);
  let expected: Held = new Map();
  for (const kind of backupKinds) {
    const master = await machines.untilSettled();
    const writer = await writerAt(machines, master);
    await waitFor('the first writes', () => (writer.count() > 100 ? true : undefined));
    const begun = writer.count();
    const made = await operator.backup('create', '--kind', kind);
    expect(made.status, made.stderr).toBe(0);
    const ended = writer.count();
    await waitFor('later writes', () => (writer.count() > ended + 50 ? true : undefined));

    const { id, offset } = newest(operator.repository, machines);
    const refused = await operator.backup('restore', id, '--yes');
    expect(refused.status, `${refused.stdout}${refused.stderr}${crashOf(machines)}`).toBe(3);
    const words = ['--yes', '--set-aside', master, '--reason', 'a test', '--plain'];
    const output = await operator.backup('restore', id, ...words);
    await writer.stop().catch(() => undefined);
    expect(output.status, `${output.stdout}${output.stderr}`).toBe(0);
    expect(output.stdout).toMatch(/as in\s+the backup|nothing could\s+count/);

    expect(await machines.untilSettled()).toBe(master);
    const mark = Number((await heldOn(machines, master)).get(MARK)?.value);
    expect(mark).toBeGreaterThanOrEqual(begun - 1);
    expect(mark).toBeLessThanOrEqual(ended + 1);
    if (kind === 'rdb') expect(offset).toBeGreaterThan(writer.offsetBefore(mark) ?? 0n);
    expect(offset).toBeLessThanOrEqual(writer.offsetBefore(mark + 1) ?? 0n);
    expected = writer.after(mark);
    await expectEverywhere(machines, expected);
    await expectOwned(machines, master);
  }
  await machines.powerCut(names);
  await machines.boot(names);
  const master = await machines.untilSettled();
  await expectEverywhere(machines, expected);
  await machines.powerCut([master]);
  expect(await machines.untilSettled(master)).not.toBe(master);
}

function isOld(machines: Machines, name: string): boolean {
  return kinds[machineOf(machines.fleet, name).kind].series === '6.0';
}

async function writerAt(machines: Machines, name: string): Promise<SteadyWriter> {
  const client = await openNode(machines.fleet, machineOf(machines.fleet, name), 'redis');
  return writeSteadily(client, isOld(machines, name));
}

function newest(repository: string, machines: Machines): { readonly id: string; readonly offset: bigint } {
  const directory = join(repository, 'machines', machines.group);
  const name =
    readdirSync(directory)
      .filter((each) => /^\d{8}T.*[0-9A-Z]{4}$/.test(each))
      .sort()
      .at(-1) ?? '';
  const text = readFileSync(join(directory, name, 'manifest.json'), 'utf8');
  const { id, source } = JSON.parse(text) as { readonly id: string; readonly source: { readonly offset: string } };
  return { id, offset: BigInt(source.offset) };
}

async function expectEverywhere(machines: Machines, expected: Held): Promise<void> {
  await machines.untilCaughtUp();
  for (const name of ['pv1', 'pv2', 'pv3']) {
    const held = await heldOn(machines, name);
    const values = (of: Held) => [...of].map(([key, { value }]) => [key, value]).sort();
    expect(values(held), name).toEqual(values(expected));
    const late = [...expected].filter(([key, { endsAt }]) => {
      const is = held.get(key)?.endsAt ?? 0;
      return isOld(machines, name) && endsAt > 0 ? Math.abs(is - endsAt) > TOLERANCE_MS : is !== endsAt;
    });
    expect(late, name).toEqual([]);
  }
}

async function heldOn(machines: Machines, name: string): Promise<Held> {
  const client = await openNode(machines.fleet, machineOf(machines.fleet, name), 'redis');
  try {
    const keys = await client.ask('KEYS', '*');
    if (!Array.isArray(keys)) throw new Error('KEYS gave no list');
    const held = new Map<string, { value: string; endsAt: number }>();
    for (const key of keys.map(String)) {
      if (key !== MARK && !key.startsWith('k:')) continue;
      const value = String(await client.ask('GET', key));
      const left = isOld(machines, name) ? Number(await client.ask('PTTL', key)) : undefined;
      const endsAt =
        left === undefined ? Number(await client.ask('PEXPIRETIME', key)) : left < 0 ? -1 : Date.now() + left;
      held.set(key, { value, endsAt });
    }
    return held;
  } finally {
    client.close();
  }
}

/** Everything in the data directory belongs to the server's user, what was put there too. */
async function expectOwned(machines: Machines, name: string): Promise<void> {
  const { family } = kinds[machineOf(machines.fleet, name).kind];
  const foreign = await machines.asRoot(name, `find /var/lib/${family} ! -user ${family}`);
  expect(foreign.stdout).toBe('');
}

/** What the tool wrote down of a mistake of its own; the fleet's directory goes with the test. */
function crashOf(machines: Machines): string {
  const directory = join(machines.directory, 'operator', 'state', 'redis-runbook', 'crashes');
  const names = existsSync(directory) ? readdirSync(directory) : [];
  return names.map((name) => readFileSync(join(directory, name), 'utf8')).join('\n');
}
