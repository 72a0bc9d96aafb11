import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLocalHost } from '../../src/hosts/local.js';
import type { NodeEntry } from '../../src/model/inventory.js';
import { compareKeys, type OwnKey } from '../../src/scratch/compare.js';
import { openScratch, type Scratch } from '../../src/scratch/load.js';
import { OwnRedis, rawCommand, waitFor } from './own-redis.js';

const never = new AbortController().signal;
const own = new OwnRedis();
const open: Scratch[] = [];

/** What both have, as it was before they parted. */
const common = range(2000).map((i): readonly string[] =>
  i % 4 === 0 ? ['HSET', `order:${i}`, 'n', `${i}`] : ['SET', `user:${i}`, `v${i}`],
);
const onPv1: readonly (readonly string[])[] = [
  ...range(300).map((i) => ['SET', `cart:pv1-${i}`, 'x']),
  ...range(5).map((i) => ['RPUSH', `mina@example.org:${i}`, 'a']),
  ...range(40).map((i) => ['SET', `user:${4 * i + 1}`, 'changed']),
  ['PEXPIREAT', 'user:3', '4102444800000'],
  ['SET', 'gone:1', 'x', 'PX', '1'],
  ['DEL', 'user:7', 'order:8'],
];
const onPv2: readonly (readonly string[])[] = [
  ...range(120).map((i) => ['SADD', `seen:${i}`, 'b']),
  ['XADD', 'log', '1-1', 'a', 'b'],
  ['DEL', 'user:11'],
];

beforeAll(async () => {
  const files = [];
  for (const [name, more] of [['pv1', onPv1] as const, ['pv2', onPv2] as const]) files.push(await savedBy(name, more));
  for (const path of files) {
    const host = openLocalHost((await own.host('here')).entry);
    open.push(await openScratch(host, { kind: 'rdb', path }, { keepExpired: true, debug: true }, never));
  }
});
afterAll(async () => {
  for (const scratch of open) await scratch.end();
  await own.end();
});

function range(length: number): readonly number[] {
  return Array.from({ length }, (_, i) => i);
}

/** A real server takes the common writes and its own, and saves. */
async function savedBy(name: string, more: readonly (readonly string[])[]): Promise<string> {
  const host = await own.host(name);
  const node = host.entry.nodes[0] as NodeEntry;
  await own.config(node, ['save ""']);
  await own.start(node);
  const [address, port] = [node.address, node.port];
  await rawCommand(
    address,
    port,
    ['DEBUG', 'SET-ACTIVE-EXPIRE', '0'],
    ...[...common, ...more].map((words) => [...words]),
    ['SAVE'],
  );
  return join(host.directory, 'redis', 'data', 'dump.rdb');
}

function sides() {
  const [left, right] = open;
  if (left === undefined || right === undefined) throw new Error('two servers');
  return [
    { node: 'pv1', scratch: left },
    { node: 'pv2', scratch: right },
  ] as const;
}

describe('the ledger of two branches', () => {
  it('tells what only one of them holds, by type and shared beginning, and nothing of names', async () => {
    const [left, right] = sides();
    const found: OwnKey[] = [];
    const take = async (keys: readonly OwnKey[]) => void found.push(...keys);
    const ledger = await compareKeys(left, right, { onOwn: take }, never);
    expect(ledger).toMatchObject({
      left: { node: 'pv1', keys: 2304n, expired: 1n },
      right: { node: 'pv2', keys: 2120n, expired: 0n },
      isExact: true,
    });
    // Deleted there since: user:11. Deleted here: user:7 and order:8.
    expect(ledger.onlyLeft).toEqual({
      keys: 306n,
      expires: 0n,
      byType: [
        { type: 'list', keys: 5n },
        { type: 'string', keys: 301n },
      ],
      byPrefix: [{ prefix: 'cart:', keys: 300n, type: 'string' }],
      rest: 6n,
    });
    expect(ledger.onlyRight).toMatchObject({
      keys: 123n,
      byPrefix: [{ prefix: 'seen:', keys: 120n, type: 'set' }],
      rest: 3n,
    });
    expect(ledger.different).toMatchObject({ keys: 40n, byType: [{ type: 'string', keys: 40n }] });
    expect(ledger.otherExpiry).toMatchObject({ keys: 1n, expires: 1n });
    expect(ledger.same).toBe(2000n - 3n - 41n);
    expect(found).toHaveLength(306 + 40 + 1);
    expect(JSON.stringify(ledger, (_, value) => (typeof value === 'bigint' ? `${value}` : value))).not.toContain(
      'mina',
    );
  });

  it('is empty for one dataset, however it is encoded', async () => {
    const [left] = sides();
    const ledger = await compareKeys(left, { ...left, node: 'again' }, {}, never);
    expect([ledger.onlyLeft.keys, ledger.onlyRight.keys, ledger.different.keys, ledger.otherExpiry.keys]).toEqual([
      0n,
      0n,
      0n,
      0n,
    ]);
    expect(ledger.same).toBe(2303n);
  });
});

describe('a closed server', () => {
  it('does not outlive the process that opened it, killed by SIGKILL', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'redis-runbook-outlive-'));
    const rdb = await savedBy('k', []);
    const script = join(directory, 'hold.mjs');
    const here = new URL('../../dist/', import.meta.url).pathname;
    await writeFile(
      script,
      `import { openLocalHost } from '${here}hosts/local.js';
import { openScratch } from '${here}scratch/load.js';
const entry = { name: 'h', address: '127.0.0.1', transport: 'local', become: 'none', service: 'process', state: '/nonexistent', nodes: [], line: 0 };
await openScratch(openLocalHost(entry), { kind: 'rdb', path: ${JSON.stringify(rdb)} }, {}, new AbortController().signal);
console.log('open');
setInterval(() => undefined, 1000);`,
    );
    const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      await new Promise<void>((resolve) => child.stdout.once('data', () => resolve()));
      const servers = await childrenOf(child.pid);
      expect(servers.length).toBeGreaterThan(0);
      child.kill('SIGKILL');
      await waitFor('the closed server to end', async () => {
        const left = await Promise.all(servers.map(lives));
        return left.some(Boolean) ? undefined : true;
      });
    } finally {
      child.kill('SIGKILL');
      await rm(directory, { recursive: true, force: true });
    }
  });
});

/** Pids of the processes that this one started. */
async function childrenOf(parent: number | undefined): Promise<readonly string[]> {
  const found: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    if (status.includes(`\nPPid:\t${parent}\n`)) found.push(pid);
  }
  return found;
}

/** Still there and no zombie that waits for its parent. */
async function lives(pid: string): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return status !== '' && !/^State:\tZ/m.test(status);
}
