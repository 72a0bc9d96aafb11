import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readTexts } from '../../src/execute/config-texts.js';
import type { WritableHost } from '../../src/hosts/host.js';
import { openLocalHost } from '../../src/hosts/local.js';
import type { NodeEntry, NodeKind } from '../../src/model/inventory.js';
import { countIn } from '../../src/scratch/closed-server.js';
import { loadScratch } from '../../src/scratch/load.js';
import { localServer } from '../../src/scratch/local-server.js';
import { trial } from '../../src/scratch/trial.js';
import { OwnRedis, ownAddress, rawCommand, waitFor } from './own-redis.js';

const never = new AbortController().signal;
const own = new OwnRedis();
let host: WritableHost;
let directory = '';
let canary: Server;
let canaryPort = 0;
const reached: string[] = [];
let there: readonly string[] = [];

beforeAll(async () => {
  host = openLocalHost((await own.host('h')).entry);
  canary = createServer((socket) => {
    reached.push('somebody came');
    socket.destroy();
  });
  await new Promise<void>((resolve) => canary.listen(0, '127.0.0.1', resolve));
  const address = canary.address();
  canaryPort = typeof address === 'object' && address ? address.port : 0;
});
afterAll(async () => {
  canary.close();
  await own.end();
});
beforeEach(async () => {
  directory = await own.directory();
  await chmod(directory, 0o755);
  reached.length = 0;
  there = await scratchDirectories();
});

const before: readonly (readonly string[])[] = [
  ['SELECT', '0'],
  ['SET', 'a', '1'],
  ['SET', 'b', '2', 'PXAT', '4102444800000'],
  ['SELECT', '3'],
  ['SET', 'c', '3'],
];

function aof(commands: readonly (readonly string[])[]): string {
  return commands
    .map((words) => `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`)
    .join('');
}

/** Scratch directories that were left behind: made since the test began, there now and still there later. */
async function leftBehind(): Promise<readonly string[]> {
  let left = (await scratchDirectories()).filter((name) => !there.includes(name));
  await waitFor('scratch directories of other suites to go', async () => {
    const now = await scratchDirectories();
    left = left.filter((name) => now.includes(name));
    return left.length === 0;
  }).catch(() => undefined);
  return left;
}

async function scratchDirectories(): Promise<readonly string[]> {
  return (await readdir(tmpdir())).filter((name) => /^redis-runbook-(load|trial)\./.test(name));
}

describe('the server of this machine', () => {
  it('is taken for what it can load, and the reason is given where none can', async () => {
    expect(await localServer(['no-such-server', 'redis-server'], 9)).toEqual({ ok: true, server: 'redis-server' });
    expect(await localServer(['redis-server'], 9999)).toEqual({
      ok: false,
      why: expect.stringMatching(/ of this machine reads RDB data up to version \d+, and this is 9999$/),
    });
    expect(await localServer(['no-such-server'], undefined)).toEqual({
      ok: false,
      why: 'this machine has no no-such-server',
    });
  });
});

