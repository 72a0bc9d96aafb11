import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openRepository } from '../../src/backup/repository/open.js';
import type { BackupRef } from '../../src/backup/repository/repository.js';
import { sealManifest } from '../../src/backup/sign.js';
import { bytes, fileOf, manifestOf, scope, signer } from '../backup/builders.js';

const dist = fileURLToPath(new URL('../../dist', import.meta.url));
let root = '';
beforeEach(async () => {
  root = join(await mkdtemp(join(tmpdir(), 'redis-runbook-killed-')), 'backups');
});
afterEach(() => rm(join(root, '..'), { recursive: true, force: true }));

/**
 * A process that makes one backup and kills itself (SIGKILL) before its n-th call that changes the disk; the calls of
 * node:fs/promises are counted from outside the code under test. It prints how many there were when it lives to the end.
 */
const child = `
import fs, { promises } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
const [, , root, last] = process.argv;
let calls = 0;
const paths = new WeakMap();
const log = [];
const counted = (real, name) => async function (...args) {
  calls += 1;
  if (calls === Number(last)) process.kill(process.pid, 'SIGKILL');
  const result = await real.apply(this, args);
  if (name === 'open') paths.set(result, args[0]);
  log.push([name, ...(paths.has(this) ? [paths.get(this)] : args.filter((arg) => typeof arg === 'string' && arg.startsWith('/')))]);
  return result;
};
const probe = await promises.open(process.argv[1], 'r');
const handle = Object.getPrototypeOf(probe);
await probe.close();
for (const name of ['mkdir', 'rename', 'link', 'rm', 'open']) promises[name] = counted(promises[name], name);
for (const name of ['sync', 'write', 'writeFile']) handle[name] = counted(handle[name], name);
syncBuiltinESMExports();
const { openRepository } = await import('${dist}/backup/repository/open.js');
const { sealManifest, signerOf } = await import('${dist}/backup/sign.js');
const { manifest, pem } = JSON.parse(fs.readFileSync(root + '.json', 'utf8'));
const repository = await openRepository(root, { make: true, now: new Date() });
const writer = await repository.begin({ fleet: 'shop', group: 'stn-master', kind: 'rdb' }, new Date());
async function* chunks() { yield Buffer.from('REDIS0010 '); yield Buffer.from('data'); }
await writer.note({ source: 'pv3' });
await writer.put('data/dump.rdb', chunks());
const said = { ...manifest, id: writer.ref.id, files: manifest.files.map((file) => ({ ...file, sizeBytes: BigInt(file.sizeBytes) })) };
said.source.offset = BigInt(said.source.offset);
said.keyspace.databases = said.keyspace.databases.map((each) => ({ ...each, keys: BigInt(each.keys), expires: BigInt(each.expires) }));
await writer.finish(sealManifest(said, signerOf('mina@ops1', pem)));
console.log(JSON.stringify({ calls, log }));
`;

async function runUntil(call: number): Promise<{
  readonly signal: string | null;
  readonly calls: number;
  readonly log: string[][];
  readonly text: string;
}> {
  const { newKeyPem } = await import('../../src/backup/sign.js');
  const { toJson } = await import('../../src/model/json.js');
  const ref = { id: '0000', ...scope, kind: 'rdb', begunAt: '2026-11-23T03:14:07Z' } as const;
  const script = join(root, '../child.mjs');
  await writeFile(script, child);
  await writeFile(`${root}.json`, toJson({ manifest: manifestOf(ref), pem: newKeyPem() }));
  const ended = spawnSync(process.execPath, [script, root, String(call)], { encoding: 'utf8', timeout: 30_000 });
  const said = ended.stdout === '' ? { calls: 0, log: [] } : JSON.parse(ended.stdout);
  return { signal: ended.signal, ...said, text: ended.stderr };
}

