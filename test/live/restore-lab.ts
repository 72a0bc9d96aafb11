import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { openResp } from '../../src/lab/resp.js';
import { type BackupBench, backupsIn, loadedData, loadedFrom, placeOf } from './backup-lab.js';
import { type Held, heldBy, MARK, type SteadyWriter, startWriter } from './backup-writer.js';
import { waitFor } from './own-redis.js';
import type { Output } from './recovery.js';

/** A backup that was taken while the writer went on, and what exactly it holds. */
export interface TakenUnderLoad {
  readonly id: string;
  readonly path: string;
  readonly writer: SteadyWriter;
  readonly master: string;
  /** By the writer's own record, up to the transaction that was the last one at the snapshot. */
  readonly expected: Held;
}

/** Writes without a rest, takes a backup of a node in the middle, and goes on writing. */
export async function takenUnderLoad(
  bench: BackupBench,
  kind: 'rdb' | 'aof',
  from: 'master' | 'replica',
  more: readonly string[] = [],
): Promise<TakenUnderLoad> {
  const { lab } = bench;
  const master = (await lab.master()) ?? '';
  const replica = lab.hosts.find(({ name, runs }) => runs.includes('redis') && name !== master)?.name ?? '';
  const { address, port } = placeOf(lab, master);
  const writer = await startWriter(address, port, lab.password);
  await waitFor('the first writes', () => (writer.count() > 100 ? true : undefined));
  const made = await bench.backup(['create', from === 'master' ? master : replica, '--kind', kind, ...more]);
  expect(made.status, made.stderr).toBe(0);
  const path = (await backupsIn(bench)).findLast(({ complete }) => complete)?.path ?? '';
  const mark = Number((await loadedFrom(path)).get(MARK)?.value);
  await waitFor('later writes', () => (writer.count() > mark + 100 ? true : undefined));
  return { id: path.slice(-4), path, writer, master, expected: writer.after(mark) };
}

/** Restores it while the writer still writes; the writer ends when its master stops. */
export async function restored(
  bench: BackupBench,
  { id, writer, master }: Pick<TakenUnderLoad, 'id' | 'writer' | 'master'>,
  more: readonly string[] = [],
): Promise<Output> {
  const args = ['restore', id, '--yes', '--set-aside', master, '--reason', 'a test', '--plain', ...more];
  const output = await bench.backup(args);
  await writer.stop().catch(() => undefined);
  return output;
}

/** What a host's redis holds of the writer's keys. */
async function heldOnNode(bench: BackupBench, host: string): Promise<Held> {
  const { address, port } = placeOf(bench.lab, host);
  const client = await openResp(address, port, bench.lab.password);
  try {
    return await heldBy(client);
  } finally {
    client.close();
  }
}

/** What the newest run kept of a node after it was stopped, loaded by a plain server. */
export async function keptOf(bench: BackupBench, host: string, isAof: boolean): Promise<Held> {
  const data = join(bench.lab.directory, host, 'data');
  const [run = ''] = (await readdir(data)).filter((name) => /^\.redis-runbook-[0-9A-Z]{4}$/.test(name));
  return loadedData(join(data, run, 'after-stop'), isAof);
}

/** Every acknowledged write is in what was kept; the one that was under way may be. */
export function expectAllKept(kept: Held, writer: SteadyWriter): void {
  const mark = Number(kept.get(MARK)?.value);
  expect(mark).toBeGreaterThanOrEqual(writer.count());
  expect(mark).toBeLessThanOrEqual(writer.count() + 1);
  if (mark === writer.count()) expect([...kept].sort()).toEqual([...writer.after(mark)].sort());
}

/** Master and every replica hold exactly this. */
export async function expectHeldEverywhere(bench: BackupBench, expected: Held): Promise<void> {
  for (const { name, runs } of bench.lab.hosts) {
    if (!runs.includes('redis')) continue;
    expect([...(await heldOnNode(bench, name))].sort(), name).toEqual([...expected].sort());
  }
}
