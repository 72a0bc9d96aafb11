import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readTexts } from '../../src/execute/config-texts.js';
import type { WritableHost } from '../../src/hosts/host.js';
import { openLocalHost } from '../../src/hosts/local.js';
import { openLocalChannel } from '../../src/hosts/local-channel.js';
import { openRemoteHost } from '../../src/hosts/remote/host.js';
import type { HostEntry, NodeEntry } from '../../src/model/inventory.js';
import { kill, ownAddress, waitFor } from '../live/own-redis.js';

/**
 * What a config file names may be any file of the machine: its writer, often the server's own user, chose the name, and
 * root must not obey it. Run as root only.
 */
const never = new AbortController().signal;
const [REDIS, ALICE] = [64821, 64822];
const CANARY = 'the canary that only root reads';
const bytes = (text: string) => new TextEncoder().encode(text);
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

interface Place {
  readonly top: string;
  readonly entry: HostEntry;
  readonly node: NodeEntry;
  readonly conf: string;
  readonly data: string;
  /** A directory of root's, closed to all others, with the file `shadow`. */
  readonly secret: string;
  /** A directory of another user, open to all, with the closed file `dump.rdb`. */
  readonly alice: string;
}

const tops: string[] = [];
let place: Place;

async function directory(path: string, owner: number, mode: number): Promise<string> {
  await mkdir(path, { recursive: true });
  await chown(path, owner, owner);
  await chmod(path, mode);
  return path;
}

async function file(path: string, text: string, owner: number, mode: number): Promise<string> {
  await writeFile(path, text);
  await chown(path, owner, owner);
  await chmod(path, mode);
  return path;
}

async function makePlace(): Promise<Place> {
  const top = await mkdtemp(join(tmpdir(), 'redis-runbook-named-'));
  tops.push(top);
  await chmod(top, 0o755);
  const conf = await directory(join(top, 'etc'), REDIS, 0o2770);
  const data = await directory(join(top, 'data'), REDIS, 0o750);
  const secret = await directory(join(top, 'root'), 0, 0o700);
  await file(join(secret, 'shadow'), CANARY, 0, 0o600);
  await file(join(secret, 'open.conf'), `# ${CANARY}\n`, 0, 0o644);
  const alice = await directory(join(top, 'alice'), ALICE, 0o755);
  await file(join(alice, 'dump.rdb'), CANARY, ALICE, 0o600);
  const address = ownAddress();
  const config = join(conf, 'redis.conf');
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
  const entry: HostEntry = {
    name: 'pv1',
    address,
    transport: 'ssh',
    become: 'none',
    service: 'process',
    state: join(top, 'state'),
    nodes: [node],
    line: 1,
  };
  return { top, entry, node, conf, data, secret, alice };
}

/** Every way to touch a file by its name: none may bring its content back, or change anything. */
async function nothingOf(named: WritableHost, path: string): Promise<void> {
  expect(await named.read(path, 1000, never), path).toMatchObject({ ok: false, why: 'denied' });
  expect(await named.hash(path, never), path).toMatchObject({ ok: false, why: 'denied' });
  const streamed = (async () => {
    for await (const _ of named.stream(path, never));
  })();
  await expect(streamed, path).rejects.toMatchObject({ code: 'EACCES' });
  for (const how of ['copy', 'link-or-copy'] as const) {
    await expect(named.keep(path, join(dirname(path), 'kept'), how, never), path).rejects.toMatchObject({
      code: 'EACCES',
    });
    await expect(named.keep(path, join(place.data, 'kept'), how, never), path).rejects.toMatchObject({
      code: 'EACCES',
    });
  }
  await expect(named.write(path, bytes('x'), sha256(CANARY), never), path).rejects.toThrow();
  await expect(named.write(join(dirname(path), 'new'), bytes('x'), 'absent', never)).rejects.toMatchObject({
    code: 'EACCES',
  });
  await expect(named.makeDirectory(join(dirname(path), 'new'))).rejects.toMatchObject({ code: 'EACCES' });
  await expect(named.remove(path)).rejects.toMatchObject({ code: 'EACCES' });
}

async function secretsAreWhole(): Promise<void> {
  expect((await readdir(place.secret)).sort()).toEqual(['open.conf', 'shadow']);
  expect(await readdir(place.alice)).toEqual(['dump.rdb']);
  expect(await readFile(join(place.secret, 'shadow'), 'utf8')).toBe(CANARY);
  expect((await stat(join(place.secret, 'shadow'))).nlink).toBe(1);
}

const open: readonly (readonly [string, (entry: HostEntry) => WritableHost])[] = [
  ['over a shell', (entry) => openRemoteHost(entry, openLocalChannel(entry.name))],
  ['local', (entry) => openLocalHost({ ...entry, transport: 'local' })],
];

