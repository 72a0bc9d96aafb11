import { mkdtemp, readFile, rm, truncate, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { canonicalJson } from '../../src/backup/canonical.js';
import { readCatalogue } from '../../src/backup/catalogue.js';
import { sha256Of } from '../../src/backup/manifest.js';
import { openRepository } from '../../src/backup/repository/open.js';
import type { BackupRef, Repository } from '../../src/backup/repository/repository.js';
import { type ProvenBackup, proveBackup } from '../../src/backup/restore/prove.js';
import { openSource } from '../../src/backup/restore/source.js';
import { newKeyPem, sealCheck, sealManifest, signatureOf, signerOf } from '../../src/backup/sign.js';
import type { Trust } from '../../src/backup/trust.js';
import type { RestoredBackup } from '../../src/model/plan.js';
import { makeBackup, manifestOf, scope, signer } from './builders.js';

let base = '';
let repository: Repository;
let ref: BackupRef;
const trust: Trust = { signers: [signer], path: '' };
const { signal } = new AbortController();
const at = '2026-11-23T03:14:07Z';

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'redis-runbook-prove-'));
  repository = await openRepository(join(base, 'backups'), { make: true, now: new Date(at) });
  ref = await drilled(await makeBackup(repository, at));
});
afterEach(() => rm(base, { recursive: true, force: true }));

const inside = (path: string, of = ref) => join(base, 'backups/shop/stn-master', of.name, path);

/** A record that a server has loaded it: what is refused here is refused for its bytes and papers. */
async function drilled(made: BackupRef): Promise<BackupRef> {
  const manifestSha256 = sha256Of(await readFile(inside('manifest.json', made)));
  const { record, signature } = sealCheck(
    {
      schema: 'redis-runbook/backup-check/1',
      id: made.id,
      manifestSha256,
      name: 'drill',
      at,
      result: 'good',
      details: [],
      durationMs: 1,
      databases: [{ database: 0, keys: 7n, expires: 2n }],
    },
    signer,
  );
  await repository.addCheck(made, { at, name: 'drill' }, record, signature);
  return made;
}

async function prove(of = ref): Promise<ProvenBackup> {
  const one = (await readCatalogue(repository, scope, trust)).find((each) => each.ref.id === of.id);
  if (one === undefined) throw new Error('the backup is gone');
  const tools = { repository, trust, signer, now: () => new Date(at), signal };
  return proveBackup(one, tools, () => undefined);
}

async function textOf(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const read: Uint8Array[] = [];
  for await (const chunk of bytes) read.push(chunk);
  return Buffer.concat(read).toString();
}

function refusal(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'restored',
    (error: { word?: string; facts?: readonly string[] }) => `${error.word}: ${error.facts?.join('; ')}`,
  );
}

/** Another manifest with a true signature: only somebody with the key could have made it. */
async function signed(change: (manifest: Record<string, unknown>) => Record<string, unknown>): Promise<void> {
  const bytes = canonicalJson(change(JSON.parse(await readFile(inside('manifest.json'), 'utf8'))));
  await writeFile(inside('manifest.json'), bytes);
  await writeFile(inside('manifest.json.sig'), signatureOf(bytes, signer));
}

