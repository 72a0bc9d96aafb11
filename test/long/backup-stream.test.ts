import { readdir, rename, stat, truncate, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exitStatus } from '../../src/errors.js';
import { openLocalHost } from '../../src/hosts/local.js';
import { openReplication, type ReplicationLink } from '../../src/hosts/replication.js';
import { loadInventory } from '../../src/inventory/load.js';
import { sentinelPort } from '../../src/lab/layout.js';
import { openResp, type RespClient } from '../../src/lab/resp.js';
import { Secret } from '../../src/model/secret.js';
import { createRdbReader } from '../../src/redis/rdb.js';
import {
  type BackupBench,
  backupBench,
  backupsIn,
  heldOn,
  loadedFrom,
  manifestIn,
  placeOf,
} from '../live/backup-lab.js';
import { MARK, type SteadyWriter, startWriter } from '../live/backup-writer.js';
import { kill, OwnRedis, waitFor } from '../live/own-redis.js';
import { type Output, runbook } from '../live/recovery.js';

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

/** A backup whose data is on its way for some seconds, and which client of the node it is. */
async function underWay(): Promise<{ readonly running: Promise<Output>; readonly id: string }> {
  await client.ask('CONFIG', 'SET', 'rdb-key-save-delay', '2500');
  const running = bench.backup(['create', node, '--engine', 'stream']);
  const id = await waitFor('our connection', async () => {
    const rows = String(await client.ask('CLIENT', 'LIST', 'TYPE', 'replica')).trim();
    return /^id=(\d+)/.exec(rows)?.[1];
  });
  await waitFor('data on its way', async () => {
    const partial = (await backupsIn(bench)).find((each) => !each.complete);
    const names = partial === undefined ? [] : await readdir(join(partial.path, 'data')).catch(() => []);
    return names.length > 0 || undefined;
  });
  const atOnce = () => client.ask('CONFIG', 'SET', 'rdb-key-save-delay', '0');
  return { running: running.finally(atOnce), id };
}

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
    const { running, id } = await underWay();
    await client.ask('CLIENT', 'KILL', 'ID', id);
    const output = await running;
    expect(output.status, output.stderr).toBe(exitStatus.incomplete);
    expect(output.stderr.replaceAll(/\s+/g, ' ')).toMatch(/the connection to \S+ broke after \d+ bytes of its data/);
    expect(await backupsIn(bench)).toHaveLength(complete);
    expect(await heldOn(bench.lab, node)).toEqual([]);
    const next = await bench.backup(['create', node, '--engine', 'stream']);
    expect(next.status, next.stderr).toBe(0);
  });

  test('keeps no writes on the source while it is read slowly', async () => {
    const { running, id } = await underWay();
    const before = await fieldOf(client, 'replication', 'slave_repl_offset');
    await waitFor('many writes', async () => {
      const now = await fieldOf(client, 'replication', 'slave_repl_offset');
      return Number(now) > Number(before) + 50_000 || undefined;
    });
    const now = String(await client.ask('CLIENT', 'LIST', 'ID', id));
    expect(now).toContain('flags=S');
    expect(now).toContain('oll=0');
    expect((await running).status).toBe(0);
  });
});

