import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, open, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { lookThrough } from '../../src/hosts/remote/look/look.js';
import type { NodeEntry } from '../../src/model/inventory.js';
import { toJson } from '../../src/model/json.js';
import { expectSameFiles, fileOf, pairOf, request, still } from './look-pairs.js';
import { type OwnHost, OwnRedis, rawCommand, waitFor } from './own-redis.js';
import { shellChannel } from './shell-channel.js';

const own = new OwnRedis();
const never = new AbortController().signal;
const password = '#p4$s;%w&0rd=*!';
afterAll(() => own.end());

function nodes(host: OwnHost): readonly [NodeEntry, NodeEntry] {
  const [redis, sentinel] = host.entry.nodes;
  if (!redis || !sentinel) throw new Error('two nodes are declared');
  return [redis, sentinel];
}

const backlog = (replid: string) =>
  `9:M 31 Dec 2025 00:00:00.000 * Replication backlog created, my new replication IDs are '${replid.repeat(40)}' and '${'0'.repeat(40)}'\n`;

describe('a look through a shell at a running host', () => {
  it('brings includes, rotated logs, leftovers, lock and hold, and no secret', async () => {
    const host = await own.host('pv1');
    const [redis, sentinel] = nodes(host);
    const parts = join(host.directory, 'redis', 'parts');
    await mkdir(parts);
    await writeFile(
      join(parts, '10-auth.conf'),
      `requirepass "${password}"\nmasterauth "${password}"\ninclude more.txt\n`,
    );
    await writeFile(join(parts, '.hidden.conf'), 'port 1\n');
    await writeFile(join(host.directory, 'redis', 'data', 'more.txt'), 'maxclients 500\n');
    await own.config(redis, ['appendonly yes', 'save 3600 1', `include ${parts}/*.conf`]);
    await own.config(sentinel, [
      'protected-mode no',
      `sentinel monitor g ${host.address} 6379 1`,
      `sentinel auth-pass g ${password}`,
    ]);
    await own.start(redis);
    await rawCommand(host.address, 6379, ['AUTH', password], ['SET', 'k', 'v']);
    await own.start(sentinel);
    await waitFor('its id', async () =>
      (await readFile(sentinel.config, 'utf8')).includes('myid') ? true : undefined,
    );
    const log = join(host.directory, 'redis', 'node.log');
    await writeFile(`${log}.1`, backlog('b'));
    await writeFile(`${log}.2.gz`, gzipSync(backlog('a')));
    await writeFile(`${log}.old`, backlog('c'));
    await writeFile(join(host.directory, 'redis', 'data', 'temp-4711.rdb'), 'REDIS0010 half');
    await mkdir(join(host.directory, 'state', 'hold'), { recursive: true });
    await writeFile(join(host.directory, 'state', 'lock.json'), '{"run":"7K3Q"}');
    await writeFile(join(host.directory, 'state', 'hold', 'sentinel'), '{"run":"7K3Q"}');

    const pair = await pairOf(host.entry);
    expectSameFiles(pair);
    expect(pair.channel.commands).toHaveLength(1);
    const { remote } = pair;
    expect(fileOf(remote, 'include', 'more.txt').content).toMatchObject({
      ok: true,
      value: { text: 'maxclients 500\n' },
    });
    expect(remote.files.some((file) => file.path.endsWith('.hidden.conf'))).toBe(false);
    const lines = fileOf(remote, 'log', 'redis/node.log').content;
    expect(toJson(lines)).toContain('a'.repeat(40));
    expect(toJson(lines)).not.toContain('c'.repeat(40));
    const info = remote.answers.find(({ node, command }) => node === 'pv1' && command === 'INFO all');
    expect(info?.answer).toMatchObject({ ok: true, value: expect.stringContaining('role:master') });
    for (const text of [toJson(remote), ...pair.channel.commands]) expect(text).not.toContain(password);
  });

  it('asks a second time for what its own reading of a config did not find', async () => {
    const host = await own.host('pv2');
    const [redis] = nodes(host);
    const elsewhere = join(host.directory, 'else where');
    await mkdir(elsewhere);
    await writeFile(join(elsewhere, "du'mp.rdb"), await readFile('test/fixtures/rdb/replica-7.0.15.rdb'));
    await writeFile(join(elsewhere, 'own log'), backlog('d'));
    await writeFile(join(elsewhere, 'inc.conf'), 'maxclients 77\n');
    const quoted = elsewhere.replace(' ', '\\x20');
    await writeFile(
      redis.config,
      `dir "${quoted}"\ndbfilename "du\\'mp.rdb"\nlogfile "own\\x20log"\n"include" "./inc.conf"\n`,
    );
    const pair = await pairOf(host.entry);
    expectSameFiles(pair);
    expect(pair.channel.commands).toHaveLength(2);
    expect(fileOf(pair.remote, 'rdb').content.ok).toBe(true);
    expect(toJson(fileOf(pair.remote, 'log').content)).toContain('d'.repeat(40));
  });

  it('follows a server that was told to keep its data elsewhere', async () => {
    const host = await own.host('pv3');
    const [redis] = nodes(host);
    await own.config(redis, ['protected-mode no', 'enable-protected-configs yes']);
    await own.start(redis);
    const moved = join(host.directory, 'moved');
    await mkdir(moved);
    await rawCommand(
      host.address,
      6379,
      ['CONFIG', 'SET', 'dir', moved],
      ['CONFIG', 'SET', 'dbfilename', 'm.rdb'],
      ['SAVE'],
    );
    const pair = await pairOf(host.entry);
    expectSameFiles(pair);
    expect(pair.channel.commands).toHaveLength(2);
    expect(fileOf(pair.remote, 'rdb', 'moved/m.rdb').content.ok).toBe(true);
  });

  it('sends no password to a listener that is no redis', async () => {
    const host = await own.host('pv4');
    const [redis] = nodes(host);
    await own.config(redis, [`requirepass "${password}"`]);
    const heard: Buffer[] = [];
    const fake = createServer((socket) => {
      socket.on('data', (chunk) => {
        heard.push(chunk);
        socket.write('-NOAUTH Authentication required.\r\n');
      });
      socket.on('error', () => undefined);
    });
    await new Promise<void>((resolve) => fake.listen(6379, host.address, () => resolve()));
    try {
      const pair = await pairOf(host.entry);
      expect(Buffer.concat(heard).toString()).not.toContain('AUTH');
      expect(still(pair.remote.answers)).toEqual(still(pair.local.answers));
      const said = pair.remote.answers.find(({ command }) => command === 'INFO all')?.answer;
      expect(said).toMatchObject({ ok: false, why: 'denied', detail: expect.stringContaining('not by redis-server') });
    } finally {
      fake.close();
    }
  });
});

