import { spawnSync } from 'node:child_process';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openLocalHost } from '../../src/hosts/local.js';
import type { RunAsRoot } from '../../src/hosts/remote/look/exchange.js';
import { lookThrough } from '../../src/hosts/remote/look/look.js';
import type { RawHost } from '../../src/model/raw-host.js';
import { expectSameFiles, fileOf, request } from './look-pairs.js';
import { type OwnHost, OwnRedis } from './own-redis.js';
import { shellChannel } from './shell-channel.js';

const own = new OwnRedis();
const never = new AbortController().signal;
const isRoot = process.getuid?.() === 0;
const nobody = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', '/bin/sh', '-c'];
const closedPlaces: string[] = [];
afterAll(async () => {
  for (const place of closedPlaces) await chmod(place, 0o700);
  await own.end();
});

interface Closed {
  readonly host: OwnHost;
  /** How a user who may not read the host's files runs commands. */
  readonly shell: readonly string[];
  /** How one who may read them does. */
  readonly asRoot: RunAsRoot;
}

/**
 * A host whose directories the login user may not enter: as root, the login user is another one; else the directories
 * are closed to ourselves, and opened for as long as "root" looks.
 */
async function closedHost(name: string): Promise<Closed> {
  const host = await own.host(name);
  const places = [join(host.directory, 'redis'), join(host.directory, 'state')];
  await mkdir(join(host.directory, 'state', 'hold'), { recursive: true });
  const open = (mode: number) => Promise.all(places.map((place) => chmod(place, mode)));
  closedPlaces.push(...places);
  spawnSync('chmod', ['755', host.directory]);
  const channel = shellChannel(name);
  const asRoot: RunAsRoot = async (command, options, signal) => {
    await open(0o700);
    try {
      return await channel.exec(command, options, signal);
    } finally {
      if (!isRoot) await open(0o000);
    }
  };
  return { host, shell: isRoot ? nobody : [], asRoot };
}

async function close({ host }: Closed): Promise<void> {
  for (const place of ['redis', 'state']) await chmod(join(host.directory, place), isRoot ? 0o700 : 0o000);
}

describe('a look of a user who may not read everything', () => {
  it('takes the second exchange as root for what was denied', async () => {
    const closed = await closedHost('pv1');
    const { host, asRoot, shell } = closed;
    const [redis] = host.entry.nodes;
    if (!redis) throw new Error('a node is declared');
    await own.config(redis, ['requirepass secret-word-1', 'appendonly yes', 'save ""']);
    await own.start(redis);
    await writeFile(join(host.directory, 'state', 'lock.json'), '{"run":"7K3Q"}');
    await writeFile(join(host.directory, 'state', 'hold', 'redis'), '{"run":"7K3Q"}');
    const entry = { ...host.entry, become: 'sudo' } as const;
    const local = await openLocalHost(entry).look(request, never);
    await close(closed);
    const channel = shellChannel('pv1', shell);
    const seconds: string[] = [];
    const remote = await lookThrough(channel, entry, request, never, (command, options, signal) => {
      seconds.push(command);
      return asRoot(command, options, signal);
    });
    expect([channel.commands.length, seconds.length]).toEqual([1, 1]);
    // The directory itself was closed in between.
    const butDirectory = (raw: RawHost) => ({ ...raw, files: raw.files.filter(({ role }) => role !== 'config-dir') });
    expectSameFiles({ local: butDirectory(local), remote: butDirectory(remote), channel });
    const info = remote.answers.find(({ command }) => command === 'INFO all');
    expect(info?.answer).toMatchObject({ ok: true, value: expect.stringContaining('role:master') });
    expect(fileOf(remote, 'lock').content).toMatchObject({ ok: true });
    expect(remote.system).toMatchObject({ ok: true, value: { uid: isRoot ? 65534 : process.getuid?.() } });
  });

  it('names what stayed denied, and what sudo said', async () => {
    const closed = await closedHost('pv2');
    const { host, shell } = closed;
    const [redis] = host.entry.nodes;
    if (!redis) throw new Error('a node is declared');
    await own.config(redis, ['requirepass secret-word-2']);
    await own.start(redis);
    await close(closed);
    const channel = shellChannel('pv2', shell);
    const refused: RunAsRoot = (_command, options, signal) =>
      channel.exec('echo "sudo: a password is required" >&2; exit 1', options, signal);
    const remote = await lookThrough(channel, { ...host.entry, become: 'sudo' }, request, never, refused);
    expect(fileOf(remote, 'redis.conf').content).toMatchObject({
      ok: false,
      why: 'denied',
      detail: expect.stringMatching(/^EACCES: permission denied, .*sudo: a password is required/),
    });
    expect(fileOf(remote, 'lock').content).toMatchObject({ ok: false, why: 'denied' });
    expect(remote.reached.ok).toBe(true);
    const answer = remote.answers.find(({ command }) => command === 'INFO all')?.answer;
    expect(answer).toMatchObject({ ok: false, why: 'denied' });
  });

  it('sees as root what the owner of the directories sees, and no more', async () => {
    const host = await own.host('pv4');
    const [redis] = host.entry.nodes;
    if (!redis) throw new Error('a node is declared');
    const data = join(host.directory, 'redis', 'data');
    await own.config(redis, ['appendonly yes', `include ${data}/more*.conf`]);
    await writeFile(join(data, 'more.conf'), 'maxclients 99\n');
    await mkdir(join(data, 'appendonlydir'));
    await writeFile(
      join(data, 'appendonlydir', 'appendonly.aof.manifest'),
      'file a.aof seq 1 type b\nfile b.aof seq 2 type i\n',
    );
    for (const name of ['a.aof', 'b.aof']) await writeFile(join(data, 'appendonlydir', name), '*1\r\n$4\r\nPING\r\n');
    await writeFile(join(data, 'temp-1.rdb'), 'REDIS0010');
    await writeFile(join(data, 'dump.rdb'), await readFile('test/fixtures/rdb/replica-7.0.15.rdb'));
    const lines = await readFile('test/fixtures/log/redis-7.0.15-aof.txt');
    await writeFile(join(host.directory, 'redis', 'node.log'), lines);
    await writeFile(join(host.directory, 'redis', 'node.log.1'), lines);
    spawnSync('chmod', ['755', host.directory]);
    if (isRoot) spawnSync('chown', ['-R', '65534:65534', join(host.directory, 'redis')]);
    spawnSync('chmod', ['-R', 'go-rwx', join(host.directory, 'redis')]);
    const channel = shellChannel('pv4');
    const local = await openLocalHost(host.entry).look(request, never);
    const remote = await lookThrough(channel, host.entry, request, never);
    expect(channel.commands).toHaveLength(1);
    expectSameFiles({ local, remote, channel });
    expect(fileOf(remote, 'log').content.ok && fileOf(remote, 'rdb').content.ok).toBe(true);
  });

  it('asks once where there is no sudo to ask with', async () => {
    const closed = await closedHost('pv3');
    await close(closed);
    const channel = shellChannel('pv3', closed.shell);
    const remote = await lookThrough(channel, closed.host.entry, request, never);
    expect(channel.commands).toHaveLength(1);
    expect(fileOf(remote, 'redis.conf').content).toMatchObject({ ok: false, why: 'denied' });
  });
});
