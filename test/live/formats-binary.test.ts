import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aofTail, createAofReader, parseManifest } from '../../src/redis/aof.js';
import { isWriteCommand } from '../../src/redis/aof-commands.js';
import { containmentWindow, createContainment } from '../../src/redis/aof-containment.js';
import { evidenceErePattern, evidencePattern } from '../../src/redis/log.js';
import { createRdbReader } from '../../src/redis/rdb.js';
import { mayWrite } from '../../src/redis/reading-commands.js';
import { sentinelEvidenceErePattern, sentinelEvidencePattern } from '../../src/redis/sentinel-log.js';
import { aofOf } from '../redis/aof-bytes.js';
import { olderRdb } from '../redis/rdb-bytes.js';

const run = promisify(execFile);
const fixtures = new URL('../fixtures/', import.meta.url);
const port = 7411;
const block = `127.84.${process.pid % 250}`;

let dir: string;
let servers: { child: ChildProcess; ended: Promise<unknown> }[] = [];
let clients: Redis[] = [];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'formats-'));
});

afterEach(async () => {
  for (const client of clients) client.disconnect();
  for (const { child } of servers) child.kill('SIGKILL');
  await Promise.all(servers.map(({ ended }) => ended));
  [servers, clients] = [[], []];
  await rm(dir, { recursive: true, force: true });
});

interface Server {
  readonly child: ChildProcess;
  readonly ended: Promise<unknown>;
  readonly redis: Redis;
  readonly dir: string;
}

/** What a server says that is not meant to get through its start. */
function failingStart(home: string): Promise<string> {
  const listen = ['--port', '0', '--unixsocket', join(dir, 'socket')];
  return outcome('redis-server', [...listen, '--dir', home, '--appendonly', 'yes']);
}

/** Starts a server at an address of its own and waits until it answers PING with PONG. */
async function start(number: number, options: readonly string[] = []): Promise<Server> {
  const home = join(dir, String(number));
  await mkdir(home, { recursive: true });
  const address = `${block}.${number}`;
  const fixed = `--port ${port} --bind ${address} --bind-source-addr ${address} --protected-mode no --dir ${home}`;
  const fast = '--repl-diskless-sync-delay 0 --enable-debug-command yes --auto-aof-rewrite-percentage 0';
  const child = spawn('redis-server', [...`${fixed} ${fast}`.split(' '), ...options], { stdio: 'ignore' });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  servers.push({ child, ended });
  const redis = new Redis({ host: address, port, lazyConnect: true, retryStrategy: () => 50, protocol: 2 });
  redis.on('error', () => undefined);
  clients.push(redis);
  await until(async () => (await redis.ping()) === 'PONG');
  return { child, ended, redis, dir: home };
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let left = 400; left > 0; left--) {
    if (await condition().catch(() => false)) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error('the condition did not come true in ten seconds');
}

async function info(redis: Redis, field: string): Promise<string | undefined> {
  return new RegExp(`^${field}:(.*?)\\r?$`, 'm').exec(await redis.info())?.[1];
}

async function linked(redis: Redis): Promise<boolean> {
  return (await info(redis, 'master_link_status')) === 'up' && !(await rewriting(redis));
}

async function rewriting(redis: Redis): Promise<boolean> {
  const busy = [await info(redis, 'aof_rewrite_in_progress'), await info(redis, 'aof_rewrite_scheduled')];
  return busy.some((value) => value !== '0');
}

async function outcome(command: string, args: readonly string[]): Promise<string> {
  return run(command, [...args]).then(
    ({ stdout, stderr }) => stdout + stderr,
    (error: { stdout?: string; stderr?: string }) => `${error.stdout ?? ''}${error.stderr ?? ''}`,
  );
}

function summaryOf(bytes: Uint8Array) {
  const reader = createRdbReader();
  reader.feed(bytes);
  return reader.end();
}

