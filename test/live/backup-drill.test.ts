import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drillBackup } from '../../src/backup/drill.js';
import { parseCheck } from '../../src/backup/manifest.js';
import { openRepository } from '../../src/backup/repository/open.js';
import type { BackupRef, Repository } from '../../src/backup/repository/repository.js';
import { sealManifest } from '../../src/backup/sign.js';
import type { BackupFile, BackupKeyspace, BackupKind } from '../../src/model/backup.js';
import { manifestOf, scope, signer } from '../backup/builders.js';

let base: string;
let repository: Repository;
let rdb: Uint8Array;
const { signal } = new AbortController();
const now = () => new Date('2026-11-23T03:14:07Z');

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'redis-runbook-drill-'));
  repository = await openRepository(join(base, 'backups'), { make: true, now: now() });
  rdb = await anRdb();
});
afterAll(() => rm(base, { recursive: true, force: true }));

/** A real file: two databases, a key that ended in 2001 and one that ends in 2100. */
async function anRdb(): Promise<Uint8Array> {
  const aof = ['SET a 1', 'SET old 1', 'PEXPIREAT old 1000000000000', 'SET young 1', 'PEXPIREAT young 4102444800000'];
  await writeFile(join(base, 'appendonly.aof'), resp([...aof, 'SELECT 3', 'SET b 1']));
  // A replica keeps what is over, and SAVE writes it.
  const config = ['port 0', 'unixsocket s.sock', 'appendonly yes', `dir ${base}`, 'slaveof 127.0.0.1 1', 'save ""'];
  await writeFile(join(base, 'redis.conf'), `${config.join('\n')}\n`);
  const script =
    'redis-server ./redis.conf > log 2>&1 & p=$!; n=0; until redis-cli -s s.sock save 2>&1 | grep -q OK; do n=$((n+1)); [ $n -lt 200 ] || exit 1; sleep 0.05; done; kill -9 $p; exit 0';
  const made = spawnSync('sh', ['-c', script], { cwd: base, encoding: 'utf8', timeout: 30_000 });
  expect(made.status, made.stderr).toBe(0);
  return readFile(join(base, 'dump.rdb'));
}

function resp(commands: readonly string[]): string {
  const one = (words: readonly string[]) =>
    `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`;
  return commands.map((command) => one(command.split(' '))).join('');
}

async function* once(content: Uint8Array): AsyncGenerator<Uint8Array> {
  yield content;
}

/** The same data as somebody stored it who packed it first. */
async function packed(
  how: 'zstd' | 'gzip',
  change: (stored: Buffer, plain: Uint8Array) => Partial<BackupFile> & { stored?: Buffer },
) {
  const argv = how === 'zstd' ? ['zstd', '-q', '-c'] : ['gzip', '-c'];
  const { stdout } = spawnSync(argv[0] ?? '', argv.slice(1), { input: rdb });
  const { stored = stdout, ...more } = change(stdout, rdb);
  const writer = await repository.begin({ ...scope, kind: 'rdb' }, now());
  const file = await writer.put(`data/dump.rdb${how === 'zstd' ? '.zst' : '.gz'}`, once(stored));
  const plainSha256 = createHash('sha256').update(rdb).digest('hex');
  const compressed = { how, plainBytes: BigInt(rdb.length), plainSha256 };
  const manifest = manifestOf(writer.ref, {
    files: [{ ...file, role: 'rdb', compressed, ...more }],
    keyspace: { from: 'data', databases: held },
  });
  return writer.finish(sealManifest(manifest, signer));
}

async function sealed(kind: BackupKind, content: Uint8Array, databases: readonly BackupKeyspace[]): Promise<BackupRef> {
  const writer = await repository.begin({ ...scope, kind }, now());
  const path = kind === 'rdb' ? 'data/dump.rdb' : 'data/appendonly.aof';
  const stored = await writer.put(path, once(content));
  const files: BackupFile[] = [{ ...stored, role: kind }];
  const manifest = manifestOf(writer.ref, { files, keyspace: { from: 'data', databases } });
  return writer.finish(sealManifest(manifest, signer));
}

async function drilled(ref: BackupRef) {
  const trust = { signers: [signer], path: '' };
  const { check } = await drillBackup(ref, { repository, trust, signer, now, signal });
  const [kept] = await repository.checks(ref);
  expect(parseCheck(kept?.record ?? new Uint8Array())).toEqual({ ok: true, value: check });
  return check;
}

const held = [
  { database: 0, keys: 3n, expires: 2n },
  { database: 3, keys: 1n, expires: 0n },
];

