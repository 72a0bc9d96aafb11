import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openLocalHost } from '../../src/hosts/local.js';
import { openReplication } from '../../src/hosts/replication.js';
import { loadInventory } from '../../src/inventory/load.js';
import { openResp, type RespClient } from '../../src/lab/resp.js';
import { Secret } from '../../src/model/secret.js';
import { createRdbReader } from '../../src/redis/rdb.js';
import { type BackupBench, backupBench, backupsIn, heldOn, loadedFrom, manifestIn, placeOf } from './backup-lab.js';
import { MARK, type SteadyWriter, startWriter } from './backup-writer.js';
import { waitFor } from './own-redis.js';

let bench: BackupBench;
let writer: SteadyWriter;
let master: string;
let node: string;
let client: RespClient;

beforeAll(async () => {
  bench = await backupBench({ seed: 61, persistence: 'rdb' });
  await bench.lab.write({ count: 800, lowBytes: 800, highBytes: 1600, hotShare: 0 });
  master = (await bench.lab.master()) ?? '';
  node = bench.lab.hosts.find(({ name, runs }) => runs.includes('redis') && name !== master)?.name ?? '';
  client = await open(node);
  await client.ask('CONFIG', 'SET', 'save', '');
  const { address, port } = placeOf(bench.lab, master);
  writer = await startWriter(address, port, bench.lab.password);
  await waitFor('the first writes', () => (writer.count() > 200 ? true : undefined));
});
afterAll(async () => {
  await writer.stop();
  client.close();
  await bench.end();
});

function open(host: string): Promise<RespClient> {
  const { address, port } = placeOf(bench.lab, host);
  return openResp(address, port, bench.lab.password);
}

