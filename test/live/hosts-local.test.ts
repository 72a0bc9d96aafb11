import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultLimits, type LookRequest } from '../../src/hosts/host.js';
import { openLocalHost } from '../../src/hosts/local.js';
import type { NodeEntry } from '../../src/model/inventory.js';
import { toJson } from '../../src/model/json.js';
import type { RawFile, RawHost } from '../../src/model/raw-host.js';
import { kill, type OwnHost, OwnRedis, ownAddress, rawCommand, waitFor } from './own-redis.js';

const own = new OwnRedis();
const password = '#p4$s;%w&0rd=*!';
const never = new AbortController().signal;
const request: LookRequest = { groups: ['stn-master'], passwords: new Map(), limits: defaultLimits };

function nodes(host: OwnHost): readonly [NodeEntry, NodeEntry] {
  const [redis, sentinel] = host.entry.nodes;
  if (!redis || !sentinel) throw new Error('two nodes are declared');
  return [redis, sentinel];
}

function fileOf(raw: RawHost, role: RawFile['role'], end = ''): RawFile {
  const found = raw.files.find((file) => file.role === role && file.path.endsWith(end));
  if (!found) throw new Error(`no ${role} ${end}`);
  return found;
}

function contentOf(file: RawFile) {
  if (!file.content.ok) throw new Error(`${file.path}: ${file.content.detail}`);
  return file.content.value;
}

function answerOf(raw: RawHost, node: string, command: string) {
  return raw.answers.find((answer) => answer.node === node && answer.command === command)?.answer;
}

/** Every file below a directory with size, times, mode, inode and content: what a look must leave as it is. */
async function snapshot(directory: string): Promise<Record<string, string>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const seen: Record<string, string> = {};
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    const { size, mtimeNs, ctimeNs, mode, ino } = await stat(path, { bigint: true });
    const hash = entry.isFile()
      ? createHash('sha256')
          .update(await readFile(path))
          .digest('hex')
      : '';
    seen[path] = `${size} ${mtimeNs} ${ctimeNs} ${mode} ${ino} ${hash}`;
  }
  return seen;
}

async function fleet(name: string): Promise<OwnHost> {
  const host = await own.host(name);
  const [redis, sentinel] = nodes(host);
  const parts = join(host.directory, 'redis', 'parts');
  await mkdir(parts);
  await writeFile(join(parts, '10-auth.conf'), `requirepass "${password}"\nmasterauth "${password}"\n`);
  await writeFile(join(parts, '.hidden.conf'), 'port 1\n');
  await own.config(redis, ['appendonly yes', 'save 3600 1', `include ${parts}/*.conf`]);
  const monitor = [`sentinel monitor stn-master ${host.address} 6379 1`, `sentinel auth-pass stn-master ${password}`];
  await own.config(sentinel, ['protected-mode no', ...monitor]);
  await own.start(redis);
  await rawCommand(host.address, 6379, ['AUTH', password], ['SET', 'k', 'v'], ['BGSAVE']);
  await waitFor('the save', async () => {
    const info = await rawCommand(host.address, 6379, ['AUTH', password], ['INFO', 'persistence']);
    return info.includes('rdb_bgsave_in_progress:0') && info.includes('rdb_changes_since_last_save:0')
      ? true
      : undefined;
  });
  await own.start(sentinel);
  await waitFor('its own id', async () =>
    (await readFile(sentinel.config, 'utf8')).includes('myid') ? true : undefined,
  );
  await writeFile(join(host.directory, 'redis', 'data', 'temp-4711.rdb'), 'REDIS0010 half');
  const rotated = '9:M 01 Jan 2026 00:00:00.000 # Server initialized\n';
  const oldest = "9:M 31 Dec 2025 00:00:00.000 * Replication backlog created, my new replication IDs are '";
  await writeFile(join(host.directory, 'redis', 'node.log.1'), rotated);
  await writeFile(
    join(host.directory, 'redis', 'node.log.2.gz'),
    gzipSync(`${oldest}${'a'.repeat(40)}' and '${'0'.repeat(40)}'\n`),
  );
  await mkdir(join(host.directory, 'state', 'hold'), { recursive: true });
  await writeFile(join(host.directory, 'state', 'lock.json'), '{"run":"7K3Q"}');
  await writeFile(join(host.directory, 'state', 'hold', 'sentinel'), '{"run":"7K3Q"}');
  return host;
}