describe('RDB files that a real server writes or loads', () => {
  it('counts what the keyspace says, whatever the encoding', async () => {
    const { redis, dir: home } = await start(1, ['--save', '', '--hash-max-listpack-entries', '8']);
    await redis.call('DEBUG', 'POPULATE', '20000', 'bulk', '40');
    for (let at = 0; at < 300; at++) {
      await redis.pipeline().hset('hash', `f${at}`, at).zadd('zset', at, `m${at}`).xadd('stream', '*', 'n', at).exec();
      await redis
        .pipeline()
        .rpush('list', 'x'.repeat(at * 40))
        .sadd('set', at)
        .set(`e${at}`, at, 'EX', 9999)
        .exec();
    }
    await redis.call('XGROUP', 'CREATE', 'stream', 'g', '0');
    await redis.call('XREADGROUP', 'GROUP', 'g', 'c', 'COUNT', '50', 'STREAMS', 'stream', '>');
    await redis.select(5);
    await redis.set('elsewhere', 'v', 'PX', 999999);
    await redis.save();
    const summary = summaryOf(await readFile(join(home, 'dump.rdb')));
    const [keys, expires] = ((await info(redis, 'db0')) ?? '').match(/\d+/g) ?? [];
    expect(summary).toMatchObject({ version: 10, writtenBy: '7.0.15', complete: true, checksum: 'right' });
    expect(summary.keys).toBe(BigInt(keys ?? 0) + 1n);
    expect(summary.expires).toBe(BigInt(expires ?? 0) + 1n);
  });

  it('counts a file of older types as redis-check-rdb does', async () => {
    const { bytes, keys, expires } = olderRdb();
    const file = join(dir, 'older.rdb');
    await writeFile(file, bytes);
    const judged = await outcome('redis-check-rdb', [file]);
    expect(judged).toContain('RDB looks OK');
    expect(judged).toContain(`[info] ${keys} keys read`);
    expect(judged).toContain(`[info] ${expires} expires`);
    expect(summaryOf(bytes)).toMatchObject({ keys: BigInt(keys), expires: BigInt(expires), checksum: 'right' });
  });
});

