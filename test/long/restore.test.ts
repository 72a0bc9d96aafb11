import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openResp } from '../../src/lab/resp.js';
import { labUp } from '../../src/lab/up.js';
import { type BackupBench, backupBench, placeOf } from '../live/backup-lab.js';
import { leftOn } from '../live/dead-fleet.js';
import {
  expectAllKept,
  expectHeldEverywhere,
  keptOf,
  restored,
  type TakenUnderLoad,
  takenUnderLoad,
} from '../live/restore-lab.js';

const everything = ['--set-aside', 'pv1,pv2,pv3', '--reason', 'a test', '--yes', '--plain'];

async function withBench(
  options: Parameters<typeof backupBench>[0],
  use: (bench: BackupBench) => Promise<void>,
): Promise<void> {
  const bench = await backupBench(options);
  try {
    await use(bench);
  } finally {
    await bench.end();
  }
}

/** After a restore the group is an ordinary one: the same data after a power cut, and a failover works. */
async function expectOrdinary(bench: BackupBench, taken: TakenUnderLoad): Promise<void> {
  await expectHeldEverywhere(bench, taken.expected);
  expect(leftOn(bench.lab)).toEqual([]);
  const { master } = await bench.lab.powerCycle({ stop: 'crash', limitMs: 60_000 });
  expect(master).toBe(taken.master);
  await expectHeldEverywhere(bench, taken.expected);
  expect((await bench.lab.failoverDrill(60_000)).elapsedMs).toBeLessThan(60_000);
}

describe('the data of a backup, key by key and with every time to live, in a running group that is written to', () => {
  test.each([
    ['rdb', 'rdb', 'master'],
    ['aof', 'aof', 'replica'],
    ['both', 'aof', 'master'],
  ] as const)('persistence %s, backup of kind %s, from the %s', async (persistence, kind, from) => {
    await withBench({ seed: 41, persistence }, async (bench) => {
      const taken = await takenUnderLoad(bench, kind, from);
      const output = await restored(bench, taken);
      expect(output.status, `${output.stdout}${output.stderr}`).toBe(0);
      expectAllKept(await keptOf(bench, taken.master, persistence !== 'rdb'), taken.writer);
      await expectOrdinary(bench, taken);
    });
  });
});

describe('a group that is dead', () => {
  test('with all of its disks: nothing is set aside, and nobody needs to name anything', async () => {
    await withBench({ seed: 42, persistence: 'both' }, async (bench) => {
      const taken = await takenUnderLoad(bench, 'rdb', 'replica');
      await taken.writer.stop();
      await killAll(bench);
      for (const { name } of bench.lab.hosts) await emptied(join(bench.lab.directory, name, 'data'));
      const output = await bench.backup(['restore', taken.id, '--yes', '--plain']);
      expect(output.status, `${output.stdout}${output.stderr}`).toBe(0);
      expect(output.stdout).toContain('the group holds no data');
      await expectOrdinary(bench, { ...taken, master: (await bench.lab.master()) ?? '' });
    });
  });

  test('with its data: the node that has it is named, and its files are kept', async () => {
    await withBench({ seed: 43, persistence: 'rdb' }, async (bench) => {
      const taken = await takenUnderLoad(bench, 'rdb', 'replica');
      await taken.writer.stop();
      await killAll(bench);
      const refused = await bench.backup(['restore', taken.id, '--yes']);
      expect(refused.status, refused.stderr).toBe(3);
      expect(refused.stderr).toMatch(/--set-aside pv\d/);
      const output = await bench.backup(['restore', taken.id, ...everything]);
      expect(output.status, `${output.stdout}${output.stderr}`).toBe(0);
      await expectHeldEverywhere(bench, taken.expected);
    });
  });
});

test('into another fleet, whose group has another name, and whose data is named', async () => {
  await withBench({ seed: 44, persistence: 'rdb' }, async (bench) => {
    const taken = await takenUnderLoad(bench, 'rdb', 'replica');
    const other = await labUp({ seed: 45, persistence: 'aof', group: 'other', ownerPid: process.pid });
    try {
      await other.write({ count: 50 });
      const target = (await other.master()) ?? '';
      const args = ['restore', taken.id, '--into', other.fleetFile, '--yes', '--plain'];
      const refused = await bench.backup(args);
      expect(refused.status, refused.stderr).toBe(3);
      const output = await bench.backup([...args, '--set-aside', target, '--reason', 'a copy for a test']);
      expect(output.status, `${output.stdout}${output.stderr}`).toBe(0);
      await expectHeldEverywhere({ ...bench, lab: other }, taken.expected);
      // The group that it came from was not touched: its writer still writes.
      const before = taken.writer.count();
      await expect.poll(() => taken.writer.count(), { timeout: 10_000 }).toBeGreaterThan(before);
      await taken.writer.stop();
    } finally {
      await other.down({ remove: true });
    }
  });
});

test('keys whose time to live ended since the backup are gone, and counted', async () => {
  await withBench({ seed: 46, persistence: 'aof' }, async (bench) => {
    const master = (await bench.lab.master()) ?? '';
    const { address, port } = placeOf(bench.lab, master);
    const client = await openResp(address, port, bench.lab.password);
    await client.pipeline([
      ['SET', 'stays', '1'],
      ['SET', 'stays-long', '1', 'EX', '10000'],
      ['SET', 'goes', '1', 'PX', '6000'],
      ['SET', 'goes-too', '1', 'PX', '6001'],
    ]);
    const made = await bench.backup(['create', '--json']);
    expect(made.status, made.stderr).toBe(0);
    const { id } = (JSON.parse(made.stdout) as { backups: readonly { id: string }[] }).backups[0] ?? { id: '' };
    await expect.poll(() => client.ask('EXISTS', 'goes', 'goes-too').then(Number), { timeout: 15_000 }).toBe(0);
    client.close();
    const output = await bench.backup(['restore', id, ...everything]);
    expect(output.status, `${output.stdout}${output.stderr}`).toBe(0);
    expect(output.stdout.replace(/\s+/g, ' ')).toMatch(/2 keys; 2 of the backup's 4 have ended since/);
  });
});

async function killAll(bench: BackupBench): Promise<void> {
  for (const { name, runs } of bench.lab.hosts) for (const kind of runs) await bench.lab.kill(name, kind, 'SIGKILL');
}

async function emptied(directory: string): Promise<void> {
  for (const name of await readdir(directory)) await rm(join(directory, name), { recursive: true });
}
