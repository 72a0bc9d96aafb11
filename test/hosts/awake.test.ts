import { connect, createServer } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { afterAwake } from '../../src/hosts/awake.js';
import { within } from '../../src/hosts/reading.js';
import type { Seen } from '../../src/model/seen.js';

const servers: ReturnType<typeof createServer>[] = [];
const silence = new Promise<Seen<string>>(() => undefined);
const from = { host: 'here', source: 'test' };

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** The process does nothing else for that long, as on a machine that has no time for it. */
function standStill(forMs: number): void {
  const end = Date.now() + forMs;
  while (Date.now() < end);
}

function read(then: () => void): Promise<string> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.end('answer'));
    servers.push(server);
    server.listen(0, '127.0.0.1', () => {
      const place = server.address();
      if (place === null || typeof place === 'string') return reject(new Error('no port'));
      connect(place.port, '127.0.0.1')
        .on('connect', then)
        .on('data', (data) => resolve(String(data)))
        .on('error', reject);
    });
  });
}

test('an answer that came while nobody listened is an answer', async () => {
  const seen = await within(from, 400, new AbortController().signal, async () => {
    const value = await read(() => standStill(900));
    return { ok: true, value, from, at: '' };
  });
  expect(seen).toMatchObject({ ok: true, value: 'answer' });
});

test('silence ends at its limit', async () => {
  const began = Date.now();
  const seen = await within(from, 200, new AbortController().signal, () => silence);
  expect(seen).toMatchObject({ ok: false, why: 'timeout', detail: 'no answer in 200 ms' });
  expect(Date.now() - began).toBeGreaterThanOrEqual(190);
});

test('what was taken back is not called', async () => {
  let called = false;
  const back = afterAwake(40, () => {
    called = true;
  });
  back();
  await within(from, 120, new AbortController().signal, () => silence);
  expect(called).toBe(false);
});