afterAll(() => own.end());

describe('a look at a running host', () => {
  let host: OwnHost;
  let raw: RawHost;
  let before: Record<string, string>;
  let after: Record<string, string>;
  let calls: string;

  beforeAll(async () => {
    const neighbour = await own.host('pv9');
    await own.config(nodes(neighbour)[0], ['protected-mode no']);
    await own.start(nodes(neighbour)[0]);
    host = await fleet('pv1');
    await rawCommand(host.address, 6379, ['AUTH', password], ['CONFIG', 'RESETSTAT']);
    before = await snapshot(join(host.directory, 'redis'));
    const state = await snapshot(join(host.directory, 'state'));
    raw = await openLocalHost(host.entry).look(request, never);
    after = { ...(await snapshot(join(host.directory, 'redis'))), ...(await snapshot(join(host.directory, 'state'))) };
    before = { ...before, ...state };
    calls = await rawCommand(host.address, 6379, ['AUTH', password], ['INFO', 'commandstats']);
  });

  it('finds its own two processes and no neighbour', () => {
    if (!raw.processes.ok) throw new Error(raw.processes.detail);
    const listens = raw.processes.value.map((process) => process.listens);
    expect(listens.sort()).toEqual([[`${host.address}:26379`], [`${host.address}:6379`]]);
    for (const process of raw.processes.value) {
      expect(process.exe).toMatch(/redis-(server|check-rdb)$/);
      expect(Math.abs(process.startedAtMs - Date.now())).toBeLessThan(120_000);
      expect(process.cwd).toMatch(/data$/);
    }
  });

  it('brings the configs with their includes and without their secrets', () => {
    expect(contentOf(fileOf(raw, 'include', '10-auth.conf'))).toEqual({
      text: expect.stringMatching(/^requirepass "?\{secret:[0-9a-f]{16}\}"?\nmasterauth/),
    });
    expect(raw.files.some((file) => file.path.endsWith('.hidden.conf'))).toBe(false);
    expect(contentOf(fileOf(raw, 'sentinel.conf'))).toEqual({
      text: expect.stringContaining(`sentinel monitor stn-master ${host.address} 6379 1`),
    });
    const text = toJson(raw);
    for (const shape of [password, JSON.stringify(password).slice(1, -1), encodeURIComponent(password)]) {
      expect(text).not.toContain(shape);
    }
    expect(text).not.toContain(Buffer.from(password).toString('base64').slice(0, -4));
  });

  it('brings the edges of the data files', () => {
    const rdb = contentOf(fileOf(raw, 'rdb', '/dump.rdb'));
    const head = 'head' in rdb ? Buffer.from(rdb.head, 'base64') : Buffer.alloc(0);
    expect(head.subarray(0, 5).toString()).toBe('REDIS');
    expect(createHash('sha256').update(head).digest('hex')).toBe(after[fileOf(raw, 'rdb').path]?.split(' ').at(-1));
    expect(contentOf(fileOf(raw, 'aof-manifest'))).toEqual({
      text: expect.stringMatching(/^file appendonly\.aof\.1\.base/),
    });
    const incr = contentOf(fileOf(raw, 'aof', '.1.incr.aof'));
    expect('head' in incr && Buffer.from(incr.head, 'base64').toString()).toContain('SET');
    expect(contentOf(fileOf(raw, 'aof', '.1.base.rdb'))).toHaveProperty('tail', '');
    expect(fileOf(raw, 'aof', 'data/appendonly.aof').content).toMatchObject({ ok: false, why: 'absent' });
    expect(fileOf(raw, 'leftover').path).toMatch(/temp-4711\.rdb$/);
    expect(fileOf(raw, 'leftover').stat).toMatchObject({ ok: true, value: { sizeBytes: 14n } });
  });

  it('brings the evidence of the logs, oldest first', () => {
    const log = contentOf(fileOf(raw, 'log', 'redis/node.log'));
    if (!('matches' in log)) throw new Error('a log has matches');
    expect(log.matches[0]).toMatchObject({ file: expect.stringMatching(/node\.log\.2\.gz$/), line: 1 });
    expect(log.matches.some((line) => line.text.includes('Ready to accept connections'))).toBe(true);
    expect(log.tail.length).toBeGreaterThan(0);
    expect(log.tail.length).toBeLessThanOrEqual(defaultLimits.logTailLines);
    expect(log.tail.at(-1)?.file).toMatch(/node\.log$/);
  });

  it('asks redis and sentinel', () => {
    expect(answerOf(raw, 'pv1', 'ROLE')).toMatchObject({ ok: true, value: ['master', expect.any(String), []] });
    expect(answerOf(raw, 'pv1', 'INFO all')).toMatchObject({
      ok: true,
      value: expect.stringContaining('master_replid:'),
    });
    expect(answerOf(raw, 'pv1', 'CONFIG GET appendonly')).toMatchObject({ ok: true, value: ['appendonly', 'yes'] });
    const master = answerOf(raw, 'pv1/sentinel', 'SENTINEL MASTER stn-master');
    expect(master).toMatchObject({ ok: true, value: expect.arrayContaining(['config-epoch', 'quorum']) });
    expect(answerOf(raw, 'pv1/sentinel', 'SENTINEL MYID')).toMatchObject({
      ok: true,
      value: expect.stringMatching(/^\w{40}$/),
    });
    expect(answerOf(raw, 'pv1/sentinel', 'SENTINEL GET-MASTER-ADDR-BY-NAME stn-master')).toMatchObject({
      ok: true,
      value: [host.address, '6379'],
    });
    expect(raw.answers.filter((answer) => !answer.answer.ok)).toEqual([]);
  });

  it('reads the lock and the holds, and says that the other is not there', () => {
    expect(contentOf(fileOf(raw, 'lock'))).toEqual({ text: '{"run":"7K3Q"}' });
    expect(contentOf(fileOf(raw, 'hold', '/sentinel'))).toEqual({ text: '{"run":"7K3Q"}' });
    expect(fileOf(raw, 'hold', '/redis').content).toMatchObject({ ok: false, why: 'absent' });
  });

  it('writes nothing: files as before, and only commands that read', () => {
    expect(after).toEqual(before);
    const seen = [...calls.matchAll(/cmdstat_([^:]+):/g)].map((match) => match[1]);
    const ours = seen.filter((name) => !/^(quit|publish|subscribe|client\|setname|multi|exec)$/.test(name ?? ''));
    expect(new Set(ours)).toEqual(new Set(['auth', 'ping', 'info', 'role', 'config|get', 'config|resetstat']));
  });

  it('prints nothing of its own, however many readings wait for one signal', async () => {
    const warnings: string[] = [];
    const note = (warning: Error) => warnings.push(warning.message);
    process.on('warning', note);
    const one = openLocalHost(host.entry);
    await Promise.all(Array.from({ length: 4 }, () => one.look(request, never)));
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', note);
    expect(warnings).toEqual([]);
  });

  it('takes one reading of time for a hung node, and the others still answer', async () => {
    const redis = raw.processes.ok && raw.processes.value.find((process) => process.listens[0]?.endsWith(':6379'));
    if (!redis) throw new Error('no process');
    process.kill(redis.pid, 'SIGSTOP');
    const began = performance.now();
    const limits = { ...defaultLimits, readingTimeoutMs: 500 };
    const hung = await openLocalHost(host.entry).look({ ...request, limits }, never);
    const elapsedMs = performance.now() - began;
    process.kill(redis.pid, 'SIGCONT');
    expect(answerOf(hung, 'pv1', 'INFO all')).toMatchObject({ ok: false, why: 'timeout' });
    expect(answerOf(hung, 'pv1/sentinel', 'INFO')).toMatchObject({ ok: true });
    expect(hung.processes.ok && hung.processes.value).toHaveLength(2);
    expect(contentOf(fileOf(hung, 'rdb'))).toHaveProperty('head');
    expect(elapsedMs).toBeLessThan(1200);
  });
});