describe('append-only files against the real checkers', () => {
  it('refuses the manifests that the server refuses, with its reason and line', async () => {
    const file = 'file a.1.base.rdb seq 1 type b\n';
    const refused = [
      '',
      '\n',
      'file a seq 1\n',
      'file a seq 1 type\n',
      'file "a seq 1 type i\n',
      'file a seq x type i\n',
      'file ../a seq 1 type b\n',
      'file a seq 1 type z\n',
      `${file}file b seq 2 type b\n`,
      `${file}file i seq 2 type i\nfile j seq 2 type i\n`,
      `${file}file i seq 2 type i`,
      `${file}file ${'i'.repeat(1100)} seq 2 type i\n`,
    ];
    await mkdir(join(dir, 'appendonlydir'));
    for (const text of refused) {
      await writeFile(join(dir, 'appendonlydir', 'appendonly.aof.manifest'), text);
      const said = await failingStart(dir);
      const [heading, reason] = [said.indexOf('FATAL AOF MANIFEST'), said.trimEnd().split(' # ').at(-1)];
      expect(heading, text).toBeGreaterThan(0);
      const line = /at line (\d+)/.exec(said)?.[1] ?? '\\d+';
      expect(() => parseManifest(text)).toThrow(new RegExp(`^line ${line}: ${reason}$`));
    }
  });

  it('knows the write commands of the server, but for the two that it must not load', async () => {
    const { redis } = await start(1, ['--save', '']);
    const rows = (await redis.call('COMMAND')) as [string, number, string[], ...unknown[]][];
    const all = rows.flatMap((row) => [row, ...((row[9] ?? []) as typeof rows)]);
    const writing = all.filter(([, , flags]) => flags.includes('write')).map(([name]) => name);
    expect(writing.length).toBeGreaterThan(100);
    expect(writing.filter((name) => !isWriteCommand(name)).sort()).toEqual(['migrate', 'pfdebug']);
    expect(
      all
        .map(([name]) => name)
        .filter((name) => mayWrite(name) !== writing.includes(name))
        .sort(),
    ).toEqual(['debug', 'function', 'xgroup']);
  });

  it('finds the point up to which redis-check-aof would keep a cut file', async () => {
    const whole = aofOf(
      ['SELECT', '0'],
      ['SET', 'a', '1'],
      '#TS:1700000000\r\n',
      ['MULTI'],
      ['SET', 'b', 'x'.repeat(40)],
      ['INCR', 'n'],
      ['EXEC'],
      ['SET', 'c', ''],
    );
    const text = new TextDecoder().decode(whole);
    const inAnnotation = (size: number) => size > text.indexOf('#') && size < text.indexOf('*1\r\n$5\r\nMULTI');
    for (let size = 1; size <= whole.length; size += 7) {
      const file = join(dir, 'cut.aof');
      await writeFile(file, whole.subarray(0, size));
      const judged = inAnnotation(size) ? 'ok_up_to=50,' : await outcome('redis-check-aof', [file]);
      const reader = createAofReader();
      reader.feed(whole.subarray(0, size));
      const { okUpToBytes, tail } = reader.end();
      expect({ size, ok: tail === 'clean' }).toEqual({ size, ok: judged.includes('is valid') });
      if (judged.includes('ok_up_to=')) expect(judged).toContain(`ok_up_to=${okUpToBytes},`);
    }
  });

  it('is right to call an annotation cut in half torn: the server takes it, and dies of it at the start after', async () => {
    const home = join(dir, '1', 'appendonlydir');
    const incr = join(home, 'appendonly.aof.1.incr.aof');
    await mkdir(home, { recursive: true });
    await writeFile(join(home, 'appendonly.aof.manifest'), 'file appendonly.aof.1.incr.aof seq 1 type i\n');
    await writeFile(incr, aofOf(['SELECT', '0'], ['SET', 'a', '1'], '#TS:17000'));
    expect(aofTail(await readFile(incr), true)).toBe('torn');
    const first = await start(1, ['--appendonly', 'yes', '--save', '']);
    await first.redis.set('b', '2');
    await first.redis.shutdown('NOSAVE').catch(() => undefined);
    await first.ended;
    const said = await failingStart(join(dir, '1'));
    expect(said).toContain('Bad file format reading the append only file');
    expect(aofTail(await readFile(incr), true)).toBe('unknown');
  });
});

