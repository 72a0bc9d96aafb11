import { describe, expect, it } from 'vitest';
import type { RawProcess } from '../../src/model/raw-host.js';
import { processOf, unknownProcesses } from '../../src/survey/processes.js';
import { hostEntry, rawHost, redisNode, seen, sentinelNode, server, unseen } from './raws.js';

function pidOf(processes: readonly RawProcess[], node = redisNode()): number | null | string {
  const found = processOf(rawHost({ processes: seen(processes) }), node);
  return found.ok ? (found.value?.pid ?? null) : found.why;
}

describe('the process of a node', () => {
  it('is the server that listens on its address and port', () => {
    expect(
      pidOf([server({ pid: 7, listens: ['127.9.9.2:6379'], title: 'redis-server 127.9.9.2:6379' }), server()]),
    ).toBe(100);
    expect(pidOf([server({ listens: ['*:6379'], title: 'redis-server *:6379' })])).toBe(100);
    expect(pidOf([server({ listens: ['[::]:6379'] })])).toBe(100);
  });

  it('is not a program that only sits on the port, nor a child that saves', () => {
    expect(pidOf([server({ title: 'nc -l 6379', exe: '/usr/bin/nc' })])).toBeNull();
    expect(pidOf([server({ title: 'redis-rdb-bgsave 127.9.9.1:6379', listens: [] })])).toBeNull();
  });

  it('is known by its title or its config file before it listens', () => {
    expect(pidOf([server({ listens: [] })])).toBe(100);
    expect(pidOf([server({ listens: [], title: '/usr/bin/redis-server /etc/redis/redis.conf' })])).toBe(100);
    expect(pidOf([server({ listens: [], title: 'redis-server 127.9.9.1:6379 [sentinel]' })])).toBeNull();
    const title = 'redis-sentinel 127.9.9.1:26379 [sentinel]';
    expect(pidOf([server({ listens: [], title })], sentinelNode())).toBe(100);
  });

  it('is null only when the list was seen and nothing in it could be the node', () => {
    expect(pidOf([])).toBeNull();
    expect(processOf(rawHost({ processes: unseen('denied', 'no /proc') }), redisNode())).toMatchObject({
      why: 'denied',
    });
    expect(pidOf([server({ listens: [], title: 'redis-server /srv/other.conf' })])).toBe('denied');
  });

  it('says nothing about a host out of reach, not even that nothing runs', () => {
    const raw = rawHost({ reached: unseen('absent', 'no such host'), processes: unseen('absent') });
    expect(processOf(raw, redisNode())).toMatchObject({ ok: false, why: 'refused', detail: 'no such host' });
  });
});

describe('unknown processes', () => {
  it('are servers on the addresses of the host that fleet.yaml does not name', () => {
    const stray = server({ pid: 8, listens: ['127.9.9.1:6390'], title: 'redis-server 127.9.9.1:6390' });
    const elsewhere = server({ pid: 9, listens: ['127.9.9.2:6379'], title: 'redis-server 127.9.9.2:6379' });
    const raw = rawHost({ processes: seen([server(), stray, elsewhere]) });
    expect(unknownProcesses(raw, hostEntry([redisNode()])).map(({ pid }) => pid)).toEqual([8]);
  });
});
