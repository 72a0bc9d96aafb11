import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type BackupBench,
  backupBench,
  backupsIn,
  heldOn,
  loadedFrom,
  manifestIn,
  placeOf,
} from '../live/backup-lab.js';
import { cutAfter } from '../live/backup-started.js';
import { MARK, type SteadyWriter, startWriter } from '../live/backup-writer.js';
import { waitFor } from '../live/own-redis.js';
import { expectHeldEverywhere, restored, takenUnderLoad } from '../live/restore-lab.js';

let bench: BackupBench;
let writer: SteadyWriter;
let node: string;

beforeAll(async () => {
  bench = await backupBench({ seed: 67, persistence: 'both' });
  await bench.lab.write({ count: 600, lowBytes: 800, highBytes: 1600, hotShare: 0.1 });
  const master = (await bench.lab.master()) ?? '';
  node = bench.lab.hosts.find(({ name, runs }) => runs.includes('redis') && name !== master)?.name ?? '';
  const { address, port } = placeOf(bench.lab, master);
  writer = await startWriter(address, port, bench.lab.password);
  await waitFor('the first writes', () => (writer.count() > 100 ? true : undefined));
});
afterAll(async () => {
  await writer.stop();
  await bench.end();
});

describe('a backup that is compressed on its host', () => {
  test.each([
    ['rdb', 'zstd'],
    ['aof', 'gzip'],
  ])('%s by %s holds, key by key, what the source held at one moment', async (kind, how) => {
    const output = await bench.backup(['create', node, '--kind', kind, '--compress', how]);
    expect(output.status, `${output.stdout}${output.stderr}`).toBe(0);
    const path = (await backupsIn(bench)).at(-1)?.path ?? '';
    expect(spawnSync('sha256sum', ['--strict', '-c', 'SHA256SUMS'], { cwd: path }).status).toBe(0);
    const manifest = await manifestIn(path);
    expect(manifest.keyspace.from).toBe('data');
    expect(manifest.files.some((file) => file.path.endsWith(how === 'zstd' ? '.zst' : '.gz'))).toBe(true);
    const held = await loadedFrom(path);
    expect([...held].sort()).toEqual([...writer.after(Number(held.get(MARK)?.value))].sort());
    for (const what of ['verify', 'drill']) {
      const done = await bench.backup([what, manifest.id]);
      expect(done.status, `${done.stdout}${done.stderr}`).toBe(0);
    }
    expect(await heldOn(bench.lab, node)).toEqual([]);
  });

  test('goes on after a kill with the packed files that were there, and unpacks them again before it believes them', async () => {
    const cut = await cutAfter(bench, /base\.\w+\.zst$/, ['--compress', 'zstd']);
    const next = await bench.backup(['create', cut.node, '--kind', 'aof']);
    expect(next.status, next.stderr).toBe(0);
    expect(next.stderr).toContain(`going on with ${cut.id}`);
    expect(next.stderr).toMatch(/\.base\.\w+ is there already/);
    const { files } = await manifestIn((await backupsIn(bench)).at(-1)?.path ?? '');
    expect(files.filter(({ path }) => path.endsWith('.zst'))).toHaveLength(1);
    expect((await bench.backup(['drill', cut.id])).status).toBe(0);
  });

  test('is restored as what it was, each part under its own name', async () => {
    const own = await backupBench({ seed: 71, persistence: 'both' });
    try {
      const taken = await takenUnderLoad(own, 'aof', 'replica', ['--compress', 'gzip']);
      const output = await restored(own, taken);
      expect(output.status, `${output.stdout}${output.stderr}`).toBe(0);
      await expectHeldEverywhere(own, taken.expected);
    } finally {
      await own.end();
    }
  });

  test('is not asked for with what cannot be compressed', async () => {
    const output = await bench.backup(['create', node, '--engine', 'stream', '--compress', 'zstd']);
    expect(output.status).toBe(2);
  });

  test('is left as it is on this machine unless asked for', async () => {
    expect((await bench.backup(['create', node])).status).toBe(0);
    const { files } = await manifestIn((await backupsIn(bench)).at(-1)?.path ?? '');
    expect(files.map(({ path }) => path)).toContain('data/dump.rdb');
  });
});
