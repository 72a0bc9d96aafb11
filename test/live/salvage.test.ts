import { spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLocalHost } from '../../src/hosts/local.js';
import { openWriter } from '../../src/hosts/redis-client.js';
import type { NodeEntry } from '../../src/model/inventory.js';
import type { SalvageApplied } from '../../src/model/salvage.js';
import { applySalvage } from '../../src/salvage/apply.js';
import { openApplyJournal } from '../../src/salvage/journal.js';
import { proveSalvage, type Salvage, salvagesIn } from '../../src/salvage/read.js';
import { openSalvage } from '../../src/salvage/write.js';
import { compareKeys } from '../../src/scratch/compare.js';
import { openScratch } from '../../src/scratch/load.js';
import { OwnRedis, rawCommand, waitFor } from './own-redis.js';

const never = new AbortController().signal;
const own = new OwnRedis();
const LATER_MS = 4_102_444_800_000;
const OWN_KEYS = 6000;
let bundle: Salvage;
let run = '';
let rdb = '';

/** Both took these before they parted. */
const common = range(500).map((i): readonly string[] => ['SET', `user:${i}`, `v${i}`]);
const onPv1: readonly (readonly string[])[] = [
  ...range(OWN_KEYS).map((i) => ['SET', `order:${i}`, `o${i}`]),
  ['SET', 'timed', 'x', 'PXAT', `${LATER_MS}`],
  ['HSET', 'hash\x01\n', 'f', 'v'],
  ['XADD', 'log', '1-1', 'a', 'b'],
  ['XGROUP', 'CREATE', 'log', 'g', '0'],
  ['SELECT', '3'],
  ['SADD', 'in-three', 'm'],
  ['SELECT', '0'],
  ['SET', 'user:1', 'of pv1'],
];

beforeAll(async () => {
  const left = await savedBy('pv1', onPv1);
  rdb = await savedBy('pv2', [['SET', 'user:2', 'of pv2']]);
  run = await own.directory();
  const directory = join(run, 'salvage', 'pv1');
  await mkdir(directory, { recursive: true });
  const host = openLocalHost((await own.host('here')).entry);
  const open = (path: string) => openScratch(host, { kind: 'rdb', path }, { keepExpired: true, debug: true }, never);
  const sides = [await open(left), await open(rdb)] as const;
  const writer = await openSalvage(directory);
  const [one, other] = [
    { node: 'pv1', scratch: sides[0] },
    { node: 'pv2', scratch: sides[1] },
  ];
  const ledger = await compareKeys(one, other, { onOwn: writer.take }, never);
  await Promise.all(sides.map((side) => side.end()));
  const rest = {
    fleet: 'f',
    group: 'g',
    node: 'pv1',
    beside: 'pv2',
    at: '2026-11-21T00:00:00Z',
    serverVersion: '7.0.15',
  };
  await writer.finish({ ...rest, ledger });
  const [found] = await salvagesIn(run);
  if (found === undefined) throw new Error('no bundle');
  bundle = found;
});
afterAll(() => own.end());

function range(length: number): readonly number[] {
  return Array.from({ length }, (_, i) => i);
}

async function savedBy(name: string, more: readonly (readonly string[])[]): Promise<string> {
  const host = await own.host(name);
  const node = host.entry.nodes[0] as NodeEntry;
  await own.config(node, ['save ""']);
  await own.start(node);
  await rawCommand(node.address, node.port, ...[...common, ...more].map((words) => [...words]), ['SAVE']);
  return join(host.directory, 'redis', 'data', 'dump.rdb');
}

/** A server that serves what pv2 had. */
async function master(name: string, more: readonly string[][] = []): Promise<NodeEntry> {
  const host = await own.host(name);
  const node = host.entry.nodes[0] as NodeEntry;
  await own.config(node, ['save ""']);
  await writeFile(join(host.directory, 'redis', 'data', 'dump.rdb'), await readFile(rdb));
  await own.start(node);
  if (more.length > 0) await rawCommand(node.address, node.port, ...more);
  return node;
}

async function applied(node: NodeEntry, dryRun = false, only = ''): Promise<SalvageApplied> {
  const host = openLocalHost((await own.host(`to-${node.id}`)).entry);
  const opened = await openWriter(
    host,
    { address: node.address, port: node.port, node: node.id },
    { timeoutMs: 5000 },
    never,
  );
  if (!opened.ok) throw new Error(opened.detail);
  const what = { only, master: node.id, at: '2026-11-21T00:00:00Z' };
  const journal = dryRun ? undefined : await openApplyJournal(bundle.directory, what);
  try {
    return await applySalvage(bundle, opened.value, journal, { wants: () => true, dryRun, node: node.id }, never);
  } finally {
    opened.value.close();
    await journal?.close();
  }
}

