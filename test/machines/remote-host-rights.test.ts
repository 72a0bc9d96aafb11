import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmod,
  chown,
  lchown,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { WritableHost } from '../../src/hosts/host.js';
import { openLocalChannel } from '../../src/hosts/local-channel.js';
import { openRemoteHost } from '../../src/hosts/remote/host.js';
import { shellLine } from '../../src/hosts/shell-quote.js';
import type { HostEntry, NodeEntry } from '../../src/model/inventory.js';
import { ownAddress } from '../live/own-redis.js';

/** With whose right root touches a path. Run as root only: nobody else can act as another. */
const never = new AbortController().signal;
const [REDIS, DEPLOY] = [64801, 64802];
const bytes = (text: string) => new TextEncoder().encode(text);
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

const entry: HostEntry = {
  name: 'pv1',
  address: '127.0.0.1',
  transport: 'ssh',
  become: 'none',
  service: 'process',
  state: '/nowhere',
  nodes: [],
  line: 1,
};

let top: string;
let host: WritableHost;
const tops: string[] = [];

async function directory(path: string, owner: number, mode = 0o750): Promise<string> {
  const made = join(top, path);
  await mkdir(made, { recursive: true });
  await chown(made, owner, owner);
  await chmod(made, mode);
  return made;
}

async function file(path: string, text: string, uid: number, gid: number, mode: number): Promise<string> {
  await writeFile(path, text);
  await chown(path, uid, gid);
  await chmod(path, mode);
  return path;
}

async function facts(path: string): Promise<string> {
  const { uid, gid, mode } = await lstat(path);
  return `${uid}:${gid} ${(mode & 0o777).toString(8)}`;
}