describe('what may be restored', () => {
  it('a backup whose every byte is right, with the counts of the server that loaded it', async () => {
    expect(await prove()).toMatchObject({
      readBytes: 24n,
      rdbVersion: 10,
      drilledAt: at,
      databases: [{ database: 0, keys: 7n, expires: 2n }],
      remarks: [],
    });
  });

  it.each<[string, () => Promise<unknown>, RegExp]>([
    [
      'a flipped byte',
      async () => {
        const bytes = await readFile(inside('data/dump.rdb'));
        await writeFile(inside('data/dump.rdb'), bytes.with(3, (bytes[3] ?? 0) ^ 1));
      },
      /^bad-backup: hash: data\/dump\.rdb/,
    ],
    ['a missing file', () => unlink(inside('data/dump.rdb')), /^bad-backup: missing-file/],
    ['a truncated tail', () => truncate(inside('data/dump.rdb'), 10), /^bad-backup: truncated/],
    [
      'a manifest that was changed under its signature',
      async () => {
        const text = await readFile(inside('manifest.json'), 'utf8');
        await writeFile(inside('manifest.json'), text.replace('"pv3"', '"pv9"'));
      },
      /^bad-backup: .*forged/,
    ],
    [
      'the manifest of another backup',
      async () => {
        const other = await makeBackup(repository, '2026-11-24T03:14:07Z');
        for (const name of ['manifest.json', 'manifest.json.sig', 'SHA256SUMS'])
          await writeFile(inside(name), await readFile(inside(name, other)));
      },
      /^bad-backup: swapped/,
    ],
    [
      'a newer format',
      () => signed((manifest) => ({ ...manifest, schema: 'redis-runbook/backup-manifest/2' })),
      /^bad-backup: newer-format/,
    ],
    [
      'a path with ..',
      () =>
        signed(({ files, ...rest }) => ({
          ...rest,
          files: (files as object[]).map((file) => ({ ...file, path: 'data/../../x' })),
        })),
      /^bad-backup: path/,
    ],
    ['no manifest', () => unlink(inside('manifest.json')), /^no-backup/],
  ])('never: %s', async (_, damage, expected) => {
    await damage();
    expect(await refusal(prove())).toMatch(expected);
  });

  it('never: one of a signer whom nobody accepted, and of one that calls itself like a trusted one', async () => {
    const forged = await makeBackup(repository, '2026-11-25T03:14:07Z', { by: signerOf(signer.name, newKeyPem()) });
    expect(await refusal(prove(forged))).toMatch(/^unknown-signer/);
  });

  it('a run gets what stood on the host where the backup was packed, from any byte of that', async () => {
    const plain = 'REDIS0010 data';
    const writer = await repository.begin({ ...scope, kind: 'rdb' }, new Date('2026-11-26T03:14:07Z'));
    const stored = await writer.put('data/dump.rdb.gz', Readable.from([gzipSync(plain)]));
    const compressed = { how: 'gzip', plainBytes: 14n, plainSha256: sha256Of(Buffer.from(plain)) } as const;
    const files = [{ ...stored, role: 'rdb', compressed } as const];
    ref = await drilled(await writer.finish(sealManifest(manifestOf(writer.ref, { files }), signer)));
    const proven = await prove();
    expect(proven.rdbVersion).toBe(10);
    const { name, id } = ref;
    const { manifestSha256 } = proven;
    const of = { ...scope, id, kind: 'rdb', name, repository: repository.place, takenAt: at, sizeBytes: 14n } as const;
    const source = await openSource({ ...of, manifestSha256 }, repository, trust);
    for (const from of [0, 4, 13]) {
      expect(await textOf(source.read('data/dump.rdb.gz', BigInt(from), signal))).toBe(plain.slice(from));
    }
    await source.close();
  });

  it('a run reads the backup that was proved, from any byte, and no other one under its name', async () => {
    const proven = await prove();
    const backup: RestoredBackup = {
      ...scope,
      id: ref.id,
      kind: 'rdb',
      name: ref.name,
      repository: repository.place,
      manifestSha256: proven.manifestSha256,
      takenAt: at,
      sizeBytes: 14n,
    };
    const source = await openSource(backup, repository, trust);
    expect(await textOf(source.read('data/dump.rdb', 4n, signal))).toBe('S0010 data');
    await source.close();
    await signed((manifest) => ({ ...manifest, chosenBecause: 'another one' }));
    expect(await refusal(openSource(backup, repository, trust))).toMatch(/^bad-backup/);
    expect(await refusal(openSource({ ...backup, name: 'gone' }, repository, trust))).toMatch(/^no-backup/);
  });
});
