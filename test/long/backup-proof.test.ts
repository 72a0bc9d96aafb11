import { closeSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { configOf } from '../../src/lab/layout.js';
import { openResp } from '../../src/lab/resp.js';
import { type BackupBench, backupBench, backupsIn, heldOn, placeOf } from '../live/backup-lab.js';
import { startBackup } from '../live/backup-started.js';
import { waitFor } from '../live/own-redis.js';

let bench: BackupBench;
let node: string;

beforeAll(async () => {
  bench = await backupBench({ seed: 37, persistence: 'rdb' });
  await bench.lab.write({ count: 900, lowBytes: 900, highBytes: 1600, hotShare: 0 });
  const master = await bench.lab.master();
  node = bench.lab.hosts.find(({ name, runs }) => runs.includes('redis') && name !== master)?.name ?? '';
});
afterAll(() => bench.end());

const SLOW = ['--limit-rate', '400k'];
const FIRST_BYTES = 200_000;

/** Saves that the node has made since it was started. */
async function saves(): Promise<number> {
  const { address, port } = placeOf(bench.lab, node);
  const client = await openResp(address, port, bench.lab.password);
  const said = /rdb_saves:(\d+)/.exec(String(await client.ask('INFO', 'persistence')))?.[1];
  client.close();
  return Number(said);
}

/** The path of what is held on the node's host, once a part of it has arrived. */
async function underWay(): Promise<string> {
  return waitFor('a part of the snapshot', async () => {
    const partial = (await backupsIn(bench)).find(({ complete }) => !complete);
    const data = join(partial?.path ?? '', 'data');
    const names = partial === undefined ? [] : await readdir(data).catch(() => []);
    const sizes = await Promise.all(
      names.map(async (name) => (await stat(join(data, name)).catch(() => undefined))?.size),
    );
    if (!sizes.some((size) => (size ?? 0) > FIRST_BYTES)) return undefined;
    const [directory = ''] = await heldOn(bench.lab, node);
    const held = join(bench.lab.directory, node, 'data', directory);
    const [name = ''] = await readdir(held);
    return join(held, name);
  });
}

/** Another byte at this place (from the end when negative), as a failing disk gives it. */
function flip(path: string, at: number): void {
  const file = openSync(path, 'r+');
  const byte = Buffer.alloc(1);
  const position = at < 0 ? readFileSync(path).length + at : at;
  readSync(file, byte, 0, 1, position);
  writeSync(file, Buffer.of((byte[0] ?? 0) ^ 1), 0, 1, position);
  closeSync(file);
}

/** However the lines are broken. */
function words(text: string): string {
  return text.replace(/\s+/g, ' ');
}

async function complete(): Promise<number> {
  return (await backupsIn(bench)).filter((each) => each.complete).length;
}

async function nothingLeft(): Promise<void> {
  expect((await backupsIn(bench)).filter((each) => !each.complete)).toEqual([]);
  expect(await heldOn(bench.lab, node)).toEqual([]);
}

describe('a snapshot', () => {
  test('that was cut off on its way is gone on with: the node saves only once', async () => {
    const before = await saves();
    const run = startBackup(bench, ['create', node, ...SLOW]);
    await underWay();
    run.kill();
    await run.ended;
    const next = await bench.backup(['create', node]);
    expect(next.status, next.stderr).toBe(0);
    expect(next.stderr).toContain('going on with');
    expect(await saves()).toBe(before + 1);
    const made = (await backupsIn(bench)).at(-1)?.name ?? '';
    expect((await bench.backup(['drill', made.slice(-4)])).status).toBe(0);
    await nothingLeft();
  });

  test('of which a byte was changed while it was cut off is not used', async () => {
    const before = await complete();
    const run = startBackup(bench, ['create', node, ...SLOW]);
    const held = await underWay();
    run.kill();
    await run.ended;
    flip(held, -20);
    const next = await bench.backup(['create', node]);
    expect(next.status, next.stderr).toBe(8);
    expect(words(next.stderr)).toContain('its checksum is wrong');
    expect(await complete()).toBe(before);
    await nothingLeft();
  });

  test('of which a byte changes before it is sent is not used', async () => {
    const before = await complete();
    const run = startBackup(bench, ['create', node, ...SLOW]);
    flip(await underWay(), -20);
    const ended = await run.ended;
    expect(ended.status, ended.said).toBe(8);
    expect(words(ended.said)).toContain('its checksum is wrong');
    expect(await complete()).toBe(before);
    await nothingLeft();
  });
});

describe('a snapshot without a checksum (rdbchecksum no)', () => {
  beforeAll(async () => {
    const host = bench.lab.hosts.find(({ name }) => name === node);
    if (host === undefined) throw new Error(`no host ${node}`);
    const config = configOf(host, 'redis');
    await bench.lab.kill(node, 'redis', 'SIGKILL');
    await writeFile(config, readFileSync(config, 'utf8').replace('rdbchecksum yes', 'rdbchecksum no'));
    await bench.lab.start(node, 'redis');
    await waitFor('the link', async () => {
      const { address, port } = placeOf(bench.lab, node);
      const client = await openResp(address, port, bench.lab.password).catch(() => undefined);
      const info = String(await client?.ask('INFO', 'replication').catch(() => ''));
      client?.close();
      return info.includes('master_link_status:up') || undefined;
    });
  });

  test('is counted by its host, and a backup', async () => {
    const made = await bench.backup(['create', node]);
    expect(made.status, made.stderr).toBe(0);
    expect((await bench.backup(['drill', ((await backupsIn(bench)).at(-1)?.name ?? '').slice(-4)])).status).toBe(0);
  });

  test('that its host counts otherwise than it arrived is not used', async () => {
    const before = await complete();
    const run = startBackup(bench, ['create', node, ...SLOW]);
    flip(await underWay(), 100_000);
    const ended = await run.ended;
    expect(ended.status, ended.said).toBe(5);
    expect(words(ended.said)).toContain('arrived otherwise than its host counted it');
    expect(await complete()).toBe(before);
    await nothingLeft();
  });
});
