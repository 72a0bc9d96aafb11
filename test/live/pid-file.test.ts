import { type ChildProcess, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { WritableHost } from '../../src/hosts/host.js';
import { openLocalHost } from '../../src/hosts/local.js';
import { openLocalChannel } from '../../src/hosts/local-channel.js';
import { openRemoteHost } from '../../src/hosts/remote/host.js';
import type { HostEntry, NodeEntry } from '../../src/model/inventory.js';
import { OwnRedis, waitFor } from './own-redis.js';

const own = new OwnRedis();
afterAll(() => own.end());
const never = new AbortController().signal;

const ways: readonly (readonly [string, (entry: HostEntry) => WritableHost])[] = [
  ['on this machine', openLocalHost],
  ['over a shell', (entry) => openRemoteHost(entry, openLocalChannel(entry.name))],
];

async function pidFile(node: NodeEntry, text: string): Promise<string> {
  const path = join(dirname(node.config), 'redis.pid');
  await writeFile(path, text);
  return path;
}

/** A node of a host of its own, with a pidfile in its config. */
async function declared() {
  const { entry } = await own.host('pv1');
  const node = entry.nodes[0];
  if (node === undefined) throw new Error('no node');
  await own.config(node, [`pidfile ${dirname(node.config)}/redis.pid`]);
  return { entry: { ...entry, nodes: [node] }, node };
}

/** A server without a TCP port whose title was changed: it tells neither an address nor its config. */
async function unnamed(node: NodeEntry): Promise<ChildProcess> {
  const directory = dirname(node.config);
  const socket = join(directory, 'own.sock');
  const words = ['--port', '0', '--unixsocket', socket, '--dir', directory, '--proc-title-template', '{title} of shop'];
  const child = own.adopt(spawn('redis-server', [...words, '--save', ''], { stdio: 'ignore' }));
  const { stat } = await import('node:fs/promises');
  await waitFor('the socket', () =>
    stat(socket).then(
      () => true as const,
      () => undefined,
    ),
  );
  return child;
}

function runs(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}

describe.each(ways)('a pidfile %s', (_name, openHost) => {
  test('finds a server that tells nothing about itself, and the node is stopped by it', async () => {
    const { entry, node } = await declared();
    const child = await unnamed(node);
    const service = openHost(entry).service(node);
    expect(await service.pid(never)).toMatchObject({ ok: true, value: null });
    await pidFile(node, `${child.pid}\n`);
    expect(await service.pid(never)).toMatchObject({ ok: true, value: child.pid });
    expect(await service.pidFileTrouble?.(never)).toBeUndefined();
    expect(await service.stop(10_000, never)).toBe('stopped');
    await waitFor('its end', () => (runs(child) ? undefined : true));
  });

  test.each([
    ['before', true],
    ['behind', false],
  ])('is the last one that is said: an include %s it is read where it stands', async (_where, isFirst) => {
    const { entry, node } = await declared();
    const directory = dirname(node.config);
    const [mine, shared] = [`pidfile ${directory}/redis.pid`, `pidfile ${directory}/shared.pid`];
    await writeFile(join(directory, 'shared.conf'), `${shared}\n`);
    const include = `include ${directory}/shared.conf`;
    await own.config(node, isFirst ? [include, mine] : [mine, include]);
    const child = await unnamed(node);
    await writeFile(join(directory, isFirst ? 'redis.pid' : 'shared.pid'), `${child.pid}\n`);
    expect(await openHost(entry).service(node).pid(never)).toMatchObject({ ok: true, value: child.pid });
  });

  test('that names pid 1, or another program, is named and nothing gets a signal', async () => {
    const { entry, node } = await declared();
    const sleeper = own.adopt(spawn('sleep', ['60'], { stdio: 'ignore' }));
    const service = openHost(entry).service(node);
    for (const pid of [1, sleeper.pid]) {
      const path = await pidFile(node, `${pid}\n`);
      expect(await service.pid(never)).toMatchObject({ ok: true, value: null });
      expect(await service.pidFileTrouble?.(never)).toMatch(new RegExp(`${path} names pid ${pid}, .*left alone`));
      expect(await service.stop(2000, never)).toBe('was-stopped');
    }
    expect(runs(sleeper)).toBe(true);
  });

  test('that names the server of another node leaves that one alone', async () => {
    const { entry, node } = await declared();
    const other = await own.host('pv2');
    const neighbour = other.entry.nodes[0];
    if (neighbour === undefined) throw new Error('no node');
    await own.config(neighbour, []);
    const child = await own.start(neighbour);
    await pidFile(node, `${child.pid}\n`);
    const service = openHost(entry).service(node);
    expect(await service.pid(never)).toMatchObject({ ok: true, value: null });
    expect(await service.pidFileTrouble?.(never)).toContain(`${other.address}:6379`);
    expect(await service.stop(2000, never)).toBe('was-stopped');
    expect(runs(child)).toBe(true);
  });

  test('that names the server at the socket of another node leaves that one alone', async () => {
    const { entry, node } = await declared();
    const child = await unnamed(node);
    const socket = join(dirname(node.config), 'own.sock');
    const neighbour: NodeEntry = { ...node, id: 'pv1/cache', socket };
    await pidFile(node, `${child.pid}\n`);
    const service = openHost({ ...entry, nodes: [node, neighbour] }).service(node);
    expect(await service.pid(never)).toMatchObject({ ok: true, value: null });
    expect(await service.pidFileTrouble?.(never)).toContain(`names pid ${child.pid}`);
    expect(await service.stop(2000, never)).toBe('was-stopped');
    expect(runs(child)).toBe(true);
  });

  test('that a crash left, is empty, or holds words is not believed', async () => {
    const { entry, node } = await declared();
    const gone = spawn('true', { stdio: 'ignore' });
    await waitFor('its end', () => (runs(gone) ? undefined : true));
    const service = openHost(entry).service(node);
    await pidFile(node, `${gone.pid}\n`);
    expect(await service.pidFileTrouble?.(never)).toBeUndefined();
    for (const text of ['', '0\n', '-1\n', '1; reboot\n']) {
      await pidFile(node, text);
      expect(await service.pidFileTrouble?.(never), text).toContain('holds no process id');
      expect(await service.pid(never)).toMatchObject({ ok: true, value: null });
    }
  });
});