describe.each(open)('what a config names, %s', (_, openHost) => {
  beforeEach(async () => {
    place = await makePlace();
  });
  afterEach(secretsAreWhole);
  afterAll(async () => {
    for (const each of tops) await rm(each, { recursive: true, force: true });
  });

  it("is touched with its writer's right alone: root's files and another user's are left alone", async () => {
    await file(place.node.config, `dir ${place.secret}\n`, REDIS, 0o640);
    const named = openHost(place.entry).named(place.node.config);
    await nothingOf(named, join(place.secret, 'shadow'));
    await nothingOf(named, join(place.alice, 'dump.rdb'));
    expect(await named.list(place.secret)).toMatchObject({ ok: false, why: 'denied' });
    expect(await named.read(join(place.secret, 'open.conf'), 1000, never)).toMatchObject({ ok: false, why: 'denied' });
    await file(join(place.data, 'dump.rdb'), 'REDIS0010', REDIS, 0o640);
    expect(await named.read(join(place.data, 'dump.rdb'), 1000, never)).toMatchObject({ ok: true });
    const kept = await named.keep(join(place.data, 'dump.rdb'), join(place.data, '.kept'), 'copy', never);
    expect(kept.sha256).toBe(sha256('REDIS0010'));
    await named.remove(kept.kept);
  });

  it("is root's word where root alone may write the config", async () => {
    const etc = await directory(join(place.top, 'closed'), 0, 0o755);
    const config = await file(join(etc, 'redis.conf'), '', 0, 0o644);
    const seen = await openHost(place.entry).named(config).read(join(place.secret, 'shadow'), 1000, never);
    expect(seen.ok && Buffer.from(seen.value).toString()).toBe(CANARY);
    await chmod(config, 0o666);
    expect(await openHost(place.entry).named(config).read(join(place.secret, 'shadow'), 1000, never)).toMatchObject({
      ok: false,
    });
  });

  it('brings no include that its writer could not read, by name or by pattern', async () => {
    const lines = [
      `include ${place.secret}/shadow`,
      `include ${place.secret}/*.conf`,
      `include ${place.alice}/dump.rdb`,
      `include ${place.conf}/own.conf`,
    ];
    await file(place.node.config, `${lines.join('\n')}\n`, REDIS, 0o640);
    await file(join(place.conf, 'own.conf'), 'maxclients 99\n', REDIS, 0o640);
    const { texts, globs } = await readTexts(openHost(place.entry), place.node.config, never);
    expect([...texts.keys()].sort()).toEqual([join(place.conf, 'own.conf'), place.node.config].sort());
    expect([...globs.values()].flat()).toEqual([]);
  });
});

describe('a service whose config names what is not its own, over a shell', () => {
  beforeEach(async () => {
    place = await makePlace();
  });
  afterEach(secretsAreWhole);

  const openHost = () => openRemoteHost(place.entry, openLocalChannel('pv1'));
  const config = (...lines: readonly string[]) => {
    const common = [`bind ${place.node.address}`, 'port 6379', 'save ""', 'protected-mode no'];
    return file(place.node.config, `${[...common, ...lines].join('\n')}\n`, REDIS, 0o640);
  };

  it('says nothing of a log file that the writer of its config could not read', async () => {
    await config(`logfile ${place.secret}/shadow`, `dir ${place.data}`);
    const failed: unknown = await openHost()
      .service(place.node)
      .start(never)
      .catch((error: unknown) => error);
    expect(failed).toMatchObject({ word: 'incomplete' });
    expect(JSON.stringify([failed, String(failed)])).not.toContain('canary');
  });

  it('is not started as the owner of whatever directory it names', async () => {
    await config(`dir ${place.alice}`, 'dbfilename none.rdb');
    // What the writer of the config would open to the one that shall run it.
    await chmod(place.conf, 0o755);
    await chmod(place.node.config, 0o644);
    const host = openHost();
    const started: unknown = await host
      .service(place.node)
      .start(never)
      .then(
        () => 'started',
        (error: unknown) => error,
      );
    const seen = await host.service(place.node).pid(never);
    const uid = seen.ok && seen.value !== null ? (await stat(`/proc/${seen.value}`)).uid : undefined;
    if (started === 'started') await host.service(place.node).stop(5000, never);
    expect(uid === undefined || uid === REDIS, `ran as ${uid}`).toBe(true);
  });

  it("is its server's word when a server runs with a config of root's", async () => {
    const etc = await directory(join(place.top, 'closed'), 0, 0o755);
    const closed = await file(join(etc, 'redis.conf'), '', 0, 0o644);
    const lines = [`bind ${place.node.address}`, 'port 6379', 'save ""', `dir ${place.data}`, 'protected-mode no'];
    await writeFile(closed, `${lines.join('\n')}\n`);
    const node = { ...place.node, config: closed, start: ['redis-server', closed] };
    const host = openRemoteHost({ ...place.entry, nodes: [node] }, openLocalChannel('pv1'));
    const drop = ['--reuid', String(REDIS), '--regid', String(REDIS), '--clear-groups'];
    const child = spawn('setpriv', [...drop, 'redis-server', closed], { stdio: 'ignore' });
    try {
      await waitFor('the server', async () => {
        const seen = await host.service(node).pid(never);
        return seen.ok && seen.value !== null ? true : undefined;
      });
      await nothingOf(host.named(closed), join(place.secret, 'shadow'));
    } finally {
      await kill(child);
    }
  });
});