describe('a scratch server', () => {
  it('counts what an append-only file holds, and leaves nothing', async () => {
    const path = join(directory, 'x.aof');
    await writeFile(path, aof(before));
    const loaded = await loadScratch(host, { kind: 'aof', path }, {}, never);
    expect(loaded).toMatchObject({ keys: 3n, expires: 1n });
    expect(loaded.databases).toEqual([
      { db: 0, keys: 2n, expires: 1n },
      { db: 3, keys: 1n, expires: 0n },
    ]);
    expect(await leftBehind()).toEqual([]);
    expect(await readdir(directory)).toEqual(['x.aof']);
  });

  it('counts the files of a real node: RDB, manifest, base and increments', async () => {
    const real = await own.host('real');
    const [redis] = real.entry.nodes;
    if (!redis) throw new Error('no node');
    await own.config(redis, ['appendonly yes', 'save ""']);
    await own.start(redis);
    await rawCommand(redis.address, redis.port, ['MSET', 'a', '1', 'b', '2'], ['BGREWRITEAOF']);
    await waitFor('the rewrite', async () => {
      const info = await rawCommand(redis.address, redis.port, ['INFO', 'persistence']);
      return /aof_rewrite_in_progress:0/.test(info) && /aof_rewrite_scheduled:0/.test(info) ? true : undefined;
    });
    await rawCommand(redis.address, redis.port, ['MULTI'], ['SET', 'c', '3'], ['EXEC'], ['SAVE']);
    const data = join(real.directory, 'redis', 'data');
    const files = (await readdir(join(data, 'appendonlydir'))).filter((name) => !name.endsWith('.manifest')).sort();
    const manifestPath = join(data, 'appendonlydir', 'appendonly.aof.manifest');
    const paths = files.map((name) => join(data, 'appendonlydir', name));
    expect(files).toHaveLength(2);
    expect(await loadScratch(host, { kind: 'aof-multi', manifestPath, paths }, {}, never)).toMatchObject({ keys: 3n });
    expect(await loadScratch(host, { kind: 'rdb', path: join(data, 'dump.rdb') }, {}, never)).toMatchObject({
      keys: 3n,
    });
  });

  const hostile: readonly (readonly [string, readonly string[]])[] = [
    ['CONFIG SET port', ['CONFIG', 'SET', 'port', '16399']],
    ['REPLICAOF', ['REPLICAOF', '127.0.0.1', 'CANARY']],
    ['MIGRATE', ['MIGRATE', '127.0.0.1', 'CANARY', 'a', '0', '1000']],
    ['MODULE LOAD', ['MODULE', 'LOAD', '/tmp/x.so']],
    ['EVAL', ['EVAL', 'while true do end', '0']],
    ['SAVE', ['SAVE']],
    ['BGSAVE', ['BGSAVE']],
    ['SHUTDOWN', ['SHUTDOWN', 'NOSAVE']],
    ['CONFIG SET dir', ['CONFIG', 'SET', 'dir', '/tmp']],
    ['CONFIG REWRITE', ['CONFIG', 'REWRITE']],
    ['DEBUG', ['DEBUG', 'SLEEP', '1000']],
    ['ACL', ['ACL', 'SETUSER', 'x', 'on', 'nopass', '+@all']],
    ['FAILOVER', ['FAILOVER']],
  ];
  const real = (words: readonly string[]) => words.map((word) => (word === 'CANARY' ? String(canaryPort) : word));

  it.each(hostile)('refuses %s by its name, before any server sees it', async (_name, words) => {
    const path = join(directory, 'x.aof');
    await writeFile(path, aof([...before, real(words)]));
    const at = Buffer.byteLength(aof(before));
    const error = await loadScratch(host, { kind: 'aof', path }, {}, never).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'RunbookError', word: 'blocked' });
    expect((error as { facts: string[] }).facts).toEqual([`${words[0]} at byte ${at}`]);
    expect(await leftBehind()).toEqual([]);
  });

  it('is closed by itself, should the reading ever miss one of them', async () => {
    const ran = await Promise.all(
      hostile.map(async ([name, words]) => {
        const inside = await mkdtemp(join(tmpdir(), 'redis-runbook-closed-test.'));
        const conf = 'port 0\nunixsocket load.sock\nsave ""\nappendonly yes\nlogfile ""\n';
        await writeFile(join(inside, 'load.conf'), conf);
        await writeFile(join(inside, 'appendonly.aof'), aof([...before, real(words), ['SET', 'd', '4']]));
        for (const file of ['', 'load.conf', 'appendonly.aof']) await giveAway(join(inside, file));
        const begun = performance.now();
        const closed = { host, directory: inside, server: 'redis-server', limitMs: 2500, bytes: 100n };
        const result = await countIn(closed, never).catch((error: Error) => error);
        const elapsedMs = performance.now() - begun;
        await rm(inside, { recursive: true, force: true });
        return { name, result, elapsedMs };
      }),
    );
    const confined = ran.flatMap(({ result }) => (result instanceof Error ? [] : [result.confined]));
    expect(confined.length).toBeGreaterThan(0);
    expect(confined.every(Boolean)).toBe(true);
    expect(reached).toEqual([]);
    for (const { name, elapsedMs } of ran) expect([name, elapsedMs < 6000]).toEqual([name, true]);
    const eval_ = ran.find(({ name }) => name === 'EVAL')?.result;
    expect(String(eval_)).toMatch(/not loaded within|cannot load/);
    await expect(rawCommand('127.0.0.1', 16399, ['PING'])).rejects.toThrow(/ECONNREFUSED/);
  });

  it.each([
    ['no AOF at all', 'this is no data file at all\n'],
    ['a torn RDB', 'REDIS0010\xfa\x09redis-ver'],
    ['a format error', '*1\r\n$3\r\nSET\r\n*x\r\n'],
  ])('says that %s cannot be loaded', async (_name, text) => {
    const path = join(directory, 'x.aof');
    await writeFile(path, Buffer.from(text, 'latin1'));
    await expect(loadScratch(host, { kind: 'aof', path }, {}, never)).rejects.toThrow();
    expect(await leftBehind()).toEqual([]);
  });

  it('loads a torn tail as the server does, and leaves the original as it is', async () => {
    const path = join(directory, 'x.aof');
    const text = aof(before).slice(0, -4);
    await writeFile(path, text);
    expect(await loadScratch(host, { kind: 'aof', path }, {}, never)).toMatchObject({ keys: 2n });
    expect((await stat(path)).size).toBe(Buffer.byteLength(text));
  });
});