describe('a hostile host', () => {
  it('gets nothing run by the names of its files', async () => {
    const host = await own.host('pv5');
    const [redis, sentinel] = nodes(host);
    const canary = join(host.directory, 'canary');
    const bad = [
      '$(touch canary)',
      '`touch canary`',
      "a'b;touch canary;'",
      'a"b',
      '-rf',
      'x\ny',
      '*',
      'a\\b',
      '{secret}',
    ];
    const parts = join(host.directory, 'redis', 'parts $(touch canary)');
    await mkdir(parts);
    for (const name of bad) await writeFile(join(parts, `${name}.conf`), `# ${name.replace('\n', ' ')}\n`);
    const data = join(host.directory, 'redis', "data';touch canary;'$(touch canary)");
    await mkdir(join(data, 'aof `touch canary`'), { recursive: true });
    for (const name of bad) await writeFile(join(data, `temp-${name}.rdb`), 'REDIS0010');
    await writeFile(join(data, 'dump $(touch canary).rdb'), 'REDIS0011');
    await writeFile(
      join(data, 'aof `touch canary`', 'appendonly.aof.manifest'),
      'file $(touch).aof seq 1 type b\nfile `touch`.aof seq 1 type i\n',
    );
    await writeFile(join(data, 'aof `touch canary`', '$(touch).aof'), 'REDIS0011');
    await writeFile(join(data, 'aof `touch canary`', '`touch`.aof'), '*1\r\n$4\r\nPING\r\n');
    await writeFile(join(data, '$(touch canary).log'), backlog('e'));
    await writeFile(join(data, '$(touch canary).log.1'), backlog('f'));
    const lines = [
      `include "${parts}/*.conf"`,
      `dir "${data}"`,
      'dbfilename "dump $(touch canary).rdb"',
      'appenddirname "aof `touch canary`"',
      'logfile "$(touch canary).log"',
    ];
    await writeFile(redis.config, `${lines.join('\n')}\n`);
    await writeFile(sentinel.config, 'logfile "`touch canary`"\ndir $(touch canary)\ninclude ;touch\tcanary\n');
    const pair = await pairOf(host.entry, shellChannel('pv5', ['/usr/bin/env', '-C', host.directory, '/bin/sh', '-c']));
    expectSameFiles(pair);
    expect(pair.remote.files.filter(({ role }) => role === 'include').length).toBeGreaterThanOrEqual(bad.length);
    expect(pair.remote.files.filter(({ role }) => role === 'leftover')).toHaveLength(bad.length - 1);
    const seen = [host.directory, '/', join(host.directory, 'redis'), data, parts].flatMap((at) => readdirSync(at));
    expect(seen.filter((name) => name === 'canary')).toEqual([]);
    expect(existsSync(canary)).toBe(false);
  });

  it('cannot make it wait, or fill its memory', async () => {
    const host = await own.host('pv6');
    const [redis, sentinel] = nodes(host);
    const data = join(host.directory, 'redis', 'data');
    const log = join(data, 'one-line.log');
    const file = await open(log, 'w');
    await file.write(backlog('a'));
    await file.truncate(1024 ** 3);
    await file.write(Buffer.alloc(17 * 1024 ** 2, 'x'), 0, undefined, 1024 ** 3);
    await file.write(`\n${backlog('b')}`, 1024 ** 3 + 17 * 1024 ** 2);
    await file.close();
    for (const fifo of ['dump.rdb', 'pipe.conf', 'pipe.log', 'appendonly.aof']) spawnSync('mkfifo', [join(data, fifo)]);
    await mkdir(join(data, 'appendonlydir'));
    await writeFile(join(data, 'endless.log.1.gz'), gzipSync(Buffer.alloc(80 * 1024 ** 2, 'y')));
    await writeFile(redis.config, `dir ${data}\nlogfile ${log}\ninclude ${data}/pipe.conf\ninclude /dev/zero\n`);
    await writeFile(sentinel.config, `logfile ${data}/pipe.log\ndir ${data}\n`);
    const before = process.memoryUsage().rss;
    const began = performance.now();
    const raw = await lookThrough(shellChannel('pv6'), host.entry, request, never);
    expect(performance.now() - began).toBeLessThan(5000);
    expect(process.memoryUsage().rss - before).toBeLessThan(150 * 1024 ** 2);
    const content = toJson(fileOf(raw, 'log', 'one-line.log').content);
    expect(content).toContain('b'.repeat(40));
    expect(content.length).toBeLessThan(100_000);
    for (const role of ['rdb', 'include', 'aof'] as const) {
      expect(fileOf(raw, role).content).toMatchObject({
        ok: false,
        why: 'denied',
        detail: expect.stringMatching(/not a regular/),
      });
    }
    expect(fileOf(raw, 'log', 'pipe.log').content).toMatchObject({ ok: false, why: 'denied' });
  });

  it('brings nothing of a file that the server could not read', async () => {
    const host = await own.host('pv7');
    const [redis] = nodes(host);
    const data = join(host.directory, 'redis', 'data');
    await symlink('/etc/shadow', join(data, 'dump.rdb'));
    await symlink('/etc/shadow', join(data, 'linked.conf'));
    await symlink('/etc/shadow', join(data, 'node.log'));
    await writeFile(redis.config, `dir ${data}\ninclude /etc/shadow\ninclude linked.conf\nlogfile node.log\n`);
    // As root the server's user must be another, as on a real host; else the kernel itself says no.
    if (process.getuid?.() === 0) spawnSync('chown', ['-hR', '65534:65534', host.directory]);
    const channel = shellChannel('pv7');
    const stdout: Buffer[] = [];
    const raw = await lookThrough(
      {
        ...channel,
        exec: async (command, options, signal) => {
          const result = await channel.exec(command, options, signal);
          stdout.push(Buffer.from(result.stdout));
          return result;
        },
      },
      host.entry,
      request,
      never,
    );
    for (const path of ['/etc/shadow', join(data, 'linked.conf'), join(data, 'dump.rdb'), join(data, 'node.log')]) {
      const file = raw.files.find((each) => each.path === path);
      expect(file?.content, path).toMatchObject({ ok: false, why: 'denied' });
    }
    expect(Buffer.concat(stdout).toString('latin1')).not.toMatch(/^root:/m);
    expect(toJson(raw)).not.toContain('root:');
  });

  it('may hold tens of thousands of names', async () => {
    const host = await own.host('pv8');
    const [redis] = nodes(host);
    const data = join(host.directory, 'redis', 'data');
    spawnSync('sh', [
      '-c',
      'cd "$1" && seq 1 20000 | sed "s/.*/temp-&.rdb/" | xargs touch && seq 1 5000 | sed "s/.*/n.log.&/" | xargs touch',
      'sh',
      data,
    ]);
    await writeFile(join(data, 'n.log'), backlog('a'));
    await writeFile(redis.config, `dir ${data}\nlogfile n.log\ninclude ${data}/temp*\n`);
    const began = performance.now();
    const raw = await lookThrough(shellChannel('pv8'), host.entry, request, never);
    expect(performance.now() - began).toBeLessThan(request.limits.lookTimeoutMs);
    expect(raw.files.filter(({ role }) => role === 'leftover')).toHaveLength(100);
    expect(raw.files.filter(({ role }) => role === 'include').length).toBeLessThanOrEqual(100);
    expect(toJson(fileOf(raw, 'log').content)).toContain('a'.repeat(40));
  });

  it('writes nothing', async () => {
    const host = await own.host('pv9');
    const [redis] = nodes(host);
    await own.config(redis, ['save ""']);
    await rename(redis.config, redis.config);
    const snapshot = () => {
      const at = (path: string) => spawnSync('stat', ['-c', '%n %s %.9Y %.9Z %a %i', path]).stdout.toString();
      const paths = readdirSync(host.directory, { recursive: true, withFileTypes: true }).map((e) =>
        join(e.parentPath, e.name),
      );
      const sums = paths.flatMap((path) =>
        /\.conf$/.test(path) ? [createHash('sha256').update(readFileSync(path)).digest('hex')] : [],
      );
      return [...paths.map(at), ...sums];
    };
    const before = snapshot();
    await lookThrough(shellChannel('pv9'), host.entry, request, never);
    expect(snapshot()).toEqual(before);
  });
});

