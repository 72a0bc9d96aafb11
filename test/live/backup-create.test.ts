import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openResp } from '../../src/lab/resp.js';
import { type BackupBench, backupBench, backupsIn, heldOn, loadedFrom, manifestIn, placeOf } from './backup-lab.js';
import { MARK, type SteadyWriter, startWriter } from './backup-writer.js';
import { waitFor } from './own-redis.js';

let bench: BackupBench;
let writer: SteadyWriter;
let master: string;
let replica: string;

beforeAll(async () => {
  bench = await backupBench({ seed: 7, persistence: 'both' });
  await bench.lab.write({ count: 200 });
  master = (await bench.lab.master()) ?? '';
  replica = bench.lab.hosts.find(({ name, runs }) => runs.includes('redis') && name !== master)?.name ?? '';
  const { address, port } = placeOf(bench.lab, master);
  writer = await startWriter(address, port, bench.lab.password);
  await waitFor('the first writes', () => (writer.count() > 200 ? true : undefined));
});
afterAll(async () => {
  await writer.stop();
  await bench.end();
});

async function newest(): Promise<string> {
  const complete = (await backupsIn(bench)).filter((each) => each.complete);
  return complete.at(-1)?.path ?? '';
}

describe('a backup under a steady write load', () => {
  test.each([
    ['rdb', 'replica'],
    ['rdb', 'master'],
    ['aof', 'replica'],
    ['aof', 'master'],
  ])('%s of the %s holds, key by key, what the source held at one moment', async (kind, role) => {
    const node = role === 'master' ? master : replica;
    const begun = writer.count();
    const output = await bench.backup(['create', node, '--kind', kind]);
    expect(output.status, `${output.stdout}${output.stderr}`).toBe(0);
    const ended = writer.count();
    const path = await newest();
    const manifest = await manifestIn(path);
    expect(manifest.source).toMatchObject({ node, role });
    expect(manifest.engine).toBe(kind === 'rdb' ? 'bgsave' : 'aof-link');

    const loaded = await loadedFrom(path);
    const mark = Number(loaded.get(MARK)?.value);
    expect(mark).toBeGreaterThanOrEqual(begun - 1);
    expect(mark).toBeLessThanOrEqual(ended + 1);
    expect([...loaded].sort()).toEqual([...writer.after(mark)].sort());

    // What was in flight at the snapshot is whole or not there: its offset lies between two transactions.
    const offset = BigInt(manifest.source.offset ?? -1);
    const next = await waitFor('the write after it', () => writer.offsetBefore(mark + 1));
    expect(offset).toBeGreaterThan(writer.offsetBefore(kind === 'rdb' ? mark : begun) ?? 0n);
    expect(offset).toBeLessThanOrEqual(next);

    const drill = await bench.backup(['drill', manifest.id]);
    expect(drill.status, `${drill.stdout}${drill.stderr}`).toBe(0);
    expect(manifest.keyspace.from).toBe('data');
    expect(await heldOn(bench.lab, node)).toEqual([]);
  });

  test('an AOF that is rewritten all the time is held as one set, or not at all', async () => {
    const { address, port } = placeOf(bench.lab, master);
    const client = await openResp(address, port, bench.lab.password);
    let rewriting = true;
    let rewrites = 0;
    const rewriter = (async () => {
      while (rewriting) {
        const answer = await client.pipeline([['BGREWRITEAOF']]);
        if (String(answer[0]).includes('started')) rewrites += 1;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    })();
    const output = await bench.backup(['create', master, '--kind', 'aof', '--limit-rate', '300k']);
    rewriting = false;
    await rewriter;
    client.close();
    expect(output.status, output.stderr).toBe(0);
    expect(rewrites).toBeGreaterThan(3);
    const loaded = await loadedFrom(await newest());
    expect([...loaded].sort()).toEqual([...writer.after(Number(loaded.get(MARK)?.value))].sort());
    expect(await heldOn(bench.lab, master)).toEqual([]);
  });

  test('a later save does not swap the snapshot that is on its way', async () => {
    const { address, port } = placeOf(bench.lab, replica);
    const client = await openResp(address, port, bench.lab.password);
    const backup = bench.backup(['create', replica, '--limit-rate', '100k']);
    await waitFor('the snapshot on its way', async () =>
      (await heldOn(bench.lab, replica)).length > 0 ? true : undefined,
    );
    const before = writer.count();
    await waitFor('a later save', async () =>
      String((await client.pipeline([['BGSAVE']]))[0]).includes('started') ? true : undefined,
    );
    const output = await backup;
    client.close();
    expect(output.status, output.stderr).toBe(0);
    const loaded = await loadedFrom(await newest());
    const mark = Number(loaded.get(MARK)?.value);
    expect(mark).toBeLessThanOrEqual(before);
    expect([...loaded].sort()).toEqual([...writer.after(mark)].sort());
  });

  test('without a name the source is a replica, and it says why', async () => {
    const output = await bench.backup(['create']);
    expect(output.status, output.stderr).toBe(0);
    const manifest = await manifestIn(await newest());
    expect(manifest.source.role).toBe('replica');
    expect(manifest.chosenBecause).toContain('is a replica, linked');
    expect(output.stderr).toContain(manifest.chosenBecause);
  });
});

test('a snapshot of many megabytes is read back, walked and counted while it arrives', async () => {
  const { address, port } = placeOf(bench.lab, master);
  const client = await openResp(address, port, bench.lab.password);
  const value = randomBytes(512 * 1024)
    .toString('latin1')
    .replace(/[^\x20-\x7e]/g, 'x');
  const wide = Array.from({ length: 48 }, (_, at) => ['SET', `wide:${at}`, `${at}${value}`]);
  await client.pipeline(wide).finally(() => client.close());
  const output = await bench.backup(['create', master]);
  expect(output.status, output.stderr).toBe(0);
  const path = await newest();
  const { keyspace, files } = await manifestIn(path);
  expect(Number(files.find((file) => file.path === 'data/dump.rdb')?.sizeBytes)).toBeGreaterThan(16 * 1024 * 1024);
  expect(keyspace.from).toBe('data');
  expect(Number(keyspace.databases[0]?.keys)).toBeGreaterThan(48);
  expect(spawnSync('sha256sum', ['--strict', '-c', 'SHA256SUMS'], { cwd: path }).status).toBe(0);
  expect((await bench.backup(['drill', path.slice(-4)])).status).toBe(0);
});