/** Every name below the node's data directory, itself too, with what would tell that anything was made, written or removed. */
async function diskOf(host: string): Promise<readonly string[]> {
  const root = join(bench.lab.directory, host, 'data');
  const names = ['', ...(await readdir(root, { recursive: true }))].sort();
  return Promise.all(
    names.map(async (name) => {
      const { ino, size, mtimeNs, ctimeNs } = await stat(join(root, name), { bigint: true });
      return `${name} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;
    }),
  );
}

async function fieldOf(from: RespClient, section: string, field: string): Promise<string | undefined> {
  return new RegExp(`^${field}:(.*)\\r`, 'm').exec(String(await from.ask('INFO', section)))?.[1];
}

const subReplicas = () => fieldOf(client, 'replication', 'connected_slaves');

const newest = async () => (await backupsIn(bench)).findLast(({ complete }) => complete)?.path ?? '';

describe('a backup that is streamed from a replica', () => {
  test('is, key by key, what the source held at its offset, and nothing of the disk is touched', async () => {
    const before = await diskOf(node);
    const lineage = await fieldOf(client, 'replication', 'master_replid');
    const begun = writer.count();
    const output = await bench.backup(['create', node, '--engine', 'stream']);
    expect(output.status, `${output.stdout}${output.stderr}`).toBe(0);
    expect(await diskOf(node)).toEqual(before);
    await waitFor('the end of our part as a replica', async () => (await subReplicas()) === '0' || undefined);
    expect(await fieldOf(client, 'replication', 'master_replid')).toBe(lineage);

    const path = await newest();
    const manifest = await manifestIn(path);
    expect(manifest).toMatchObject({
      engine: 'replica-stream',
      source: { node, role: 'replica', replicationId: lineage },
      keyspace: { from: 'data' },
    });
    const loaded = await loadedFrom(path);
    const mark = Number(loaded.get(MARK)?.value);
    expect(mark).toBeGreaterThanOrEqual(begun - 1);
    expect([...loaded].sort()).toEqual([...writer.after(mark)].sort());
    const offset = BigInt(manifest.source.offset ?? -1);
    expect(offset).toBeGreaterThan(writer.offsetBefore(mark) ?? 0n);
    expect(offset).toBeLessThanOrEqual(await waitFor('the write after it', () => writer.offsetBefore(mark + 1)));
    const drill = await bench.backup(['drill', manifest.id]);
    expect(drill.status, drill.stderr).toBe(0);
    expect((await bench.backup(['verify', manifest.id])).status).toBe(0);
  });

  test('is not listed when the connection is cut in the middle, and the next one begins again', async () => {
    const complete = (await backupsIn(bench)).filter((each) => each.complete).length;
    const running = bench.backup(['create', node, '--engine', 'stream', '--limit-rate', '200k']);
    const id = await waitFor('our connection', async () => {
      const rows = String(await client.ask('CLIENT', 'LIST', 'TYPE', 'replica')).trim();
      return /^id=(\d+)/.exec(rows)?.[1];
    });
    await waitFor('data on its way', async () => {
      const partial = (await backupsIn(bench)).find((each) => !each.complete);
      const names = partial === undefined ? [] : await readdir(join(partial.path, 'data')).catch(() => []);
      return names.length > 0 || undefined;
    });
    await client.ask('CLIENT', 'KILL', 'ID', id);
    const output = await running;
    expect(output.status, output.stderr).toBe(1);
    expect(output.stderr).toMatch(/was not made: the connection to .* broke after \d+ bytes of its data/);
    expect(await backupsIn(bench)).toHaveLength(complete);
    expect(await heldOn(bench.lab, node)).toEqual([]);
    const next = await bench.backup(['create', node, '--engine', 'stream']);
    expect(next.status, next.stderr).toBe(0);
  });

  test('keeps no writes on the source while it is read slowly', async () => {
    const running = bench.backup(['create', node, '--engine', 'stream', '--limit-rate', '400k']);
    const row = await waitFor('our connection', async () => {
      const rows = String(await client.ask('CLIENT', 'LIST', 'TYPE', 'replica')).trim();
      return rows === '' ? undefined : rows;
    });
    const [from, until] = [writer.count(), writer.count() + 300];
    await waitFor('many writes', () => writer.count() > until || undefined);
    expect(writer.count()).toBeGreaterThan(from);
    const now = String(await client.ask('CLIENT', 'LIST', 'ID', /^id=(\d+)/.exec(row)?.[1] ?? ''));
    expect(now).toContain('oll=0');
    expect((await running).status).toBe(0);
  });
});

describe('it is refused', () => {
  test('by name from a master that sentinels look at, whose history and replicas stay as they were', async () => {
    const leader = await open(master);
    const lineage = await fieldOf(leader, 'replication', 'master_replid');
    const output = await bench.backup(['create', master, '--engine', 'stream']);
    expect(output.status).not.toBe(0);
    expect(output.stderr).toContain('it is a master');
    expect(await fieldOf(leader, 'replication', 'master_replid')).toBe(lineage);
    leader.close();
  });

  test('where the node would write a file for it, and with append-only files', async () => {
    await client.ask('CONFIG', 'SET', 'repl-diskless-sync', 'no');
    const before = await diskOf(node);
    const output = await bench.backup(['create', node, '--engine', 'stream']);
    expect(output.status).not.toBe(0);
    expect(output.stderr).toContain('it would write a file for it (repl-diskless-sync no)');
    expect(await diskOf(node)).toEqual(before);
    expect((await bench.backup(['create', node, '--engine', 'stream', '--kind', 'aof'])).status).toBe(2);
  });
});

describe('the client', () => {
  test.each(['yes', 'no'])(
    'takes the data with repl-diskless-sync %s, at the offset that it was promised',
    async (diskless) => {
      await client.ask('CONFIG', 'SET', 'repl-diskless-sync', diskless);
      const inventory = await loadInventory(bench.lab.fleetFile);
      const entry = inventory.hosts.find(({ name }) => name === node);
      if (entry === undefined) throw new Error('no such host');
      const { address, port } = placeOf(bench.lab, node);
      const credentials = { password: new Secret(bench.lab.password) };
      const { signal } = new AbortController();
      const opened = await openReplication(
        openLocalHost(entry),
        { address, port, node, credentials },
        { timeoutMs: 5000 },
        signal,
      );
      if (!opened.ok) throw new Error(opened.detail);
      const sync = await opened.value.fullSync({ startLimitMs: 15_000, silenceLimitMs: 15_000 });
      expect(sync.form.by).toBe(diskless === 'yes' ? 'mark' : 'length');
      const reader = createRdbReader();
      for await (const chunk of sync.payload) reader.feed(chunk);
      expect(reader.end()).toMatchObject({
        complete: true,
        checksum: 'right',
        replid: sync.replicationId,
        offset: sync.offset,
      });
      await waitFor('the end of our part as a replica', async () => (await subReplicas()) === '0' || undefined);
    },
  );
});