test('where the disk has no room for a snapshot nobody has to ask for it', async () => {
  const dump = join(bench.lab.directory, node, 'data', 'dump.rdb');
  await rename(dump, `${dump}.kept`).catch(() => undefined);
  // As if the last snapshot had been larger than what is free: a file of holes.
  await writeFile(dump, '');
  await truncate(dump, 8 * 1024 ** 4);
  const before = await diskOf(node);
  const output = await bench.backup(['create', node]);
  expect(output.status, output.stderr).toBe(0);
  expect(await diskOf(node)).toEqual(before);
  const manifest = await manifestIn(await newest());
  expect(manifest.engine).toBe('replica-stream');
  expect(manifest.chosenBecause).toMatch(/Streamed: its disk has \d+ bytes free/);
  expect((await bench.backup(['create', node, '--engine', 'bgsave'])).stderr).toContain('bytes free');
  await rename(`${dump}.kept`, dump).catch(() => unlink(dump));
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

/** Plays a replica of the node, as whom it is told. */
async function replicating(user?: string): Promise<ReplicationLink> {
  const inventory = await loadInventory(bench.lab.fleetFile);
  const entry = inventory.hosts.find(({ name }) => name === node);
  if (entry === undefined) throw new Error('no such host');
  const credentials = { password: new Secret(bench.lab.password), ...(user === undefined ? {} : { user }) };
  const endpoint = { ...placeOf(bench.lab, node), node, credentials };
  const opened = await openReplication(
    openLocalHost(entry),
    endpoint,
    { timeoutMs: 5000 },
    new AbortController().signal,
  );
  if (!opened.ok) throw new Error(opened.detail);
  return opened.value;
}

describe('the client', () => {
  const limits = { startLimitMs: 15_000, silenceLimitMs: 15_000 };

  test.each(['yes', 'no'])(
    'takes the data with repl-diskless-sync %s, at the offset that it was promised',
    async (diskless) => {
      await client.ask('CONFIG', 'SET', 'repl-diskless-sync', diskless);
      const sync = await (await replicating()).fullSync(limits);
      expect(sync.form.by).toBe(diskless === 'yes' ? 'mark' : 'length');
      const reader = createRdbReader();
      for await (const chunk of sync.payload) reader.feed(chunk);
      const { replicationId: replid, offset } = sync;
      expect(reader.end()).toMatchObject({ complete: true, checksum: 'right', replid, offset });
      await waitFor('the end of our part as a replica', async () => (await subReplicas()) === '0' || undefined);
    },
  );

  test('says what a user lacks who may not replicate', async () => {
    await client.ask('ACL', 'SETUSER', 'narrow', 'on', `>${bench.lab.password}`, '+ping', '+replconf');
    const link = await replicating('narrow');
    await expect(link.fullSync(limits)).rejects.toThrow('the user needs +psync, +replconf and +ping');
    expect(await subReplicas()).toBe('0');
    await client.ask('ACL', 'DELUSER', 'narrow');
  });

  test('gives up on a node that says nothing', async () => {
    await client.ask('CONFIG', 'SET', 'repl-diskless-sync', 'yes');
    await client.ask('CONFIG', 'SET', 'repl-diskless-sync-delay', '60');
    const link = await replicating();
    await expect(link.fullSync({ ...limits, silenceLimitMs: 200 })).rejects.toThrow('nothing came for 200 ms');
    await client.ask('CONFIG', 'SET', 'repl-diskless-sync-delay', '0');
    await waitFor('the end of our part as a replica', async () => (await subReplicas()) === '0' || undefined);
  });
});

test('a replica that becomes master in the middle ends it, and no sentinel learns of us', async () => {
  await client.ask('CONFIG', 'SET', 'repl-diskless-sync', 'yes');
  const complete = (await backupsIn(bench)).filter((each) => each.complete).length;
  const { running } = await underWay();
  await client.ask('REPLICAOF', 'NO', 'ONE');
  const output = await running;
  expect(output.status, output.stderr).toBe(exitStatus.incomplete);
  expect(await backupsIn(bench)).toHaveLength(complete);
  expect(String(await client.ask('INFO', 'replication'))).not.toContain('port=0');
  // Sentinel ends every connection of a node that it takes back.
  await waitFor('its place behind the master again', async () => {
    const again = await open(node);
    const role = await fieldOf(again, 'replication', 'role').finally(() => again.close());
    return role === 'slave' || undefined;
  });
  const sentinel = bench.lab.hosts.find(({ runs }) => runs.includes('sentinel'));
  const asked = await openResp(sentinel?.address ?? '', sentinelPort);
  expect(JSON.stringify(await asked.ask('SENTINEL', 'REPLICAS', bench.lab.group))).not.toMatch(/:0"/);
  asked.close();
});

test('a master is streamed from only when it is alone and named', async () => {
  const own = new OwnRedis();
  try {
    const { entry, directory, address } = await own.host('lone');
    const [redis, sentinel] = entry.nodes;
    if (redis === undefined || sentinel === undefined) throw new Error('no node');
    await own.config(redis, ['save ""', 'repl-diskless-sync-delay 0']);
    await own.config(sentinel, [`sentinel monitor solo ${address} ${redis.port} 1`]);
    await own.start(redis);
    const watching = await own.start(sentinel);
    const fleetFile = join(directory, 'fleet.yaml');
    const runs = `runs: [{ redis: { port: ${redis.port}, config: ${redis.config} } }, { sentinel: { config: ${sentinel.config} } }]`;
    const lone = `lone: { address: ${address}, transport: local, become: none, service: process, state: ${entry.state}, ${runs} }`;
    await writeFile(fleetFile, `name: alone\ngroup: solo\nhosts:\n  ${lone}\n`);
    const repository = join(directory, 'repository');
    const create = (...args: string[]) =>
      runbook(bench.lab, ['backup', 'create', ...args, '--repository', repository], bench.env, fleetFile);
    const lonely = await openResp(address, redis.port);
    const clients = () => lonely.ask('CLIENT', 'LIST').then(String);
    await waitFor('the sentinel', async () => (await clients()).includes('name=sentinel-') || undefined);
    const watched = await create('lone', '--engine', 'stream');
    expect(watched.status, watched.stderr).toBe(exitStatus.refused);
    expect(watched.stderr.replaceAll(/\s+/g, ' ')).toContain('what sentinels know of its replicas');
    await kill(watching);
    await waitFor('its end', async () => !(await clients()).includes('name=sentinel-') || undefined);
    const refused = await create('--engine', 'stream');
    expect(refused.status, refused.stderr).toBe(exitStatus.refused);
    expect(refused.stderr.replaceAll(/\s+/g, ' ')).toContain('it is a master and was not named');
    const done = await create('lone', '--engine', 'stream');
    expect(done.status, done.stderr).toBe(0);
    const lineage = await fieldOf(lonely, 'replication', 'master_replid');
    lonely.close();
    const [name = ''] = (await readdir(join(repository, 'alone', 'solo'))).filter((each) => each.startsWith('2'));
    const { source } = await manifestIn(join(repository, 'alone', 'solo', name));
    expect(source).toMatchObject({ role: 'master', replicationId: lineage });
  } finally {
    await own.end();
  }
});
