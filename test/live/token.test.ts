import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { actionModule } from '../../src/execute/actions/index.js';
import { openJournal } from '../../src/execute/journal.js';
import { at, newRun, type Run } from '../../src/execute/run.js';
import type { Tools } from '../../src/execute/tools.js';
import type { WritableHost } from '../../src/hosts/host.js';
import { openLocalHost } from '../../src/hosts/local.js';
import { openRemoteHost } from '../../src/hosts/remote/host.js';
import type { HostEntry } from '../../src/model/inventory.js';
import type { Action, ActionKind } from '../../src/model/plan.js';
import { act, planOf } from '../execute/plan-builder.js';
import { filesOf } from './dead-fleet.js';
import { type Bench, benchUp } from './execute-lab.js';
import { shellChannel } from './shell-channel.js';

const never = new AbortController().signal;
let bench: Bench;
let runs = '';

beforeAll(async () => {
  bench = await benchUp({ redis: 2, sentinels: 1, quorum: 1, persistence: 'aof' });
  runs = mkdtempSync(join(tmpdir(), 'redis-runbook-token-'));
}, 30_000);
afterAll(async () => {
  await bench.end();
  rmSync(runs, { recursive: true });
});

const opened: Readonly<Record<string, (entry: HostEntry) => WritableHost>> = {
  'this machine': openLocalHost,
  'a shell, as over SSH': (entry) =>
    openRemoteHost({ ...entry, become: 'none', service: 'process' }, shellChannel(entry.name)),
};

/**
 * One action of every kind, on nodes that it could work on; a kind without one does not compile. `reads`: it changes
 * nothing on its host.
 */
function everyKind(): Readonly<Record<ActionKind, Action | 'reads'>> {
  const { inventory } = bench;
  const [redis, sentinel] = ['pv1', 'pv1/sentinel'].map((id) => nodeOf(id));
  if (redis === undefined || sentinel === undefined) throw new Error('no nodes');
  const intent = { kind: 'redis.conf', set: [{ directive: 'maxclients', value: ['9000'] }], drop: [] } as const;
  const keep = { kind: 'data.keep', moment: 'before-stop', alsoHere: false } as const;
  const place = {
    dir: join(bench.lab.directory, 'pv1', 'data'),
    dbfilename: 'dump.rdb',
    appendonly: true,
    appendfilename: 'appendonly.aof',
    appenddirname: 'appendonlydir',
  };
  const file = { from: { text: 'x' }, to: 'dump.rdb', sizeBytes: 1n, sha256: '0'.repeat(64) };
  return {
    'lock.take': act(inventory, 'pv1', { kind: 'lock.take' }),
    'lock.release': act(inventory, 'pv1', { kind: 'lock.release' }),
    'service.hold': act(inventory, sentinel.id, { kind: 'service.hold' }),
    'service.release': act(inventory, redis.id, { kind: 'service.release' }),
    'service.stop': act(inventory, redis.id, { kind: 'service.stop', mode: 'without-saving' }),
    'service.start': act(inventory, sentinel.id, { kind: 'service.start', as: 'sentinel' }),
    'data.save': act(inventory, redis.id, { kind: 'data.save' }),
    'data.keep': act(inventory, redis.id, keep),
    'config.keep': act(inventory, redis.id, { kind: 'config.keep', path: redis.config }),
    'config.rewrite': act(inventory, redis.id, { kind: 'config.rewrite', path: redis.config, intent }),
    'config.check': act(inventory, redis.id, {
      kind: 'config.check',
      path: redis.config,
      intent: { ...intent, set: [] },
    }),
    'data.check': 'reads',
    'data.verify': 'reads',
    'fence.raise': act(inventory, redis.id, { kind: 'fence.raise' }),
    'fence.lift': act(inventory, redis.id, { kind: 'fence.lift' }),
    'aof.rewrite': act(inventory, redis.id, { kind: 'aof.rewrite' }),
    'role.lead': act(inventory, redis.id, { kind: 'role.lead', files: [{ path: redis.config, intent }] }),
    'role.follow': act(inventory, redis.id, {
      kind: 'role.follow',
      master: 'pv2',
      files: [{ path: redis.config, intent }],
    }),
    'sentinel.failover': act(inventory, sentinel.id, { kind: 'sentinel.failover', group: bench.lab.group, was: '' }),
    'data.send': act(inventory, redis.id, { kind: 'data.send', place, files: [file] }),
    'data.place': act(inventory, redis.id, { kind: 'data.place', place, files: [file] }),
    'data.aside': act(inventory, redis.id, { kind: 'data.aside', place }),
    'data.compare': act(inventory, redis.id, { kind: 'data.compare', databases: [] }),
    'left-out.note': act(inventory, 'pv1', { kind: 'left-out.note', leaves: [{ host: 'pv2', why: 'away' }] }),
    'left-out.done': act(inventory, 'pv1', {
      kind: 'left-out.done',
      back: [{ host: 'pv2', group: 'g', run: '7K3Q', who: 'mina', since: '2026-01-01T00:00:00Z', why: 'away' }],
    }),
    undo: act(inventory, redis.id, { kind: 'undo', of: act(inventory, redis.id, { kind: 'service.hold' }), found: {} }),
  };
}

