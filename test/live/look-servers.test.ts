import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openLocalHost } from '../../src/hosts/local.js';
import { lookThrough } from '../../src/hosts/remote/look/look.js';
import type { HostEntry } from '../../src/model/inventory.js';
import type { RawHost } from '../../src/model/raw-host.js';
import { request } from './look-pairs.js';
import { OwnRedis } from './own-redis.js';
import { shellChannel } from './shell-channel.js';

const own = new OwnRedis();
const never = new AbortController().signal;
afterAll(() => own.end());

const installed = execFileSync('redis-server', ['--version'], { encoding: 'utf8' }).trim();

/** Both ways of looking at a host whose redis is started by this program. */
async function bothLooks(program: string): Promise<readonly RawHost[]> {
  const { entry } = await own.host('pv1');
  const nodes = entry.nodes.map((node) =>
    node.kind === 'redis' ? { ...node, start: [program, ...node.start.slice(1)] } : node,
  );
  const told: HostEntry = { ...entry, nodes };
  return Promise.all([
    openLocalHost(told).look(request, never),
    lookThrough(shellChannel('pv1'), told, request, never),
  ]);
}

function saidBy(raw: RawHost, path: string): string | undefined {
  return raw.servers?.find((server) => server.path === path)?.says;
}

describe('a look asks the program that starts a node for its version', () => {
  it('by its path', async () => {
    const path = join(await own.directory(), 'redis-server-7');
    await copyFile('/usr/bin/redis-server', path);
    await chmod(path, 0o755);
    for (const raw of await bothLooks(path)) expect(saidBy(raw, path)).toBe(installed);
  });

  it('and runs no script of that name, which might start a server', async () => {
    const directory = await own.directory();
    const ran = join(directory, 'ran');
    const path = join(directory, 'redis-server');
    await writeFile(path, `#!/bin/sh\ntouch ${ran}\necho 'Redis server v=7.0.15'\n`, { mode: 0o755 });
    for (const raw of await bothLooks(path)) expect(saidBy(raw, path)).toBeUndefined();
    expect(existsSync(ran)).toBe(false);
  });

  it('and is held up by nothing that stands in its place', async () => {
    const directory = await own.directory();
    const [folder, pipe] = [join(directory, 'redis-server'), join(directory, 'redis-pipe')];
    await mkdir(folder);
    execFileSync('mkfifo', [pipe]);
    for (const path of [folder, pipe, join(directory, 'redis-none')])
      for (const raw of await bothLooks(path)) {
        expect(saidBy(raw, path)).toBeUndefined();
        expect(raw.elapsedMs).toBeLessThan(request.limits.lookTimeoutMs - 2000);
        expect(raw.reached.ok).toBe(true);
      }
  });

  it('by nobody as root when others may write it', async () => {
    const path = join(await own.directory(), 'redis-server');
    await copyFile('/usr/bin/redis-server', path);
    await chmod(path, 0o777);
    const [local] = await bothLooks(path);
    const asRoot = process.getuid?.() === 0;
    expect(local && saidBy(local, path)).toBe(asRoot ? undefined : installed);
  });
});