describe('AOF containment with a master that is killed', () => {
  const aof = ['--appendonly', 'yes', '--appendfsync', 'always', '--save', ''];

  async function fleet(more: readonly string[] = []) {
    const a = await start(1, [...aof, ...more]);
    const follow = ['--replicaof', `${block}.1 ${port}`];
    const b = await start(2, [...aof, ...more, ...follow]);
    const c = await start(3, [...aof, ...more, ...follow]);
    await until(() => linked(b.redis));
    await until(() => linked(c.redis));
    return { a, b, c };
  }

  async function lastIncr(server: Server): Promise<Uint8Array> {
    const home = join(server.dir, 'appendonlydir');
    const { entries } = parseManifest(await readFile(join(home, 'appendonly.aof.manifest'), 'utf8'));
    const name = entries.findLast(({ type }) => type === 'i')?.name ?? '';
    expect(await readdir(home)).toContain(name);
    return readFile(join(home, name));
  }

  async function found(window: Uint8Array | undefined, server: Server): Promise<number> {
    const search = createContainment(window ?? new Uint8Array(0));
    search.feed(await lastIncr(server));
    return search.found();
  }

  /** Everything whose bytes might differ between a master and its replicas. */
  async function writeAllKinds(redis: Redis): Promise<void> {
    await redis.set('plain', 'v');
    await redis.multi().set('m1', 1).incr('n').del('plain').exec();
    await redis.set('ex', 'v', 'EX', 1000);
    await redis.set('short', 'v', 'PX', 30);
    await redis.getex('ex', 'EX', 500);
    await redis.set('big', 'b'.repeat(100_000));
    await redis.incrbyfloat('float', 0.1);
    await redis.sadd('set', 1, 2, 3, 4, 5);
    await redis.spop('set', 2);
    await redis.xadd('stream', '*', 'f', 'v');
    await redis.eval(
      "redis.call('set', KEYS[1], redis.call('time')[1]); return redis.call('incr', KEYS[2])",
      2,
      't',
      'n',
    );
    await redis.select(3);
    await redis.rpush('list', 'a', 'b');
    await redis.blpop('list', 1);
    await redis.select(0);
    await redis.call('FUNCTION', 'LOAD', "#!lua name=l\nredis.register_function('f', function() return 1 end)");
    await until(async () => (await redis.exists('short')) === 0);
    await redis.set('last', 'v');
    expect(await redis.wait(2, 5000)).toBe(2);
  }

  async function promote(b: Server, c: Server): Promise<void> {
    await b.redis.replicaof('NO', 'ONE');
    await c.redis.replicaof(`${block}.2`, port);
    await until(() => linked(c.redis));
    for (let at = 0; at < 20; at++) await b.redis.set(`after${at}`, at);
    expect(await b.redis.wait(1, 5000)).toBe(1);
  }

  async function kill({ child, ended, redis }: Server): Promise<void> {
    redis.disconnect();
    child.kill('SIGKILL');
    await ended;
  }

  it.each([['no'], ['yes']])(
    'an empty tail is found once in both successors (aof-timestamp-enabled %s)',
    async (stamps) => {
      const { a, b, c } = await fleet(['--aof-timestamp-enabled', stamps]);
      await writeAllKinds(a.redis);
      await kill(a);
      await promote(b, c);
      const incr = await lastIncr(a);
      for (const maxBytes of [1_000_000, 1000]) {
        const window = containmentWindow(incr, maxBytes);
        expect(window?.length).toBeGreaterThan(maxBytes === 1000 ? 500 : 100_000);
        expect(await found(window, b)).toBe(1);
        expect(await found(window, c)).toBe(1);
      }
      expect(await found(containmentWindow(incr.subarray(-65_536), 65_536), b)).toBe(1);
    },
  );

  it('writes that only the former master has are not found', async () => {
    const { a, b, c } = await fleet();
    await writeAllKinds(a.redis);
    for (const { child } of [b, c]) child.kill('SIGSTOP');
    await a.redis.call('CLIENT', 'KILL', 'TYPE', 'replica');
    for (let at = 0; at < 5; at++) await a.redis.set(`alone${at}`, at);
    await kill(a);
    for (const { child } of [b, c]) child.kill('SIGCONT');
    await promote(b, c);
    const incr = await lastIncr(a);
    for (const maxBytes of [1_000_000, 1000, 60]) {
      expect(await found(containmentWindow(incr, maxBytes), b)).toBe(0);
      expect(await found(containmentWindow(incr, maxBytes), c)).toBe(0);
    }
  });
});

describe('the evidence patterns', () => {
  it.each([
    [evidencePattern, evidenceErePattern],
    [sentinelEvidencePattern, sentinelEvidenceErePattern],
  ])('pick the same lines in grep -E as here', async (pattern, ere) => {
    const names = (await readdir(new URL('log/', fixtures))).filter((name) => name.endsWith('.txt'));
    expect(names.length).toBeGreaterThan(5);
    for (const name of names) {
      const file = new URL(`log/${name}`, fixtures).pathname;
      const lines = (await readFile(file, 'latin1')).split('\n').filter((line) => pattern.test(line));
      const { stdout } = await run('grep', ['-aE', ere, file], { env: { LC_ALL: 'C', PATH: process.env.PATH } });
      expect(stdout.split('\n').slice(0, -1)).toEqual(lines);
    }
  });
});
