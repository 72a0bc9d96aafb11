import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { forwarded } from '../../src/hosts/forwarded.js';
import { openLocalHost } from '../../src/hosts/local.js';
import { openReader, openWriter } from '../../src/hosts/redis-client.js';
import { Secret } from '../../src/model/secret.js';
import { type OwnHost, OwnRedis, ownAddress, rawCommand, waitFor } from './own-redis.js';

const own = new OwnRedis();
const password = '#p4$s;%w&0rd=*!';
const options = { timeoutMs: 1000 };
const never = new AbortController().signal;
let locked: OwnHost;
let open: OwnHost;

function redisOf(host: OwnHost) {
  const node = host.entry.nodes[0];
  if (!node) throw new Error('no redis node');
  return node;
}

function endpoint(host: OwnHost, secret?: string) {
  const node = redisOf(host);
  const given = secret === undefined ? {} : { credentials: { password: new Secret(secret) } };
  return { address: node.address, port: node.port, node: node.id, ...given };
}

async function listen(address: string, onSocket: (socket: Socket) => void): Promise<{ server: Server; port: number }> {
  const server = createServer({ allowHalfOpen: true }, onSocket);
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  const bound = server.address();
  return { server, port: typeof bound === 'object' && bound ? bound.port : 0 };
}

beforeAll(async () => {
  locked = await own.host('pv1');
  await own.config(redisOf(locked), [`requirepass "${password}"`]);
  await own.start(redisOf(locked));
  open = await own.host('pv2');
  await own.config(redisOf(open), ['protected-mode no']);
  await own.start(redisOf(open));
});

afterAll(() => own.end());

describe('opening', () => {
  it('authenticates when the server asks for it, and reads', async () => {
    const opened = await openReader(openLocalHost(locked.entry), endpoint(locked, password), options, never);
    if (!opened.ok) throw new Error(opened.detail);
    const role = await opened.value.ask('ROLE');
    const info = await opened.value.ask('INFO', 'server');
    opened.value.close();
    expect(role).toMatchObject({ ok: true, value: ['master', '0', []], from: { node: 'pv1', source: 'ROLE' } });
    expect(info.ok && String(info.value)).toContain('redis_version:');
  });

  it('gives the words of the server when the password is missing or wrong, and tries it once', async () => {
    const host = openLocalHost(locked.entry);
    const without = await openReader(host, endpoint(locked), options, never);
    const before = await rawCommand(locked.address, 6379, ['AUTH', password], ['INFO', 'commandstats']);
    const wrong = await openReader(host, endpoint(locked, 'wrong'), options, never);
    const after = await rawCommand(locked.address, 6379, ['AUTH', password], ['INFO', 'commandstats']);
    expect(without).toMatchObject({ ok: false, why: 'denied', detail: 'NOAUTH Authentication required.' });
    expect(wrong).toMatchObject({ ok: false, why: 'denied' });
    expect(wrong.ok ? '' : wrong.detail).toMatch(/^WRONGPASS/);
    const failed = (text: string) => Number(/cmdstat_auth:.*failed_calls=(\d+)/.exec(text)?.[1]);
    expect(failed(after)).toBe(failed(before) + 1);
  });

  it('does not send a password that nobody asked for', async () => {
    const before = await rawCommand(open.address, 6379, ['INFO', 'commandstats']);
    const opened = await openReader(openLocalHost(open.entry), endpoint(open, password), options, never);
    if (opened.ok) opened.value.close();
    const after = await rawCommand(open.address, 6379, ['INFO', 'commandstats']);
    expect(opened.ok).toBe(true);
    expect(before + after).not.toContain('cmdstat_auth');
  });

  it('says refused where nothing listens', async () => {
    const host = await own.host('pv3');
    const opened = await openReader(openLocalHost(host.entry), endpoint(host), options, never);
    expect(opened).toMatchObject({ ok: false, why: 'refused' });
  });

  it('gives a hung server the limit and no more', async () => {
    const host = await own.host('pv4');
    await own.config(redisOf(host), ['protected-mode no']);
    const child = await own.start(redisOf(host));
    child.kill('SIGSTOP');
    const began = performance.now();
    const opened = await openReader(openLocalHost(host.entry), endpoint(host), { timeoutMs: 400 }, never);
    expect(opened).toMatchObject({ ok: false, why: 'timeout' });
    expect(performance.now() - began).toBeLessThan(900);
  });

  it('counts a loading server and one without its master as connected', async () => {
    const keys = Array.from({ length: 80 }, (_, n) => ['SET', `k${n}`, 'v'.repeat(3000)]);
    const loading = await own.host('pv5');
    const node = redisOf(loading);
    await own.config(node, [
      'protected-mode no',
      'save 3600 1',
      'key-load-delay 50000',
      'rdbcompression no',
      'loading-process-events-interval-bytes 1024',
    ]);
    const first = await own.start(node);
    await rawCommand(loading.address, 6379, ...keys, ['SAVE']);
    first.kill('SIGKILL');
    await waitFor('its end', () => first.signalCode ?? undefined);
    await own.start(node);
    const opened = await openReader(openLocalHost(loading.entry), endpoint(loading), { timeoutMs: 4000 }, never);
    const role = opened.ok ? await opened.value.ask('DBSIZE') : undefined;
    if (opened.ok) opened.value.close();
    expect(role).toMatchObject({ ok: true, value: { error: expect.stringMatching(/^LOADING/) } });

    const orphan = await own.host('pv6');
    const replicaOf = [`replicaof ${ownAddress()} 6379`, 'replica-serve-stale-data no', 'protected-mode no'];
    await own.config(redisOf(orphan), replicaOf);
    await own.start(redisOf(orphan));
    const stale = await openReader(openLocalHost(orphan.entry), endpoint(orphan), options, never);
    const size = stale.ok ? await stale.value.ask('DBSIZE') : undefined;
    if (stale.ok) stale.value.close();
    expect(size).toMatchObject({ ok: true, value: { error: expect.stringMatching(/^MASTERDOWN/) } });
  });

  it('sends no password to a listener that is no redis server', async () => {
    const host = await own.host('pv7');
    let received = '';
    const server = createServer((socket) => {
      socket.on('data', (chunk) => {
        received += chunk.toString();
        socket.write('-NOAUTH Authentication required.\r\n');
      });
      socket.on('error', () => undefined);
    });
    await new Promise<void>((resolve) => server.listen(6379, host.address, resolve));
    const opened = await openReader(openLocalHost(host.entry), endpoint(host, password), options, never);
    server.close();
    expect(opened).toMatchObject({ ok: false, why: 'denied' });
    expect(opened.ok ? '' : opened.detail).toContain(`(pid ${process.pid}), not by redis-server`);
    expect(received).toContain('PING');
    expect(received).not.toContain('AUTH');
  });
});

