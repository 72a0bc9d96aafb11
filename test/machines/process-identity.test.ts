import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmod, chown, copyFile, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openLocalChannel } from '../../src/hosts/local-channel.js';
import { openRemoteHost } from '../../src/hosts/remote/host.js';
import { listeningPattern, OTHER_PROCESS, STOP_PROCESS } from '../../src/hosts/services/service-scripts.js';
import type { HostEntry, NodeEntry } from '../../src/model/inventory.js';
import { kill, ownAddress, rawCommand, waitFor } from '../live/own-redis.js';

/** Which process is stopped, and what is started in its place. Run as root only. */
const never = new AbortController().signal;
const REDIS = 64831;
const drop = ['--reuid', String(REDIS), '--regid', String(REDIS), '--clear-groups'];

let top: string;
let node: NodeEntry;
let entry: HostEntry;
const started: ChildProcess[] = [];

async function directory(path: string, owner: number, mode: number): Promise<string> {
  await mkdir(path, { recursive: true });
  await chown(path, owner, owner);
  await chmod(path, mode);
  return path;
}

function spawnAs(argv: readonly string[]): ChildProcess {
  const child = spawn('setpriv', [...drop, ...argv], { stdio: 'ignore' });
  started.push(child);
  return child;
}

async function untilListens(): Promise<void> {
  await waitFor('the server', () =>
    rawCommand(node.address, node.port).then(
      () => true,
      () => undefined,
    ),
  );
}

async function startTicks(pid: number | undefined): Promise<string> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8');
  return text.slice(text.lastIndexOf(') ') + 2).split(' ')[19] ?? '';
}

/** The script as it runs on a host; its status. */
function stopNow(pid: number | undefined, ticks: string): number {
  try {
    const args = ['-c', STOP_PROCESS, 'sh', String(pid), ticks, '5', listeningPattern(node)];
    execFileSync('/bin/sh', args, { stdio: 'ignore', timeout: 20_000 });
    return 0;
  } catch (error) {
    return (error as { readonly status: number }).status;
  }
}

beforeEach(async () => {
  top = await mkdtemp(join(tmpdir(), 'redis-runbook-process-'));
  await chmod(top, 0o755);
  const conf = await directory(join(top, 'etc'), REDIS, 0o755);
  const data = await directory(join(top, 'data'), REDIS, 0o755);
  const address = ownAddress();
  const config = join(conf, 'redis.conf');
  await writeFile(config, `bind ${address}\nport 6379\nsave ""\nprotected-mode no\ndir ${data}\n`);
  await chown(config, REDIS, REDIS);
  const start = ['redis-server', config];
  node = { kind: 'redis', id: 'pv1', host: 'pv1', address, port: 6379, config, unit: '', start, group: 'g' };
  const places = { transport: 'ssh', become: 'none', service: 'process', state: join(top, 'state') } as const;
  entry = { name: 'pv1', address, ...places, nodes: [node], line: 1 };
});

afterEach(async () => {
  await Promise.all(started.splice(0).map((child) => kill(child)));
  await rm(top, { recursive: true, force: true });
});

describe('a signal', () => {
  it('reaches no process that has the pid of the server by now', async () => {
    const sleeper = spawnAs(['sleep', '600']);
    await waitFor('it to run', async () => (await startTicks(sleeper.pid)) !== '');
    // The pid and the start are right, the program is another.
    await waitFor('the sleeper', async () => (await readFile(`/proc/${sleeper.pid}/comm`, 'utf8')).startsWith('sleep'));
    expect(stopNow(sleeper.pid, await startTicks(sleeper.pid))).toBe(OTHER_PROCESS);
    const server = spawnAs(node.start);
    await untilListens();
    // The pid and the program are right, the start is another's.
    expect(stopNow(server.pid, String(Number(await startTicks(server.pid)) - 1))).toBe(OTHER_PROCESS);
    expect([sleeper.exitCode, sleeper.signalCode, server.exitCode, server.signalCode]).toEqual([
      null,
      null,
      null,
      null,
    ]);
  });

  it("reaches no server while another process listens on the node's port", async () => {
    const own = spawnAs(node.start);
    await untilListens();
    const other = spawnAs(['redis-server', '--port', '6379', '--bind', ownAddress(), '--save', '', '--dir', '/']);
    await waitFor('the other', async () => (await readFile(`/proc/${other.pid}/comm`, 'utf8')).startsWith('redis'));
    expect(stopNow(other.pid, await startTicks(other.pid))).toBe(OTHER_PROCESS);
    expect([other.exitCode, other.signalCode]).toEqual([null, null]);
    expect(stopNow(own.pid, await startTicks(own.pid))).toBe(0);
  });
});

describe('a process that calls itself redis-server', () => {
  it('is never started again as it was: the declared command is', async () => {
    const canary = join(top, 'data', 'canary');
    const program = join(top, 'data', 'redis-server');
    await copyFile(process.execPath, program);
    await chmod(program, 0o755);
    const hostile = `
      require('fs').appendFileSync(${JSON.stringify(canary)}, 'ran ');
      require('net').createServer((c) => c.on('error', () => 0).end()).listen(6379, ${JSON.stringify(node.address)});`;
    const child = spawnAs([program, '-e', hostile, node.config, '--loadmodule', '/tmp/evil.so']);
    await untilListens();
    const host = openRemoteHost(entry, openLocalChannel('pv1'));
    const service = host.service(node);
    const before = await service.pid(never);
    expect(before).toMatchObject({ ok: true, value: child.pid });
    expect(await service.stop(10_000, never)).toBe('stopped');
    await service.start(never);
    try {
      const seen = await service.pid(never);
      if (!seen.ok || seen.value === null) throw new Error('it runs');
      const argv = (await readFile(`/proc/${seen.value}/cmdline`, 'utf8')).replaceAll('\0', ' ');
      expect(argv).not.toMatch(/loadmodule|canary|evil/);
      expect((await stat(`/proc/${seen.value}`)).uid).toBe(REDIS);
      expect(await rawCommand(node.address, 6379, ['PING'])).toContain('PONG');
      expect(await readFile(canary, 'utf8')).toBe('ran ');
    } finally {
      expect(await service.stop(10_000, never)).toBe('stopped');
    }
  });
});
