import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openResp } from '../../src/lab/resp.js';
import {
  type BackupBench,
  backupBench,
  backupsIn,
  heldOn,
  loadedFrom,
  manifestIn,
  placeOf,
} from '../live/backup-lab.js';
import { overSsh, sshdOnEach } from '../live/backup-over-ssh.js';
import { MARK, type SteadyWriter, startWriter } from '../live/backup-writer.js';
import { waitFor } from '../live/own-redis.js';
import { type OwnSshd, OwnSshds } from '../live/own-sshd.js';

const sshds = new OwnSshds();
let servers: Map<string, OwnSshd>;
let bench: BackupBench;
let writer: SteadyWriter;
let node: string;
let master: string;

beforeAll(async () => {
  bench = await backupBench({ seed: 31, persistence: 'both' });
  servers = await sshdOnEach(bench, sshds);
  master = (await bench.lab.master()) ?? '';
  node = bench.lab.hosts.find(({ name, runs }) => runs.includes('redis') && name !== master)?.name ?? '';
  await bench.lab.write({ count: 1000, lowBytes: 800, highBytes: 1600, hotShare: 0 });
  const { address, port } = placeOf(bench.lab, master);
  writer = await startWriter(address, port, bench.lab.password);
});
afterAll(async () => {
  await writer.stop();
  await bench.end();
  await sshds.end();
});

/** So much data that measuring pays, of one kind; waits until the replica has it. */
async function fill(how: 'hex' | 'any sign' | undefined): Promise<void> {
  const { address, port } = placeOf(bench.lab, master);
  const client = await openResp(address, port, bench.lab.password);
  const keys = Array.from({ length: 40 }, (_, at) => `wide:${at}`);
  const sign = (byte: number) => String.fromCharCode(33 + (byte % 94));
  const value = () => {
    const bytes = randomBytes(1024 * 1024);
    return how === 'hex' ? bytes.toString('hex').slice(0, bytes.length) : Array.from(bytes, sign).join('');
  };
  // One at a time: making all of them at once holds up this process, and with it the writer, for seconds.
  for (const key of keys) await client.pipeline([how === undefined ? ['DEL', key] : ['SET', key, value()]]);
  expect(await client.ask('WAIT', '2', '10000')).toBe('2');
  client.close();
}

describe.each(['ssh', 'openssh'] as const)('a backup over %s', (transport) => {
  test.each([
    ['--kind rdb', 'bgsave'],
    ['--kind aof', 'aof-link'],
    ['--engine stream', 'replica-stream'],
  ])('with %s holds what the source held', async (how, engine) => {
    const remote = await overSsh(bench, sshds, transport);
    const output = await remote.backup(['create', node, ...how.split(' ')]);
    expect(output.status, `${output.stdout}${output.stderr}`).toBe(0);
    const path = (await backupsIn(bench)).at(-1)?.path ?? '';
    expect((await manifestIn(path)).engine).toBe(engine);
    const loaded = await loadedFrom(path);
    expect([...loaded].sort()).toEqual([...writer.after(Number(loaded.get(MARK)?.value))].sort());
    expect(await heldOn(bench.lab, node)).toEqual([]);
  });

  test('is compressed on its host where the connection is slow, and only where it makes the file smaller', async () => {
    const remote = await overSsh(bench, sshds, transport);
    const { address, port } = placeOf(bench.lab, node);
    const replica = await openResp(address, port, bench.lab.password);
    await replica.ask('CONFIG', 'SET', 'rdbcompression', 'no');
    replica.close();
    for (const [how, path] of [
      ['hex', 'data/dump.rdb.zst'],
      ['any sign', 'data/dump.rdb'],
    ] as const) {
      await fill(how);
      const output = await remote.backup(['create', node, '--limit-rate', '16M']);
      expect(output.status, output.stderr).toBe(0);
      expect(output.stderr).toContain(path.endsWith('.zst') ? 'compressed on its host' : 'sent as it is');
      const made = (await backupsIn(bench)).at(-1)?.path ?? '';
      expect((await manifestIn(made)).files.map((file) => file.path)).toContain(path);
      if (how === 'hex') expect((await remote.backup(['drill', made.slice(-4)])).status).toBe(0);
    }
    await fill(undefined);
  });

  test('whose connection breaks sends the file again, and leaves nothing behind', async () => {
    const remote = await overSsh(bench, sshds, transport);
    const backup = remote.backup(['create', node, '--limit-rate', '100k']);
    await waitFor('the data on its way', async () => ((await heldOn(bench.lab, node)).length > 0 ? true : undefined));
    await waitFor('the first bytes', async () => {
      const partial = (await backupsIn(bench)).find(({ complete }) => !complete);
      const names = partial === undefined ? [] : await readdir(partial.path, { recursive: true });
      return names.some((name) => name.startsWith('data/')) ? true : undefined;
    });
    servers.get(node)?.cut();
    const output = await backup;
    expect(output.status, output.stderr).toBe(0);
    expect(output.stderr).toContain('data/dump.rdb is sent again');
    expect((await backupsIn(bench)).every(({ complete }) => complete)).toBe(true);
    expect(await heldOn(bench.lab, node)).toEqual([]);
  });

  test('whose machine goes away is told and kept as incomplete; the next one clears up', async () => {
    const remote = await overSsh(bench, sshds, transport);
    const backup = remote.backup(['create', node, '--limit-rate', '300k']);
    await waitFor('the data on its way', async () => ((await heldOn(bench.lab, node)).length > 0 ? true : undefined));
    const sshd = servers.get(node);
    await sshd?.stop();
    const cut = await backup;
    expect([4, 8], cut.stderr).toContain(cut.status);
    const before = (await backupsIn(bench)).filter(({ complete }) => complete).length;
    const again = await sshds.start([], { at: sshd?.address ?? '', hostKeys: sshd?.hostKeys ?? [] });
    servers.set(node, again);
    const next = await remote.backup(['create', node]);
    expect(next.status, next.stderr).toBe(0);
    const after = await backupsIn(bench);
    expect(after.map(({ complete }) => complete)).toEqual(Array.from({ length: before + 1 }, () => true));
    expect(await heldOn(bench.lab, node)).toEqual([]);
  });
});