describe('a look at a dead host', () => {
  it('has no process, refused answers and every file', async () => {
    const host = await fleet('pv2');
    const look = () => openLocalHost(host.entry).look(request, never);
    const alive = await look();
    if (!alive.processes.ok) throw new Error(alive.processes.detail);
    for (const { pid } of alive.processes.value) process.kill(pid, 'SIGKILL');
    const raw = await waitFor('their end', async () => {
      const dead = await look();
      return dead.processes.ok && dead.processes.value.length === 0 ? dead : undefined;
    });
    expect(answerOf(raw, 'pv2', 'INFO all')).toMatchObject({ ok: false, why: 'refused' });
    expect(answerOf(raw, 'pv2/sentinel', 'INFO')).toMatchObject({ ok: false, why: 'refused' });
    expect(contentOf(fileOf(raw, 'aof-manifest'))).toHaveProperty('text');
    expect(contentOf(fileOf(raw, 'rdb'))).toHaveProperty('head');
  });

  it('where another program took the port: neither asks it nor sends it a password', async () => {
    const host = await own.host('pv3');
    await own.config(nodes(host)[0], [`requirepass "${password}"`]);
    let received = '';
    const thief = createServer((socket) => socket.on('data', (chunk) => (received += chunk.toString())));
    await new Promise<void>((resolve) => thief.listen(6379, host.address, resolve));
    const raw = await openLocalHost(host.entry).look(request, never);
    thief.close();
    const answer = answerOf(raw, 'pv3', 'INFO all');
    expect(answer).toMatchObject({ ok: false, why: 'denied' });
    expect(answer?.ok === false && answer.detail).toContain(`port 6379 on pv3 is held by`);
    expect(answer?.ok === false && answer.detail).toContain(`(pid ${process.pid}), not by redis-server`);
    expect(received).toBe('');
  });

  it('with neither config nor directory says absent, not unknown', async () => {
    const host = await own.host('pv4', ownAddress());
    const raw = await openLocalHost(host.entry).look(request, never);
    expect(fileOf(raw, 'redis.conf').content).toMatchObject({ ok: false, why: 'absent' });
    expect(raw.processes).toMatchObject({ ok: true, value: [] });
    expect(raw.diskFreeBytes.ok && raw.diskFreeBytes.value > 0).toBe(true);
  });

  it('hides a password on a command line, and takes no pretender for the node', async () => {
    const host = await own.host('pvd');
    const [redis] = nodes(host);
    const args = ['-c', 'read x', redis.config, '--requirepass', password];
    const cwd = join(host.directory, 'redis', 'data');
    await own.config(redis, []);
    const pretender = own.adopt(spawn('sh', args, { argv0: 'redis-server', cwd, stdio: ['pipe', 'ignore', 'ignore'] }));
    const raw = await openLocalHost(host.entry).look(request, never);
    const [seen, ...more] = raw.processes.ok ? raw.processes.value : [];
    expect(more).toEqual([]);
    expect(seen?.title).toMatch(/^redis-server -c read x .* --requirepass \{secret:[0-9a-f]{16}\}$/);
    expect(toJson(raw)).not.toContain(password);
    expect(await openLocalHost(host.entry).service(redis).stop(1000, never)).toBe('was-stopped');
    expect(pretender.exitCode).toBeNull();
  });

  it('follows what a running node was told, not only its file', async () => {
    const host = await own.host('pve');
    const [redis] = nodes(host);
    await own.config(redis, ['protected-mode no', 'enable-protected-configs yes', 'dbfilename file.rdb']);
    await own.start(redis);
    await rawCommand(host.address, 6379, ['CONFIG', 'SET', 'dbfilename', 'told.rdb'], ['SET', 'k', 'v'], ['SAVE']);
    const raw = await openLocalHost(host.entry).look(request, never);
    const dumps = raw.files
      .filter((file) => file.role === 'rdb')
      .map((file) => [file.path.split('/').at(-1), file.stat.ok]);
    expect(dumps).toEqual([
      ['file.rdb', false],
      ['told.rdb', true],
    ]);
  });

  it('does not bring back what is no data file, a link or a pipe', async () => {
    const host = await own.host('pv5');
    const [redis] = nodes(host);
    await own.config(redis, ['dbfilename notes.txt', 'appendfilename "link.aof"', 'include /dev/zero']);
    const data = join(host.directory, 'redis', 'data');
    await writeFile(join(data, 'notes.txt'), 'root:x:0:0');
    await symlink('/etc/hostname', join(data, 'link.aof'));
    const raw = await openLocalHost(host.entry).look(request, never);
    expect(fileOf(raw, 'rdb').content).toMatchObject({ ok: false, why: 'unparseable' });
    expect(fileOf(raw, 'aof', 'link.aof')).toMatchObject({ content: { ok: false, why: 'denied' } });
    expect(fileOf(raw, 'aof', 'link.aof').stat).toMatchObject({ ok: true, value: { type: 'link' } });
    expect(fileOf(raw, 'include').content).toMatchObject({ ok: false, why: 'denied' });
  });
});