describe('a drill', () => {
  it('counts every key of every database, those whose time was over long ago too', async () => {
    const check = await drilled(await sealed('rdb', rdb, held));
    expect(check).toMatchObject({ result: 'good', details: [], databases: held });
  });

  it.each(['zstd', 'gzip'] as const)(
    'unpacks what was stored with %s, and believes no more of it than the manifest says',
    async (how) => {
      expect(await drilled(await packed(how, () => ({})))).toMatchObject({
        result: 'good',
        details: [],
        databases: held,
      });
      const wrong = (plainBytes: bigint, plainSha256: string) => ({ compressed: { how, plainBytes, plainSha256 } });
      const plain = createHash('sha256').update(rdb).digest('hex');
      const cases: [Parameters<typeof packed>[1], string][] = [
        [(stored) => ({ stored: stored.subarray(0, stored.length - 5) }), `is no whole ${how} file`],
        [() => ({ stored: Buffer.from('no packed file at all') }), `is no whole ${how} file`],
        [(_, { length }) => wrong(BigInt(length) - 1n, plain), 'unpacks to more than'],
        [(_, { length }) => wrong(BigInt(length) + 1n, plain), `unpacks to ${rdb.length} bytes`],
        [(_, { length }) => wrong(BigInt(length), 'a'.repeat(64)), 'unpacks to other bytes'],
      ];
      for (const [change, says] of cases)
        expect(await drilled(await packed(how, change))).toMatchObject({
          result: 'bad',
          details: [expect.stringContaining(says)],
        });
    },
  );

  it('of what this machine has too little memory for says nothing against it', async () => {
    const bytes = 96 << 20;
    const head = Buffer.from(`*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$${bytes}\r\n`);
    const content = Buffer.concat([head, Buffer.alloc(bytes, 'x'), Buffer.from('\r\n')]);
    const ref = await sealed('aof', content, [{ database: 0, keys: 1n, expires: 0n }]);
    const path = process.env.PATH;
    const server = spawnSync('sh', ['-c', 'command -v redis-server'], { encoding: 'utf8' }).stdout.trim();
    // The real one, on a machine that is small when it comes to loading.
    const small = `#!/bin/sh\n[ "$1" != ./load.conf ] || ulimit -v 100000\nexec ${server} "$@"\n`;
    await mkdir(join(base, 'bin'));
    await writeFile(join(base, 'bin/redis-server'), small, { mode: 0o755 });
    await chmod(base, 0o755);
    process.env.PATH = `${join(base, 'bin')}:${path}`;
    try {
      const says = { result: 'unknown', details: [expect.stringContaining('too little memory on this machine')] };
      expect(await drilled(ref)).toMatchObject(says);
    } finally {
      process.env.PATH = path;
    }
  });

  it('of what this machine cannot unpack says nothing against it', async () => {
    const path = process.env.PATH;
    const ref = await packed('zstd', () => ({}));
    process.env.PATH = '/nonexistent';
    try {
      const check = await drilled(ref);
      expect(check).toMatchObject({ result: 'unknown', details: [expect.stringContaining('no program of that name')] });
    } finally {
      process.env.PATH = path;
    }
  });

  it('of data that holds another number of keys than the manifest says is bad', async () => {
    const check = await drilled(await sealed('rdb', rdb, [{ database: 0, keys: 4n, expires: 2n }]));
    expect(check.result).toBe('bad');
    expect(check.details.join('\n')).toContain('database 0: 3 keys, 2 with a time to live, loaded');
    expect(check.details.join('\n')).toContain('database 3: 1 keys');
  });

  it('of a torn snapshot is bad', async () => {
    expect(await drilled(await sealed('rdb', rdb.subarray(0, -12), held))).toMatchObject({ result: 'bad' });
  });

  it('of an append-only file that would act is refused by name, and nothing acts', async () => {
    const victim = join(base, 'victim');
    const hostile = resp([`CONFIG SET dir ${base}`, 'CONFIG SET dbfilename victim', 'SAVE']);
    const check = await drilled(await sealed('aof', new TextEncoder().encode(hostile), []));
    expect(check.result).toBe('bad');
    expect(check.details.join('\n')).toContain('holds commands that Redis does not write');
    await expect(readFile(victim)).rejects.toThrow('ENOENT');
  });

  it('of bytes that were changed is bad, and no server sees them', async () => {
    const ref = await sealed('rdb', rdb, held);
    const path = join(base, 'backups', scope.fleet, scope.group, ref.name, 'data/dump.rdb');
    const changed = Uint8Array.from(rdb);
    changed[20] = (changed[20] ?? 0) ^ 1;
    await writeFile(path, changed);
    expect(await drilled(ref)).toMatchObject({
      result: 'bad',
      details: [expect.stringMatching(/other bytes|checksum|byte/)],
    });
  });
});
