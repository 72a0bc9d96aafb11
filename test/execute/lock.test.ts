import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLock, readLock, removeLock, updateLock } from '../../src/execute/lock.js';
import { newLock, parseLock } from '../../src/execute/lock-file.js';
import { isLeftBehind, standingOf } from '../../src/execute/lock-standing.js';
import { lockedBy } from '../../src/execute/lock-words.js';
import type { WritableHost } from '../../src/hosts/host.js';
import { openLocalHost } from '../../src/hosts/local.js';
import { myIdentity } from '../../src/hosts/process-identity.js';

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
    const tries = Array.from({ length: 12 }, (_, index) =>
      newLock({ run: `RUN${index}`, who: 'mina@ops', doing: 'begins' }, now),
    );
    const made = await Promise.all(tries.map((file) => createLock(host, file, never)));
    const winners = made.filter((lock) => lock !== false);
    expect(winners).toHaveLength(1);
    expect((await readLock(host, never))?.file).toEqual(winners[0]?.file);
    expect(await readdir(state)).toEqual(['lock.json']);
    expect((await stat(join(state, 'lock.json'))).mode & 0o777).toBe(0o600);
  });

  it.each([0, 7, -1])('is not there when who makes it is killed in the middle of its text (%i)', async (end) => {
    const cut: WritableHost = {
      ...host,
      read: host.read.bind(host),
      run: (argv, options, signal) => host.run(argv, { ...options, stdin: options.stdin?.slice(0, end) ?? '' }, signal),
    };
    const file = newLock({ run: '7K3Q', who: 'mina@ops', doing: 'begins' }, now);
    await expect(createLock(cut, file, never)).rejects.toThrow(/could not be made/);
    expect(await readdir(state)).toEqual([]);
  });

  it('is renewed only by the one who wrote it last', async () => {
    const mine = await createLock(host, newLock({ run: '7K3Q', who: 'mina@ops', doing: 'begins' }, now), never);
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

  it('is removed only by the one whose token it carries', async () => {
    const mine = await createLock(host, newLock({ run: '7K3Q', who: 'mina@ops', doing: '' }, now), never);
    if (!mine) throw new Error('not taken');
    await updateLock(host, mine, { token: 'somebody-elses', who: 'jisoo@ops' }, never);
    await expect(removeLock(host, mine)).rejects.toThrow(/lock on pv1 is gone/);
    const theirs = await readLock(host, never);
    if (!theirs) throw new Error('removed all the same');
    await removeLock(host, theirs);
    expect(await readLock(host, never)).toBeUndefined();
  });

  it('is left behind only where nobody can stand behind it any more', async () => {
    const me = await myIdentity();
    const file = newLock({ run: '7K3Q', who: 'mina@ops', doing: 'STOP', process: me }, now);
    const gone = { ...me, pid: 2 ** 22 + 1 };
    expect(await isLeftBehind(file, 'mina@ops', me)).toBe(false);
    expect(await isLeftBehind({ ...file, pid: 0 }, 'mina@ops', me)).toBe(true);
    expect(await isLeftBehind({ ...file, process: gone }, 'mina@ops', me)).toBe(true);
    expect(await isLeftBehind({ ...file, process: { ...me, startTicks: '1' } }, 'mina@ops', me)).toBe(true);
    expect(await isLeftBehind({ ...file, process: { ...gone, boot: 'b', machine: 'm' } }, 'mina@ops', me)).toBe(false);
    expect(await isLeftBehind({ ...file, process: gone }, 'jisoo@ops', me)).toBe(false);
    expect(await isLeftBehind({ ...file, pid: 0 }, 'mina@elsewhere', me)).toBe(false);
  });

  it('is for whom it was handed over to, and not for the one who gave it, once its process ended', async () => {
    const me = await myIdentity();
    const file = newLock({ run: '7K3Q', who: 'mina@ops', doing: 'STOP', process: me }, now);
    const given = { ...file, to: 'jisoo' };
    expect(await isLeftBehind(given, 'jisoo@bastion', me)).toBe(false);
    expect(await isLeftBehind({ ...given, pid: 0 }, 'jisoo@bastion', me)).toBe(true);
    expect(await isLeftBehind({ ...given, pid: 0 }, 'mina@ops', me)).toBe(false);
    expect(await isLeftBehind({ ...given, pid: 0, to: 'jisoo@bastion' }, 'jisoo@elsewhere', me)).toBe(false);
  });

  it('is dead without a sign of life for 90 s, or when its process is known to be gone; never when one runs here', async () => {
    const me = await myIdentity();
    const away = { ...me, host: 'bastion-2', machine: 'other', boot: 'other' };
    const file = newLock({ run: '7K3Q', who: 'jisoo@bastion-2', doing: 'START', process: away }, now);
    const is = async (one: typeof file, age: number | undefined) => (await standingOf(one, age, me)).is;
    expect(await is(file, 90)).toBe('living');
    expect(await is(file, 91)).toBe('dead');
    expect(await is(file, undefined)).toBe('living');
    expect(await is({ ...file, process: me }, 100_000)).toBe('living');
    expect(await is({ ...file, process: { ...me, pid: 2 ** 22 + 1 } }, 0)).toBe('dead');
    expect(await is({ ...file, pid: 0 }, 0)).toBe('ended');
  });

  it('names its holder, the stage, and what to type in the refusal', async () => {
    const me = await myIdentity();
    const away = { ...me, machine: 'other', boot: 'other' };
    const file = newLock(
      { run: '7K3Q', who: 'jisoo@bastion-2', doing: 'stage 6 START', group: 'stn-master', process: away },
      now,
    );
    const refusal = async (age: number) =>
      lockedBy({ file, standing: await standingOf(file, age, me), hosts: ['pv1', 'pv2'], asker: 'mina@ops' });
    const soon = await refusal(4);
    expect(soon.exit).toBe(6);
    expect(soon.message).toBe('jisoo@bastion-2 is working on stn-master right now, run 7K3Q.');
    expect(soon.facts.join('\n')).toContain('last sign of life 4 s ago');
    expect(soon.facts.join('\n')).toContain('lock on    pv1 pv2');
    expect(soon.next.join('\n')).toContain('redis-runbook handover --to mina');
    const dead = await refusal(91);
    expect(dead.message).toContain('looks dead: 7K3Q');
    expect(dead.next.join('\n')).toContain('--take-over');
  });

  it('is read with everything that its file may hold, and nothing that it may not', () => {
    const file = { ...newLock({ run: '7K3Q', who: 'mina@ops', doing: 'STOP' }, now), note: 'n'.repeat(5000) };
    expect(() => parseLock(JSON.stringify(file), 'pv1:/x/lock.json')).toThrow('pv1:/x/lock.json is no lock');
    const { note: _, ...good } = file;
    expect(parseLock(JSON.stringify(good), 'x')).toEqual(good);
  });
});