it('killed before each call that changes the disk, a backup is complete or it is not listed as good, and the next one goes on', async () => {
  const whole = await runUntil(0);
  expect(whole.text).toBe('');
  expect(whole.calls).toBeGreaterThan(30);
  await rm(root, { recursive: true });
  const ends = { complete: 0, partial: 0, nothing: 0 };
  for (let call = 1; call <= whole.calls; call += 1) {
    const { signal, text } = await runUntil(call);
    expect([call, signal, text]).toEqual([call, 'SIGKILL', '']);
    const repository = await openRepository(root, { make: true, now: new Date() });
    const { backups, strange } = await repository.list(scope);
    expect([call, strange, backups.length <= 1]).toEqual([call, [], true]);
    const [found] = backups;
    ends[found?.state ?? 'nothing'] += 1;
    if (found?.state === 'complete') await expectWhole(found);
    else await expectGoingOn(found);
    await rm(root, { recursive: true });
  }
  expect(ends.complete).toBeGreaterThan(0);
  expect(ends.partial).toBeGreaterThan(10);
  expect(ends.nothing).toBeGreaterThan(3);
});

it('puts on the disk first what a later call relies on: content before its name, names before the manifest, the manifest before the final name', async () => {
  const { log, text } = await runUntil(0);
  expect(text).toBe('');
  const group = join(root, 'shop/stn-master');
  const [directory] = log
    .filter(([call, from]) => call === 'rename' && from?.endsWith('.partial'))
    .map(([, from]) => from ?? '');
  const at = (call: string, path: string, from = 0) =>
    log.findIndex((entry, index) => index >= from && entry[0] === call && entry.at(-1) === path);
  const published = log.findIndex(([call, from]) => call === 'rename' && from === directory);
  expect(at('sync', group, published)).toBeGreaterThan(published);
  for (const name of ['data/dump.rdb', 'SHA256SUMS', 'manifest.json.sig', 'manifest.json']) {
    const path = join(directory ?? '', name);
    const named = at('rename', path);
    const [, temporary = ''] = log[named] ?? [];
    const lastWrite = log.findLastIndex(
      ([call, where]) => (call === 'write' || call === 'writeFile') && where === temporary,
    );
    const order = [lastWrite, at('sync', temporary), named, at('sync', join(path, '..'), named), published];
    expect([name, order]).toEqual([name, [...order].sort((a, b) => a - b)]);
    expect([name, Math.min(...order)]).not.toEqual([name, -1]);
  }
  const manifest = at('rename', join(directory ?? '', 'manifest.json'));
  for (const name of ['data/dump.rdb', 'SHA256SUMS', 'manifest.json.sig'])
    expect(at('rename', join(directory ?? '', name))).toBeLessThan(manifest);
});

async function expectWhole(ref: BackupRef): Promise<void> {
  const cwd = join(root, 'shop/stn-master', ref.name);
  expect(spawnSync('sha256sum', ['--strict', '-c', 'SHA256SUMS'], { cwd }).status).toBe(0);
  expect(JSON.parse(await readFile(join(cwd, 'manifest.json'), 'utf8'))).toMatchObject({ id: ref.id });
}

async function expectGoingOn(ref: BackupRef | undefined): Promise<void> {
  const repository = await openRepository(root, { make: false, now: new Date() });
  const resume = ref === undefined ? {} : { resume: ref.id };
  const writer = await repository.begin({ ...scope, kind: 'rdb', ...resume }, new Date());
  const stored = await readFile(
    join(root, 'shop/stn-master', `${writer.ref.name}.partial/data/dump.rdb`),
    'utf8',
  ).catch(() => undefined);
  expect(writer.finished.map(({ path }) => path)).toEqual(stored === undefined ? [] : ['data/dump.rdb']);
  if (stored === undefined) await writer.put('data/dump.rdb', bytes('REDIS0010 data'));
  else
    expect(writer.finished).toEqual([
      { path: 'data/dump.rdb', sizeBytes: 14n, sha256: fileOf('data/dump.rdb', 'REDIS0010 data').sha256 },
    ]);
  await expectWhole(await writer.finish(sealManifest(manifestOf(writer.ref), signer)));
}