async function giveAway(path: string): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const { chown } = await import('node:fs/promises');
  await chown(path, 65534, 65534);
}

async function tryConfig(kind: NodeKind, text: string, more: Record<string, string> = {}) {
  const config = join(directory, `${kind}.conf`);
  await writeFile(config, text);
  for (const [name, content] of Object.entries(more)) await writeFile(join(directory, name), content);
  const start = ['redis-server', config, ...(kind === 'sentinel' ? ['--sentinel'] : [])];
  const address = ownAddress();
  const entry: NodeEntry = { kind, id: 'h', host: 'h', address, port: 6379, config, unit: '', start };
  return trial(host, { entry, ...(await readTexts(host, config, never)) }, never);
}

describe('a trial start', () => {
  it('starts a redis.conf and a sentinel.conf as packages ship them', async () => {
    const address = ownAddress();
    const redis = `bind ${address}\nport 6379\ndaemonize yes\nsupervised systemd\nreplicaof 10.1.2.3 6379\nrequirepass "a b"\n`;
    expect(await tryConfig('redis', redis)).toMatchObject({ starts: true });
    const sentinel = `port 26379\ndaemonize yes\nsentinel monitor m 10.1.2.3 6379 2\nsentinel auth-pass m x\nsentinel known-replica m 10.1.2.4 6379\n`;
    expect(await tryConfig('sentinel', sentinel)).toMatchObject({ starts: true });
    expect(await leftBehind()).toEqual([]);
  });

  it('touches nothing that the config names', async () => {
    const canaries = join(directory, 'canaries');
    await mkdir(canaries);
    await chmod(canaries, 0o777);
    const script = join(directory, 'notify.sh');
    await writeFile(script, `#!/bin/sh\ntouch ${canaries}/script\n`, { mode: 0o755 });
    const touching = [
      `logfile ${canaries}/log`,
      `pidfile ${canaries}/pid`,
      `dir ${canaries}`,
      `unixsocket ${canaries}/socket`,
      `unixsocketperm 777`,
      `aclfile ${canaries}/users.acl`,
      `loadmodule ${canaries}/module.so`,
      'appendonly yes',
      'save 1 1',
      `replicaof 127.0.0.1 ${canaryPort}`,
      'daemonize yes',
      `port ${canaryPort}`,
    ];
    expect(await tryConfig('redis', `${touching.join('\n')}\n`)).toMatchObject({ starts: true });
    const sentinel = [
      `port ${canaryPort}`,
      `logfile ${canaries}/log`,
      `dir ${canaries}`,
      `sentinel monitor m 127.0.0.1 ${canaryPort} 1`,
      'sentinel down-after-milliseconds m 1',
      `sentinel notification-script m ${script}`,
      `sentinel client-reconfig-script m ${script}`,
    ];
    expect(await tryConfig('sentinel', `${sentinel.join('\n')}\n`)).toMatchObject({ starts: true });
    expect(await readdir(canaries)).toEqual([]);
    expect(reached).toEqual([]);
  });

  it.each<[string, NodeKind, string, Record<string, string>, RegExp]>([
    [
      'an unknown directive',
      'redis',
      'timeout 1\nlogfile /x/y\nbogus yes\n',
      {},
      /redis\.conf:3: Bad directive .*\(bogus\)/,
    ],
    ['an inline comment', 'redis', 'port 1 # c\n', {}, /redis\.conf:1: wrong number of arguments/],
    ['a mistake in an include', 'redis', 'include INC\ntimeout 1\n', { 'inc.conf': '\nsave 900\n' }, /inc\.conf:2: /],
    [
      'a second monitor',
      'sentinel',
      'sentinel monitor m 10.0.0.1 1 2\nsentinel monitor m 10.0.0.1 1 2\n',
      {},
      /sentinel\.conf:2: Duplicate/,
    ],
    [
      'a replica twice',
      'sentinel',
      'sentinel monitor m 10.0.0.1 1 2\nsentinel known-replica m 10.0.0.2 2\nsentinel known-replica m 10.0.0.2 2\n',
      {},
      /sentinel\.conf:3: Duplicate/,
    ],
    [
      'a group that is not monitored',
      'sentinel',
      'sentinel auth-pass m hunter2\n',
      {},
      /sentinel\.conf:1: No such master/,
    ],
    ['quotes that do not end', 'redis', 'timeout 1\nrequirepass "hunter2\n', {}, /redis\.conf:2: Unbalanced quotes/],
  ])('tells the line of %s, and never what it says', async (_name, kind, text, more, says) => {
    const tried = await tryConfig(kind, text.replace('INC', join(directory, 'inc.conf')), more);
    if (tried.starts) throw new Error('it started');
    expect(tried.says).toMatch(says);
    expect(tried.says).not.toContain('hunter2');
  });
});