describe('the process service', () => {
  const text = (error: unknown) => (error instanceof Error ? error.message : String(error));

  it('starts, finds, holds, stops', async () => {
    const host = await own.host('pv6');
    const [redis] = nodes(host);
    await own.config(redis, ['protected-mode no', 'daemonize yes', 'save ""']);
    const service = openLocalHost(host.entry).service(redis);
    expect(await service.pid(never)).toMatchObject({ ok: true, value: null });
    await service.start(never);
    const pid = await service.pid(never);
    expect(pid).toMatchObject({ ok: true, value: expect.any(Number) });
    await service.start(never);
    expect((await service.pid(never)).ok && (await service.pid(never))).toMatchObject({
      value: pid.ok ? pid.value : 0,
    });
    await service.hold('7K3Q', never);
    await service.hold('7K3Q', never);
    expect(await service.holder(never)).toMatchObject({ ok: true, value: { run: '7K3Q' } });
    expect(await service.hold('AAAA', never).catch(text)).toContain('held by run 7K3Q');
    expect(await service.release('AAAA', never).catch(text)).toContain('held by run 7K3Q');
    expect(await service.stop(5000, never)).toBe('stopped');
    expect(await service.pid(never)).toMatchObject({ ok: true, value: null });
    expect(await service.stop(5000, never)).toBe('was-stopped');
    expect(await service.start(never).catch(text)).toContain('held by run 7K3Q');
    await service.release('7K3Q', never);
    expect(await service.holder(never)).toMatchObject({ ok: true, value: null });
    await service.start(never);
    expect(await service.stop(5000, never)).toBe('stopped');
    expect(await readdir(host.entry.state)).toEqual(['hold']);
  });

  it('takes with its hold what a run that was killed in the middle of one left, and nothing else', async () => {
    const host = await own.host('pv6');
    const [redis] = nodes(host);
    await own.config(redis, []);
    const service = openLocalHost(host.entry).service(redis);
    await service.hold('7K3Q', never);
    const directory = join(host.entry.state, 'hold');
    const [name = ''] = await readdir(directory);
    const others = [
      `.${name}.redis-runbook-`,
      `.${name}.redis-runbook-0123456789abcdef`,
      `.other.redis-runbook-0123456789ab`,
    ];
    for (const left of [`.${name}.redis-runbook-0123456789ab`, ...others]) await writeFile(join(directory, left), '');
    await service.release('7K3Q', never);
    expect((await readdir(directory)).sort()).toEqual([...others].sort());
    expect(await service.holdLeftOver?.(never)).toBe(false);
    await writeFile(join(directory, `.${name}.redis-runbook-0123456789ab`), '');
    expect(await service.holder(never)).toMatchObject({ ok: true, value: null });
    expect(await service.holdLeftOver?.(never)).toBe(true);
    await service.release('7K3Q', never);
    expect((await readdir(directory)).sort()).toEqual([...others].sort());
  });

  it('starts a node that stays in the foreground, and ends a wait for one that hangs', async () => {
    const host = await own.host('pv7');
    const sentinel = nodes(host)[1];
    await own.config(sentinel, ['protected-mode no', `sentinel monitor g ${host.address} 6379 1`]);
    const service = openLocalHost(host.entry).service(sentinel);
    await service.start(never);
    const pid = await service.pid(never);
    if (!pid.ok || pid.value === null) throw new Error('it runs');
    process.kill(pid.value, 'SIGSTOP');
    expect(await service.stop(200, never)).toBe('still-running');
    process.kill(pid.value, 'SIGCONT');
    await waitFor('its end', async () => ((await service.stop(5000, never)) !== 'still-running' ? true : undefined));
  });

  it('says commands that do the same by hand', async () => {
    const host = await own.host('pvf');
    const [redis] = nodes(host);
    await own.config(redis, ['protected-mode no', 'daemonize yes', 'save ""']);
    const service = openLocalHost(host.entry).service(redis);
    const shell = (line: string) => expect([line, spawnSync('sh', ['-c', line]).status]).toEqual([line, 0]);
    shell(service.says.hold);
    expect(await service.holder(never)).toMatchObject({ ok: true, value: { run: 'by-hand' } });
    expect(await service.start(never).catch(text)).toContain('held by run by-hand');
    shell(service.says.release);
    shell(service.says.start);
    const pid = await waitFor('the node', async () => {
      const seen = await service.pid(never);
      return seen.ok && seen.value !== null ? seen.value : undefined;
    });
    await waitFor('its port', () => rawCommand(host.address, 6379, ['PING']).catch(() => undefined));
    const asked = /\$\((pgrep .*)\)/.exec(service.says.stop)?.[1] ?? '';
    expect(spawnSync('sh', ['-c', asked]).stdout.toString().trim()).toBe(String(pid));
    shell(service.says.stop);
    await waitFor(
      'its end',
      async () => ((await service.pid(never)) as { value?: unknown }).value === null || undefined,
    );
  });

  it('says the words of a server that refuses its config', async () => {
    const host = await own.host('pv8');
    const [redis] = nodes(host);
    await own.config(redis, ['no-such-directive yes']);
    const failed = await openLocalHost(host.entry)
      .service(redis)
      .start(never)
      .catch((error: unknown) => error);
    expect(text(failed)).toContain('ended with 1');
    expect(failed).toMatchObject({ facts: [expect.stringContaining("'no-such-directive yes'")] });
  });

  it('does not take a node on another address for its own', async () => {
    const [one, two] = [await own.host('pva'), await own.host('pvb')];
    await own.config(nodes(one)[0], ['protected-mode no']);
    const child = await own.start(nodes(one)[0]);
    expect(await openLocalHost(two.entry).service(nodes(two)[0]).stop(1000, never)).toBe('was-stopped');
    expect(child.exitCode).toBeNull();
    expect(await openLocalHost(one.entry).service(nodes(one)[0]).pid(never)).toMatchObject({ value: child.pid });
    await kill(child);
  });

  it('sees a zombie as gone', async () => {
    const host = await own.host('pvc');
    const [redis] = nodes(host);
    await own.config(redis, ['protected-mode no']);
    const script = 'redis-server "$1" & echo $!; exec sleep 600';
    const parent = own.adopt(spawn('sh', ['-c', script, 'sh', redis.config], { stdio: ['ignore', 'pipe', 'ignore'] }));
    const service = openLocalHost(host.entry).service(redis);
    const pid = await waitFor('the node', async () => {
      const seen = await service.pid(never);
      return seen.ok && seen.value !== null ? seen.value : undefined;
    });
    await waitFor('its port', () => rawCommand(host.address, 6379, ['PING']).catch(() => undefined));
    expect(await service.stop(5000, never)).toBe('stopped');
    expect(await readFile(`/proc/${pid}/stat`, 'utf8')).toContain(') Z ');
    expect(await service.pid(never)).toMatchObject({ ok: true, value: null });
    await kill(parent);
  });
});
