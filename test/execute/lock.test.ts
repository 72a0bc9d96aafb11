import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLock, isLeftBehind, lockedBy, newLock, readLock, updateLock } from '../../src/execute/lock.js';
import type { WritableHost } from '../../src/hosts/host.js';
import { openLocalHost } from '../../src/hosts/local.js';

const never = new AbortController().signal;
const now = new Date('2026-11-20T17:35:10.000Z');
let state = '';
let host: WritableHost;

beforeEach(async () => {
  state = join(await mkdtemp(join(tmpdir(), 'redis-runbook-lock-')), "it's a state");
  host = openLocalHost({
    name: 'pv1',
    address: '127.0.0.1',
    transport: 'local',
    become: 'none',
    service: 'process',
    state,
    nodes: [],
    line: 1,
  });
});
afterEach(() => rm(join(state, '..'), { recursive: true, force: true }));

describe('the lock of a host', () => {
  it('is taken by one of many who try at the same moment', async () => {
    const tries = Array.from({ length: 12 }, (_, index) => newLock(`RUN${index}`, 'mina@ops', now, 'begins'));
    const made = await Promise.all(tries.map((file) => createLock(host, file, never)));
    const winners = made.filter((lock) => lock !== false);
    expect(winners).toHaveLength(1);
    expect((await readLock(host, never))?.file).toEqual(winners[0]?.file);
    expect(await readdir(state)).toEqual(['lock.json']);
    expect((await stat(join(state, 'lock.json'))).mode & 0o777).toBe(0o600);
  });

  it('is renewed only by the one who wrote it last', async () => {
    const mine = await createLock(host, newLock('7K3Q', 'mina@ops', now, 'begins'), never);
    if (!mine) throw new Error('not taken');
    const renewed = await updateLock(host, mine, { heartbeat: '2026-11-20T17:35:20.000Z', doing: 'STOP' }, never);
    expect((await readLock(host, never))?.file).toEqual({
      ...mine.file,
      heartbeat: '2026-11-20T17:35:20.000Z',
      doing: 'STOP',
    });
    await expect(updateLock(host, mine, { doing: 'woke up' }, never)).rejects.toThrow(/changed since it was read/);
    expect(JSON.parse(await readFile(renewed.path, 'utf8')).doing).toBe('STOP');
  });

  it.each(['', '[]', '{"run":"7K3Q"}', '{"run":1,"token":2,"who":3,"since":4}', 'no JSON'])(
    'is an error when the file holds %j',
    async (text) => {
      await host.makeDirectory(state);
      await writeFile(join(state, 'lock.json'), text);
      await expect(readLock(host, never)).rejects.toThrow(/no lock/);
    },
  );

  it('is left behind only where nobody can stand behind it any more', () => {
    const file = newLock('7K3Q', 'mina@ops', now, 'STOP');
    expect(isLeftBehind(file, 'mina@ops')).toBe(false);
    expect(isLeftBehind({ ...file, pid: 1 }, 'mina@ops')).toBe(false);
    expect(isLeftBehind({ ...file, pid: 0 }, 'mina@ops')).toBe(true);
    expect(isLeftBehind({ ...file, pid: 2 ** 22 + 1 }, 'mina@ops')).toBe(true);
    expect(isLeftBehind({ ...file, pid: 2 ** 22 + 1 }, 'jisoo@ops')).toBe(false);
    expect(isLeftBehind({ ...file, pid: 0 }, 'mina@elsewhere')).toBe(false);
  });

  it('names its holder in the refusal', () => {
    const file = newLock('7K3Q', 'jisoo@bastion-2', now, 'stage 6 START');
    const soon = lockedBy('pv1', file, new Date(now.getTime() + 4000));
    expect(soon.exit).toBe(6);
    expect(soon.message).toContain('jisoo@bastion-2 is working on it right now');
    expect(soon.facts.join('\n')).toContain('last sign of life 4 s ago');
    expect(lockedBy('pv1', file, new Date(now.getTime() + 91_000)).message).toContain('looks dead: 7K3Q');
  });
});
