import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hasWildcards, segmentPattern } from '../../src/hosts/glob.js';
import type { LocalProcess } from '../../src/hosts/local-process.js';
import { holdPath } from '../../src/hosts/local-state.js';
import { distrust } from '../../src/hosts/local-vouch.js';
import { mayRead } from '../../src/hosts/look-file.js';
import { rotatedNames } from '../../src/hosts/look-log.js';
import { missedBy, within } from '../../src/hosts/reading.js';
import { toResp } from '../../src/hosts/redis-link.js';
import { shellLine, shellQuote } from '../../src/hosts/shell-quote.js';
import type { HostEntry, NodeEntry } from '../../src/model/inventory.js';
import type { FileStat } from '../../src/model/raw-host.js';
import type { Seen } from '../../src/model/seen.js';

const from = { host: 'pv1', source: 'test' };
const node: NodeEntry = {
  kind: 'redis',
  id: 'pv1',
  host: 'pv1',
  address: '10.0.0.1',
  port: 6379,
  config: '/etc/redis/redis.conf',
  unit: 'redis-server',
  start: [],
};

describe('glob patterns', () => {
  it('match as glob(3) does', () => {
    const matches = (pattern: string, name: string) => segmentPattern(pattern).test(name);
    expect(
      ['*.conf', '?0-a.conf', '[0-9]*', '[!a]0-a.conf', '10-\\a.conf', '10-a.conf'].map((p) => matches(p, '10-a.conf')),
    ).toEqual(Array(6).fill(true));
    expect(matches('*.conf', '.hidden.conf')).toBe(false);
    expect(matches('.*', '.hidden.conf')).toBe(true);
    expect(matches('*.conf', 'aXconf')).toBe(false);
    expect(matches('[!1]*', '10-a.conf')).toBe(false);
    expect(matches('a+(b).conf', 'a+(b).conf')).toBe(true);
    expect(hasWildcards('/etc/redis/redis.conf')).toBe(false);
  });
});

describe('rotated logs', () => {
  it('come oldest first and nothing else with them', () => {
    const names = [
      'redis.log',
      'redis.log.1',
      'redis.log.10.gz',
      'redis.log.2.gz',
      'redis.log.old',
      'redis.log.gz',
      'redis.logs',
    ];
    expect(rotatedNames('redis.log', names)).toEqual(['redis.log.10.gz', 'redis.log.2.gz', 'redis.log.1', 'redis.log']);
    const dated = ['redis.log', 'redis.log-20260102', 'redis.log-20251231.gz'];
    expect(rotatedNames('redis.log', dated)).toEqual(['redis.log-20251231.gz', 'redis.log-20260102', 'redis.log']);
  });
});

describe('whose file it is', () => {
  const file = (uid: number, gid: number, mode: number): FileStat => ({
    sizeBytes: 1n,
    mtimeMs: 0,
    ctimeMs: 0,
    mode,
    uid,
    gid,
    device: 1n,
    inode: 1n,
    type: 'file',
  });

  it('keeps /etc/shadow from a config of the redis user', () => {
    const redis = { uid: 105, gid: 110 };
    expect(mayRead(file(0, 42, 0o640), redis)).toBe(false);
    expect(mayRead(file(0, 0, 0o600), redis)).toBe(false);
    expect(mayRead(file(0, 0, 0o640), { uid: 105, gid: 0 })).toBe(false);
    expect(mayRead(file(105, 110, 0o600), redis)).toBe(true);
    expect(mayRead(file(0, 110, 0o640), redis)).toBe(true);
    expect(mayRead(file(0, 0, 0o644), redis)).toBe(true);
    expect(mayRead(file(0, 0, 0o600), { uid: 0, gid: 0 })).toBe(true);
  });
});

describe('a listener', () => {
  const server = (uid: number): LocalProcess => ({
    pid: 812,
    startedAtMs: 0,
    uid,
    exe: '/usr/bin/redis-server',
    title: '',
    cwd: '/',
    listens: [],
    argv: [],
    startTicks: 1n,
    sockets: [],
  });

  it('is believed only as a server of the right user', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'redis-runbook-vouch-'));
    const own = { ...node, config: join(directory, 'redis.conf') };
    const config = { files: [], places: undefined, secrets: new Map(), users: {}, user: undefined, node: own };
    const ask = (uid: number) => distrust(own, config, { kind: 'server', process: server(uid) }, 'password');
    expect(await ask(process.getuid?.() ?? 0)).toBeUndefined();
    expect(await ask(0)).toBeUndefined();
    expect(await ask(4_000_000)).toBe(
      "port 6379 on pv1 is held by a server of user 4000000 (pid 812), not by the node's own",
    );
    const hidden = { kind: 'hidden', uid: 0, says: 'hidden' } as const;
    expect(await distrust(own, config, hidden, 'ask')).toBeUndefined();
    expect(await distrust(own, config, hidden, 'password')).toBe('hidden');
    expect(await distrust(own, config, { ...hidden, uid: 4_000_000 }, 'ask')).toBe('hidden');
    await rm(directory, { recursive: true });
  });
});

describe('readings', () => {
  it('class the errors of the system', () => {
    const coded = (code: string) => missedBy(Object.assign(new Error(code), { code }), from).why;
    expect(['ENOENT', 'EACCES', 'ECONNREFUSED', 'ETIMEDOUT', 'EFBIG', 'EIO'].map(coded)).toEqual([
      'absent',
      'denied',
      'refused',
      'timeout',
      'too-large',
      'denied',
    ]);
  });

  it('end at their limit, and end their work', async () => {
    let ended = false;
    const seen = await within(from, 20, new AbortController().signal, (signal) => {
      signal.addEventListener('abort', () => {
        ended = true;
      });
      return new Promise<Seen<string>>(() => undefined);
    });
    expect(seen).toMatchObject({ ok: false, why: 'timeout', detail: 'no answer in 20 ms' });
    expect(ended).toBe(true);
    const stopped = await within(from, 60_000, AbortSignal.abort(), () => new Promise<Seen<string>>(() => undefined));
    expect(stopped).toMatchObject({ ok: false, why: 'timeout', detail: 'stopped' });
  });

  it('take answers as text, errors and nil', () => {
    expect(toResp(['a', null, 1, [new Error('ERR x')]])).toEqual(['a', null, '1', [{ error: 'ERR x' }]]);
  });
});

describe('words for the shell', () => {
  it('stay plain where they can', () => {
    expect(shellLine(['redis-server', '/etc/redis/redis.conf', 'a b', "it's", ''])).toBe(
      "redis-server /etc/redis/redis.conf 'a b' 'it'\\''s' ''",
    );
    expect(() => shellQuote('a\0b')).toThrow(TypeError);
  });
});

describe('hold files', () => {
  it('have the port only where a host runs several of a kind', () => {
    const entry: HostEntry = {
      name: 'pv1',
      address: '10.0.0.1',
      transport: 'local',
      become: 'none',
      service: 'process',
      state: '/var/lib/redis-runbook',
      nodes: [node],
      line: 1,
    };
    expect(holdPath(entry, node)).toBe('/var/lib/redis-runbook/hold/redis');
    const two = { ...entry, nodes: [node, { ...node, port: 6380 }] };
    expect(holdPath(two, node)).toBe('/var/lib/redis-runbook/hold/redis:6379');
  });
});