function ask(node: NodeEntry, ...commands: string[][]): Promise<string> {
  return rawCommand(node.address, node.port, ...commands);
}

/** Everything that pv1 alone had, as the record of its writes has it. */
async function expectAllBack(node: NodeEntry): Promise<void> {
  const orders = await ask(node, ['MGET', ...range(OWN_KEYS).map((i) => `order:${i}`)]);
  expect(orders).toContain(
    `*${OWN_KEYS}\r\n${range(OWN_KEYS)
      .map((i) => `$${`o${i}`.length}\r\no${i}\r\n`)
      .join('')}`,
  );
  expect(await ask(node, ['PEXPIRETIME', 'timed'], ['HGET', 'hash\x01\n', 'f'])).toContain(
    `:${LATER_MS}\r\n$1\r\nv\r\n`,
  );
  expect(await ask(node, ['XINFO', 'GROUPS', 'log'])).toContain('$1\r\ng\r\n');
  expect(await ask(node, ['SELECT', '3'], ['SMEMBERS', 'in-three'])).toContain('$1\r\nm\r\n');
  // What both have with other values is pv2's.
  expect(await ask(node, ['MGET', 'user:1', 'user:2'])).toContain('$2\r\nv1\r\n$6\r\nof pv2\r\n');
}

describe('a salvage bundle', () => {
  it('brings back exactly what is absent, with its expiry, and writes over nothing', async () => {
    await proveSalvage(bundle);
    const node = await master('target', [['SET', 'order:7', 'written since']]);
    expect(await applied(node, true)).toMatchObject({ wouldRestore: BigInt(OWN_KEYS + 3), restored: 0n, there: 1n });
    expect(await ask(node, ['DBSIZE'])).toContain(':501\r\n');
    expect(await applied(node)).toMatchObject({ restored: BigInt(OWN_KEYS + 3), there: 1n, differing: 2n });
    expect(await ask(node, ['GET', 'order:7'])).toContain('written since');
    await ask(node, ['SET', 'order:7', 'o7']);
    await expectAllBack(node);
    expect(await applied(node)).toMatchObject({ restored: 0n, there: BigInt(OWN_KEYS + 4) });
  });

  it('goes on where it was when it was killed in the middle', async () => {
    const node = await master('killed');
    const script = join(run, 'apply.mjs');
    const here = new URL('../../dist/', import.meta.url).pathname;
    const entry = (await own.host('k')).entry;
    await writeFile(
      script,
      `import { openLocalHost } from '${here}hosts/local.js';
import { openWriter } from '${here}hosts/redis-client.js';
import { applySalvage } from '${here}salvage/apply.js';
import { openApplyJournal } from '${here}salvage/journal.js';
import { salvagesIn } from '${here}salvage/read.js';
const never = new AbortController().signal;
const [bundle] = await salvagesIn(${JSON.stringify(run)});
const at = { address: '${node.address}', port: ${node.port}, node: 'killed' };
const opened = await openWriter(openLocalHost(${JSON.stringify(entry)}), at, { timeoutMs: 5000 }, never);
const journal = await openApplyJournal(bundle.directory, { only: 'killed', master: 'killed', at: '' });
await applySalvage(bundle, opened.value, journal, { wants: () => true, dryRun: false, node: 'killed' }, never);`,
    );
    const child = spawn(process.execPath, [script], { stdio: 'inherit' });
    await waitFor('some keys to be back', async () => {
      const size = Number(/:(\d+)/.exec(await ask(node, ['DBSIZE']))?.[1]);
      return size > 1500 ? true : undefined;
    });
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('close', resolve));
    expect(child.signalCode).toBe('SIGKILL');
    const back = await applied(node, false, 'killed');
    expect(back.restored + back.there).toBe(BigInt(OWN_KEYS + 4));
    expect(back.there).toBe(0n);
    await expectAllBack(node);
  });

  it('is refused when a byte of it is another', async () => {
    const path = join(bundle.directory, 'keys.jsonl');
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replace('"type":"string"', '"type":"strinG"'));
    await expect(proveSalvage(bundle)).rejects.toThrow('is not what was written: nothing of it is put back');
    await writeFile(path, text);
    await proveSalvage(bundle);
  });
});