describe('a host that does not answer as a shell should', () => {
  it('is an error that repeats what it said', async () => {
    const host = await own.host('pv10');
    const refused = shellChannel('pv10', [
      '/bin/sh',
      '-c',
      'echo "This account is currently not available." >&2; exit 1',
    ]);
    await expect(lookThrough(refused, host.entry, request, never)).rejects.toThrow(/pv10: .*not available/);
  });

  it('streams for ever and costs no more than the limit', async () => {
    const host = await own.host('pv11');
    const began = performance.now();
    const endless = lookThrough(shellChannel('pv11', ['/usr/bin/yes']), host.entry, request, never);
    await expect(endless).rejects.toThrow(/pv11/);
    expect(performance.now() - began).toBeLessThan(10_000);
  });

  it('greets before it answers', async () => {
    const host = await own.host('pv12');
    const [redis] = nodes(host);
    await own.config(redis, []);
    const greeting = shellChannel('pv12', [
      '/bin/sh',
      '-c',
      'echo "Welcome to pv12"; printf "\\n\\n"; exec /bin/sh -c "$0"',
    ]);
    const pair = await pairOf(host.entry, greeting);
    expectSameFiles(pair);
  });

  it('hangs in the middle, and what came before is kept', async () => {
    const host = await own.host('pv13');
    const [redis] = nodes(host);
    await own.config(redis, ['dbfilename d.rdb']);
    const bin = join(host.directory, 'bin');
    await mkdir(bin);
    await writeFile(join(bin, 'dd'), '#!/bin/sh\nexec sleep 600\n', { mode: 0o755 });
    await writeFile(join(host.directory, 'redis', 'data', 'd.rdb'), 'REDIS0011');
    const slow = shellChannel('pv13', ['/usr/bin/env', `PATH=${bin}:${process.env.PATH}`, '/bin/sh', '-c']);
    const limits = { ...request.limits, lookTimeoutMs: 3000 };
    const began = performance.now();
    const raw = await lookThrough(slow, host.entry, { ...request, limits }, never);
    expect(performance.now() - began).toBeLessThan(4000);
    expect(fileOf(raw, 'redis.conf').content.ok).toBe(true);
    expect(fileOf(raw, 'rdb').content).toMatchObject({ ok: false, why: 'timeout' });
    expect(fileOf(raw, 'sentinel.conf').content).toMatchObject({ ok: false, why: 'absent' });
    const left = spawnSync('sh', ['-c', 'grep -l "^sleep.600" /proc/[0-9]*/cmdline 2>/dev/null | wc -l']);
    expect(left.stdout.toString().trim()).toBe('0');
  });
});