describe('the closed lists', () => {
  it('hold at run time too', async () => {
    const opened = await openWriter(openLocalHost(open.entry), endpoint(open), options, never);
    if (!opened.ok) throw new Error(opened.detail);
    const forbidden = 'FLUSHALL' as 'PING';
    await expect(opened.value.ask(forbidden)).rejects.toThrow(TypeError);
    await expect(opened.value.ask('CONFIG SET' as 'PING', 'maxmemory', '1')).rejects.toThrow(TypeError);
    await expect(opened.value.send('SET' as 'BGSAVE', 'k', 'v')).rejects.toThrow(TypeError);
    opened.value.close();
  });

  it('hide the value of a secret setting', async () => {
    const opened = await openReader(openLocalHost(locked.entry), endpoint(locked, password), options, never);
    const answer = opened.ok ? await opened.value.ask('CONFIG GET', 'requirepass') : undefined;
    if (opened.ok) opened.value.close();
    expect(answer).toMatchObject({
      ok: true,
      value: ['requirepass', expect.stringMatching(/^\{secret:[0-9a-f]{16}\}$/)],
    });
  });
});

describe('a lost connection', () => {
  it('is unknown for a write, which was sent once', async () => {
    const sent: string[] = [];
    let connections = 0;
    const { server, port } = await listen(open.address, (client) => {
      connections += 1;
      const redis = createConnection({ host: open.address, port: 6379 });
      let cut = false;
      client.on('data', (chunk) => {
        sent.push(chunk.toString());
        if (chunk.toString().includes('maxmemory')) cut = true;
        redis.write(chunk);
      });
      redis.on('data', (chunk) => (cut ? client.destroy() : client.write(chunk)));
      for (const socket of [client, redis]) socket.on('error', () => undefined);
      client.on('close', () => redis.destroy());
    });
    const target = { ...endpoint(open), port };
    const opened = await openWriter(openLocalHost(open.entry), target, options, never);
    if (!opened.ok) throw new Error(opened.detail);
    const lost = await opened.value.send('CONFIG SET', 'maxmemory', '123mb');
    const later = await opened.value.send('CONFIG SET', 'maxmemory', '456mb');
    const read = await opened.value.ask('PING');
    opened.value.close();
    server.close();
    expect(lost).toMatchObject({ outcome: 'unknown', why: expect.stringContaining('lost') });
    expect(later).toMatchObject({ outcome: 'unknown', why: expect.stringContaining('never sent') });
    expect(read).toMatchObject({ ok: false, why: 'refused' });
    expect(connections).toBe(1);
    expect(sent.filter((text) => text.includes('maxmemory'))).toHaveLength(1);
    const calls = await rawCommand(open.address, 6379, ['INFO', 'commandstats'], ['CONFIG', 'GET', 'maxmemory']);
    expect(calls).toContain('cmdstat_config|set:calls=1,');
    expect(calls).toContain(String(123 * 1024 * 1024));
  });

  it('is seen at once when the server ends its half alone, as sshd passes on the end of a process', async () => {
    const { server, port } = await listen(open.address, (client) => {
      client.on('error', () => undefined);
      client.once('data', () => {
        client.write('+PONG\r\n');
        client.end();
      });
    });
    const connect = async (address: string, at: number) => {
      const socket = createConnection({ host: address, port: at, allowHalfOpen: true });
      await new Promise((resolve) => socket.once('connect', resolve));
      return forwarded({ readable: socket, writable: socket, close: () => void socket.destroy() });
    };
    const host = { ...openLocalHost(open.entry), connect };
    const opened = await openReader(host, { ...endpoint(open), port }, { timeoutMs: 60_000 }, never);
    if (!opened.ok) throw new Error(opened.detail);
    const begun = performance.now();
    const seen = await opened.value.ask('PING');
    opened.value.close();
    server.close();
    expect(seen).toMatchObject({ ok: false, why: 'refused', detail: expect.stringContaining('lost') });
    expect(performance.now() - begun).toBeLessThan(10_000);
  });

  it('ends what is in flight when the signal ends', async () => {
    const stopping = new AbortController();
    const { server, port } = await listen(open.address, (client) => {
      client.on('error', () => undefined);
      client.on('data', (chunk) => {
        if (chunk.toString().includes('PING')) client.write('+PONG\r\n');
        if (chunk.toString().includes('BGSAVE')) stopping.abort();
      });
    });
    const target = { ...endpoint(open), port };
    const opened = await openWriter(openLocalHost(open.entry), target, { timeoutMs: 60_000 }, stopping.signal);
    if (!opened.ok) throw new Error(opened.detail);
    expect(await opened.value.send('BGSAVE')).toMatchObject({ outcome: 'unknown', why: 'stopped' });
    server.close();
  });

  it('is the end of an answer that is too large, too deep or no RESP', async () => {
    const small = await openReader(
      openLocalHost(open.entry),
      endpoint(open),
      { timeoutMs: 1000, limitBytes: 1000 },
      never,
    );
    if (!small.ok) throw new Error(small.detail);
    expect(await small.value.ask('INFO', 'all')).toMatchObject({ ok: false, why: 'too-large' });
    for (const [answer, why] of [
      [`${'*1\r\n'.repeat(20)}:1\r\n`, 'too-large'],
      ['*1\r\n'.repeat(50_000), 'too-large'],
      ['\x00\x01\x02\r\n', 'refused'],
      ['*99999999999\r\n', 'too-large'],
    ] as const) {
      const { server, port } = await listen(open.address, (client) => {
        client.on('error', () => undefined);
        client.on('data', (chunk) => client.write(chunk.toString().includes('PING') ? '+PONG\r\n' : answer));
      });
      const opened = await openReader(openLocalHost(open.entry), { ...endpoint(open), port }, options, never);
      if (!opened.ok) throw new Error(opened.detail);
      const seen = await opened.value.ask('ROLE');
      opened.value.close();
      server.close();
      expect(seen).toMatchObject({ ok: false, why });
    }
  });

  it('of an endless answer keeps memory in bounds', async () => {
    const { server, port } = await listen(open.address, (client) => {
      client.on('error', () => undefined);
      client.once('data', () => {
        client.write('+PONG\r\n');
        client.once('data', () => {
          const flood = Buffer.alloc(1 << 20, 'x');
          const more = () => {
            while (!client.destroyed && client.write(flood));
          };
          client.write('$2147483647\r\n');
          client.on('drain', more);
          more();
        });
      });
    });
    const target = { ...endpoint(open), port };
    const opened = await openReader(
      openLocalHost(open.entry),
      target,
      { timeoutMs: 20_000, limitBytes: 8 << 20 },
      never,
    );
    if (!opened.ok) throw new Error(opened.detail);
    const before = process.memoryUsage().rss;
    expect(await opened.value.ask('ROLE')).toMatchObject({ ok: false, why: 'too-large' });
    expect(process.memoryUsage().rss - before).toBeLessThan(200 << 20);
    server.close();
  });
});

describe('closing', () => {
  it('leaves nothing that keeps Node alive, also for a hung server', async () => {
    const resources = () =>
      process.getActiveResourcesInfo().filter((name) => /TCPSocketWrap|Timeout/.test(name)).length;
    const before = resources();
    const opened = await openReader(openLocalHost(open.entry), endpoint(open), { timeoutMs: 60_000 }, never);
    if (!opened.ok) throw new Error(opened.detail);
    const asking = opened.value.ask('PING');
    opened.value.close();
    expect((await asking).ok).toBe(false);
    await waitFor('sockets and timers to be gone', () => (resources() <= before ? true : undefined));
    expect(await opened.value.ask('PING')).toMatchObject({ ok: false, why: 'refused' });
  });
});