function nodeOf(id: string) {
  return bench.inventory.hosts.flatMap((host) => host.nodes).find((node) => node.id === id);
}

async function begun(open: (entry: HostEntry) => WritableHost, name: string): Promise<Run> {
  const directory = join(runs, name.replaceAll(/\W/g, '-'));
  const { inventory } = bench;
  const hosts = new Map(inventory.hosts.map((entry) => [entry.name, open(entry)]));
  await openLocalHost(inventory.hosts[0] as HostEntry).makeDirectory(directory);
  const tools: Tools = {
    hosts,
    inventory,
    passwords: new Map(),
    journal: await openJournal(directory, '7K3Q', () => new Date()),
    directory,
    run: '7K3Q',
    who: 'mina@here',
    now: () => new Date(),
  };
  const options = { gate: async () => 'go' as const, onEvent: () => undefined, signal: never, now: never };
  return newRun(planOf(inventory, []), tools, options);
}

function changes(): Readonly<Record<string, string>> {
  const own = Object.entries(filesOf(bench.lab)).filter(([path]) => !/\/log\/|sentinel\.conf$/.test(path));
  return Object.fromEntries(own);
}

describe.each(Object.keys(opened))('a host reached through %s', (name) => {
  it('is changed by no kind of action once the lock carries another token', async () => {
    const open = opened[name];
    if (open === undefined) throw new Error('no host');
    const run = await begun(open, name);
    const kinds = everyKind();
    const there = (action: Action) => at(run, action.id, 5000);
    const does = (action: Action) => actionModule(action).act(there(action));
    const lock = act(bench.inventory, 'pv1', { kind: 'lock.take' });
    await does(lock);
    await does(act(bench.inventory, 'pv1', { kind: 'service.hold' }));
    await does(act(bench.inventory, 'pv1', { kind: 'fence.raise' }));
    const keepers = [...run.memory.fences.values()];
    const path = join(bench.inventory.hosts[0]?.state ?? '', 'lock.json');
    const mine = readFileSync(path, 'utf8');
    writeFileSync(path, mine.replace(/"token":"[^"]*"/, `"token":"${'f'.repeat(32)}"`).replace('mina@', 'jisoo@'));
    const ends: Record<string, string> = {};
    const end = async (kind: string, action: Action) => {
      ends[kind] = await does(action).then(
        ({ says }) => `done: ${says}`,
        (error: Error & { word?: string }) => error.word ?? `${error.name}: ${error.message}`,
      );
    };
    // A sentinel is asked while it runs, and started while it does not.
    const { 'sentinel.failover': asked, ...others } = kinds;
    if (asked !== 'reads') await end('sentinel.failover', asked);
    await bench.lab.kill('pv1', 'sentinel', 'SIGKILL');
    const pids = bench.lab.running().map(({ pid }) => pid);
    const before = changes();
    for (const [kind, action] of Object.entries(others)) if (action !== 'reads') await end(kind, action);
    const refused = Object.keys(kinds).filter((kind) => kinds[kind as ActionKind] !== 'reads');
    expect(ends).toEqual(Object.fromEntries(refused.map((kind) => [kind, 'locked'])));
    expect(changes()).toEqual(before);
    expect(bench.lab.running().map(({ pid }) => pid)).toEqual(pids);

    writeFileSync(path, mine);
    for (const keeper of keepers) await keeper.end(false);
    await does(act(bench.inventory, 'pv1', { kind: 'service.release' }));
    await bench.lab.start('pv1', 'sentinel');
    rmSync(path);
    await run.tools.journal.close();
  }, 30_000);

  it('gets no byte of a file, and no file its name, once the lock carries another token', async () => {
    const entry = bench.inventory.hosts[0];
    const open = opened[name];
    if (open === undefined || entry === undefined) throw new Error('no host');
    const directory = mkdtempSync(join(runs, 'upload-'));
    const lock = join(directory, 'lock.json');
    const token = 'a'.repeat(32);
    const host = open(entry).claimed({ path: lock, token });
    const data = new Uint8Array(300_000).fill(7);
    const sha256 = createHash('sha256').update(data).digest('hex');
    const upload = (to: string, bytes: () => AsyncIterable<Uint8Array>) =>
      host.upload(join(directory, to), { sizeBytes: 300_000n, sha256, bytes: () => bytes() }, never);
    const taken = () => writeFileSync(lock, `{"token":"${'b'.repeat(32)}"}\n`);
    const files = () => readdirSync(directory).sort();

    writeFileSync(lock, `{"token":"${token}"}\n`);
    await upload('mine', async function* () {
      yield data;
    });
    await expect(
      upload('late', async function* () {
        yield data.subarray(0, 150_000);
        taken();
        yield data.subarray(150_000);
      }),
    ).rejects.toMatchObject({ word: 'locked' });
    expect(files()).not.toContain('late');
    const before = files();
    await expect(
      upload('never', async function* () {
        yield data;
      }),
    ).rejects.toMatchObject({ word: 'locked' });
    expect(files()).toEqual(before);
    await host.close();
  });
});