describe('the right of the directory', () => {
  beforeEach(async () => {
    top = await mkdtemp(join(tmpdir(), 'redis-runbook-rights-'));
    await chmod(top, 0o755);
    tops.push(top);
    host = openRemoteHost(entry, openLocalChannel('pv1'));
  });
  afterEach(async () => {
    // Whatever a test tried, it left no temporary name.
    const names = await readdir(top, { recursive: true });
    expect(names.filter((name) => /redis-runbook-\w{10}/.test(name))).toEqual([]);
  });
  afterAll(async () => {
    for (const each of tops) await rm(each, { recursive: true, force: true });
  });

  it.each(["dd: invalid argument 'fsync' to 'conv'", 'dd: not found'])(
    'a file is replaced where dd cannot see to the disk: %s',
    async (says) => {
      const dd = await file(join(top, 'dd'), `#!/bin/sh\necho "${says}" >&2; exit 1\n`, 0, 0, 0o755);
      const inside = ['unshare', '-m', '/bin/sh', '-c', 'mount --bind "$1" "$(command -v dd)" && exec /bin/sh -c "$0"'];
      const channel = openLocalChannel('pv1');
      const without = (command: string) => shellLine([...inside, command, dd]);
      const poor = openRemoteHost(entry, {
        ...channel,
        exec: (command, ...more) => channel.exec(without(command), ...more),
        open: (command, ...more) => channel.open(without(command), ...more),
      });
      const said = await poor.run(['dd'], { timeoutMs: 5000 }, never);
      expect([said.status, said.stderr.trim()]).toEqual([1, says]);
      const path = await file(join(top, 'redis.conf'), 'old', REDIS, REDIS, 0o640);
      await poor.write(path, bytes('new'.repeat(50_000)), sha256('old'), never);
      expect([await readFile(path, 'utf8'), await facts(path)]).toEqual([
        'new'.repeat(50_000),
        `${REDIS}:${REDIS} 640`,
      ]);
      await poor.close();
    },
  );

  it("is its owner's: what he may not read is denied, what he may is his", async () => {
    const home = await directory('redis', REDIS);
    const own = await file(join(home, 'redis.conf'), 'own', REDIS, REDIS, 0o640);
    const shared = await file(join(home, 'shared.conf'), 'shared', 0, REDIS, 0o640);
    const foreign = await file(join(home, 'foreign.conf'), 'foreign', 0, 0, 0o600);
    await host.write(own, bytes('new'), sha256('own'), never);
    await host.write(shared, bytes('new'), sha256('shared'), never);
    expect([await facts(own), await facts(shared)]).toEqual([`${REDIS}:${REDIS} 640`, `${REDIS}:${REDIS} 640`]);
    await expect(host.write(foreign, bytes('new'), sha256('foreign'), never)).rejects.toMatchObject({ code: 'EACCES' });
    expect(await host.read(foreign, 100, never)).toMatchObject({ ok: false, why: 'denied' });
    expect([await readFile(foreign, 'utf8'), await facts(foreign)]).toEqual(['foreign', '0:0 600']);
    const kept = await host.keep(own, join(home, '.redis-runbook-7K3Q', 'before'), 'link-or-copy', never);
    expect([await facts(kept.kept), await facts(join(home, '.redis-runbook-7K3Q'))]).toEqual([
      `${REDIS}:${REDIS} 640`,
      `${REDIS}:${REDIS} 700`,
    ]);
  });

  it('takes rights away from a group that cannot be kept, rather than giving them to another', async () => {
    const home = await directory('redis', REDIS);
    const path = await file(join(home, 'redis.conf'), 'secret', REDIS, 0, 0o640);
    await host.write(path, bytes('new'), sha256('secret'), never);
    expect(await facts(path)).toBe(`${REDIS}:${REDIS} 600`);
  });

  it("is root's where only root may write", async () => {
    const state = await directory('state', 0, 0o700);
    const path = await file(join(state, 'redis.conf'), 'text', REDIS, DEPLOY, 0o640);
    await host.write(path, bytes('new'), sha256('text'), never);
    expect(await facts(path)).toBe(`${REDIS}:${DEPLOY} 640`);
    const real = await file(join(state, 'real'), 'real', 0, 0, 0o600);
    await symlink('real', join(state, 'link'));
    await symlink(state, join(top, 'way'));
    expect(await host.read(join(top, 'way', 'link'), 100, never)).toMatchObject({ ok: true });
    await expect(host.write(join(state, 'link'), bytes('x'), sha256('real'), never)).rejects.toThrow('link');
    expect(await readFile(real, 'utf8')).toBe('real');
  });

  it('is that of whoever owns the last directory, which must be where its name says', async () => {
    await directory('deploy', DEPLOY, 0o755);
    const data = await directory('deploy/data', REDIS);
    const elsewhere = await directory('elsewhere', REDIS);
    await file(join(elsewhere, 'redis.conf'), 'theirs', REDIS, REDIS, 0o640);
    const path = await file(join(data, 'redis.conf'), 'old', REDIS, REDIS, 0o640);
    await host.write(path, bytes('new'), sha256('old'), never);
    expect([await readFile(path, 'utf8'), await facts(path)]).toEqual(['new', `${REDIS}:${REDIS} 640`]);
    const flip = `cd "$1" || exit; while :; do mv data away; ln -s "$2" data; rm -f data; mv away data; done`;
    const drop = ['--reuid', String(DEPLOY), '--regid', String(DEPLOY), '--clear-groups'];
    const child = spawn('setpriv', [...drop, '/bin/sh', '-c', flip, 'sh', join(top, 'deploy'), elsewhere], {
      stdio: 'ignore',
    });
    let done = 0;
    try {
      for (let n = 0; n < 60; n += 1) {
        await host.write(path, bytes('new'), sha256('new'), never).then(
          () => {
            done += 1;
          },
          () => undefined,
        );
        await host.write(path, bytes('theirs'), sha256('theirs'), never).catch(() => undefined);
      }
    } finally {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await gone;
    }
    expect(await readdir(elsewhere)).toEqual(['redis.conf']);
    const { mtimeMs, ctimeMs } = await stat(join(elsewhere, 'redis.conf'));
    expect(Math.abs(ctimeMs - mtimeMs)).toBeLessThan(1000);
    expect(done).toBeGreaterThan(0);
  });

  it("refuses root's directory in the tree of another user", async () => {
    await directory('deploy', DEPLOY, 0o755);
    const inner = await directory('deploy/conf', 0, 0o755);
    const path = await file(join(inner, 'redis.conf'), 'text', 0, 0, 0o644);
    await expect(host.write(path, bytes('new'), sha256('text'), never)).rejects.toMatchObject({ code: 'EACCES' });
    await expect(host.makeDirectory(join(inner, 'new'))).rejects.toMatchObject({ code: 'EACCES' });
    await expect(host.remove(path)).rejects.toMatchObject({ code: 'EACCES' });
    expect(await readdir(inner)).toEqual(['redis.conf']);
    expect(await host.read(path, 100, never)).toMatchObject({ ok: true });
  });

  it('acts for a group that may write, and for nobody where all may', async () => {
    const NOGROUP = 65534;
    const shared = await directory('shared', 0, 0o770);
    await chown(shared, 0, NOGROUP);
    await host.write(join(shared, 'new'), bytes('new'), 'absent', never);
    expect(await facts(join(shared, 'new'))).toMatch(/^[1-9]\d*:65534 600$/);
    const open = await directory('open', 0, 0o777);
    await expect(host.write(join(open, 'new'), bytes('new'), 'absent', never)).rejects.toMatchObject({ code: 'EPERM' });
    expect(await readdir(open)).toEqual([]);
  });

  it('follows no link of another user, on the way or at its end', async () => {
    const secret = await directory('secret', 0, 0o700);
    await file(join(secret, 'shadow'), 'the canary', 0, 0, 0o600);
    const sticky = await directory('sticky', 0, 0o1777);
    for (const [name, target] of [
      ['way', secret],
      ['end', join(secret, 'shadow')],
    ] as const) {
      await symlink(target, join(sticky, name));
      await lchown(join(sticky, name), REDIS, REDIS);
    }
    for (const path of [join(sticky, 'way', 'shadow'), join(sticky, 'end')]) {
      expect(await host.read(path, 100, never)).toMatchObject({ ok: false });
      await expect(host.write(path, bytes('x'), sha256('the canary'), never)).rejects.toThrow();
      await expect(host.keep(path, join(top, 'kept'), 'copy', never)).rejects.toThrow();
    }
    await expect(host.makeDirectory(join(sticky, 'way', 'new'))).rejects.toThrow();
    expect(await readdir(secret)).toEqual(['shadow']);
    expect(await readFile(join(secret, 'shadow'), 'utf8')).toBe('the canary');
  });

  it('has no more right to a file in a sticky directory than its owner, also by a way back out of one of root', async () => {
    const sticky = await directory('sticky-files', 0, 0o1777);
    await directory('sticky-files/sub', 0, 0o755);
    await file(join(sticky, 'closed'), 'text', REDIS, REDIS, 0o000);
    for (const path of [`${sticky}/closed`, `${sticky}/sub/../closed`])
      expect(await host.read(path, 100, never), path).toMatchObject({ ok: false, why: 'denied' });
  });

  it('keeps a file of one user in a directory of another', async () => {
    const home = await directory('redis', REDIS);
    const state = await directory('state', 0, 0o700);
    const path = await file(join(home, 'redis.conf'), 'text', REDIS, REDIS, 0o640);
    const kept = await host.keep(path, join(state, '7K3Q'), 'link-or-copy', never);
    expect(kept).toMatchObject({ how: 'copy', sha256: sha256('text'), sizeBytes: 4n });
    expect(await facts(kept.kept)).toBe(`${REDIS}:${REDIS} 640`);
    expect(await host.keep(path, join(state, '7K3Q'), 'copy', never)).toMatchObject({ sha256: sha256('text') });
    await writeFile(path, 'other');
    await expect(host.keep(path, join(state, '7K3Q'), 'copy', never)).rejects.toMatchObject({ word: 'changed' });
    expect(await readdir(join(state, '7K3Q'))).toEqual(['redis.conf']);
  });

  it('starts a plain process as the owner of its data, never as root', async () => {
    const data = await directory('data', REDIS);
    const conf = await directory('conf', 0, 0o755);
    const address = ownAddress();
    const lines = [`bind ${address}`, 'port 6379', `dir ${data}`, 'daemonize yes', 'save ""', ''];
    const config = await file(join(conf, 'redis.conf'), lines.join('\n'), 0, 0, 0o644);
    const node: NodeEntry = {
      kind: 'redis',
      id: 'pv1',
      host: 'pv1',
      address,
      port: 6379,
      config,
      unit: '',
      start: ['redis-server', config],
      group: 'g',
    };
    const own = openRemoteHost({ ...entry, nodes: [node], state: join(top, 'state') }, openLocalChannel('pv1'));
    await own.service(node).start(never);
    const seen = await own.service(node).pid(never);
    if (!seen.ok || seen.value === null) throw new Error('it runs');
    expect((await stat(`/proc/${seen.value}`)).uid).toBe(REDIS);
    expect(await own.vouch({ address, port: 6379, node: 'pv1' }, never)).toMatchObject({ ok: true });
    expect(await own.service(node).stop(5000, never)).toBe('stopped');
    expect(await readdir(join(top, 'state'))).toEqual([]);
  });
});
