import { appendFile, mkdtemp, readFile, rename, rm, symlink, truncate, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { canonicalJson } from '../../src/backup/canonical.js';
import { readCatalogue } from '../../src/backup/catalogue.js';
import { judgePapers } from '../../src/backup/judge.js';
import { sha256Of } from '../../src/backup/manifest.js';
import { openRepository } from '../../src/backup/repository/open.js';
import type { BackupRef, Repository } from '../../src/backup/repository/repository.js';
import { fingerprintOf, newKeyPem, sealCheck, sealManifest, signatureOf, signerOf } from '../../src/backup/sign.js';
import { backupConfigDirectory, loadSigner } from '../../src/backup/signer-file.js';
import { acceptSigner, readTrust, type Trust } from '../../src/backup/trust.js';
import { verifyBackup } from '../../src/backup/verify.js';
import type { BackupCheck } from '../../src/model/backup.js';
import { fileOf, makeBackup, manifestOf, scope, signer } from './builders.js';

let base = '';
let repository: Repository;
let ref: BackupRef;
const trust: Trust = { signers: [signer], path: '' };
const { signal } = new AbortController();
const at = '2026-11-23T03:14:07Z';

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'redis-runbook-verify-'));
  repository = await openRepository(join(base, 'backups'), { make: true, now: new Date(at) });
  ref = await makeBackup(repository, at);
});
afterEach(() => rm(base, { recursive: true, force: true }));

const inside = (path: string, of = ref) => join(base, 'backups/shop/stn-master', of.name, path);

async function words(of = ref, whom = trust): Promise<string[]> {
  const { troubles } = await verifyBackup(repository, of, whom, { signal });
  for (const trouble of troubles) expect(trouble.text).toMatch(/\S/);
  return troubles.map(({ what, path }) => (path === undefined ? what : `${what} ${path}`));
}

/** Writes another manifest with a true signature of `by`, as somebody with a key and the disk could. */
async function forge(manifest: Uint8Array, by = signer): Promise<void> {
  await writeFile(inside('manifest.json'), manifest);
  await writeFile(inside('manifest.json.sig'), signatureOf(manifest, by));
}

const asJson = async () => JSON.parse(await readFile(inside('manifest.json'), 'utf8'));

describe('a backup as it was made', () => {
  it('has nothing wrong with it, and every byte was read', async () => {
    let seen = 0;
    const verified = await verifyBackup(repository, ref, trust, { signal, onBytes: (n) => (seen += n) });
    expect(verified.troubles).toEqual([]);
    expect([verified.readBytes, seen]).toEqual([24n, 24]);
    expect(verified.manifest).toMatchObject({ id: ref.id, source: { offset: 93_868_004n } });
  });
});

describe('what is wrong with a backup is named', () => {
  it.each<[string, () => Promise<unknown>, string[]]>([
    [
      'a flipped byte',
      async () => {
        const bytes = await readFile(inside('data/dump.rdb'));
        bytes[3] = (bytes[3] ?? 0) ^ 1;
        await writeFile(inside('data/dump.rdb'), bytes);
      },
      ['hash data/dump.rdb'],
    ],
    ['a missing file', () => unlink(inside('data/dump.rdb')), ['missing-file data/dump.rdb']],
    ['a truncated tail', () => truncate(inside('data/dump.rdb'), 10), ['truncated data/dump.rdb']],
    ['a longer file', () => appendFile(inside('data/dump.rdb'), 'x'), ['size data/dump.rdb']],
    ['a file too many', () => writeFile(inside('data/more.rdb'), 'x'), ['extra-file data/more.rdb']],
    [
      'a link in the place of a file',
      async () => {
        await rename(inside('data/dump.rdb'), join(base, 'moved'));
        await symlink(join(base, 'moved'), inside('data/dump.rdb'));
      },
      ['not-a-file data/dump.rdb'],
    ],
    ['no signature', () => unlink(inside('manifest.json.sig')), ['unsigned']],
    ['a signature that is none', () => writeFile(inside('manifest.json.sig'), '{}'), ['signature-unreadable']],
    ['sums that say otherwise', () => appendFile(inside('SHA256SUMS'), '\n'), ['sums']],
    ['no sums', () => unlink(inside('SHA256SUMS')), ['sums']],
    ['a cut manifest', () => truncate(inside('manifest.json'), 100), ['not-json', 'forged']],
    ['an empty manifest', () => truncate(inside('manifest.json'), 0), ['not-json', 'forged']],
  ])('%s', async (_, damage, expected) => {
    await damage();
    expect(await words()).toEqual(expected);
  });

  it('a manifest that was changed under its signature', async () => {
    const text = await readFile(inside('manifest.json'), 'utf8');
    await writeFile(inside('manifest.json'), text.replace('"pv3"', '"pv9"'));
    expect(await words()).toContain('forged');
  });

  it('the manifest of another backup, with its true signature', async () => {
    const other = await makeBackup(repository, '2026-11-24T03:14:07Z');
    for (const name of ['manifest.json', 'manifest.json.sig', 'SHA256SUMS']) {
      await writeFile(inside(name), await readFile(inside(name, other)));
    }
    expect(await words()).toEqual(['swapped']);
    expect(await words(other)).toEqual([]);
  });

  it('a backup that was moved to another time or id by its name', async () => {
    const renamed = { ...ref, name: '20261130T000000Z-rdb-ZZZZ', id: 'ZZZZ', begunAt: '2026-11-30T00:00:00Z' };
    await rename(inside(''), inside('', renamed));
    expect(await words(renamed)).toEqual(['swapped']);
    const [listed] = await readCatalogue(repository, scope, trust);
    expect(listed).toMatchObject({ state: 'bad', ref: { id: 'ZZZZ' } });
  });

  it('a whole forgery: other data, a manifest that fits, signed by a key of his own under a name we trust', async () => {
    const stranger = signerOf(signer.name, newKeyPem());
    const forged = await makeBackup(repository, '2026-11-25T03:14:07Z', { by: stranger });
    expect(await words(forged)).toEqual(['unknown-signer']);
    const states = (await readCatalogue(repository, scope, trust)).map(({ state }) => state);
    expect(states).toEqual(['good', 'unknown']);
  });

  it('one changed bit anywhere in the manifest, and anywhere in the signature but the name, which is not believed', async () => {
    const sealed = sealManifest(manifestOf(ref), signer);
    const flip = (bytes: Uint8Array, at: number) => bytes.map((byte, index) => (index === at ? byte ^ 1 : byte));
    const judge = (more: object) => judgePapers(ref, { ...sealed, ...more }, ({ key }) => key === signer.key);
    expect(judge({}).troubles).toEqual([]);
    for (const at of sealed.manifest.keys())
      expect([at, judge({ manifest: flip(sealed.manifest, at) }).troubles.length > 0]).toEqual([at, true]);
    const begin = Buffer.from(sealed.signature).indexOf(signer.name);
    for (const at of sealed.signature.keys()) {
      const isName = at >= begin && at < begin + signer.name.length;
      if (!isName)
        expect([at, judge({ signature: flip(sealed.signature, at) }).troubles.length > 0]).toEqual([at, true]);
    }
    const said = await readFile(inside('manifest.json.sig'), 'utf8');
    await writeFile(inside('manifest.json.sig'), said.replace(signer.name, 'root@vault'));
    const [listed] = await readCatalogue(repository, scope, trust);
    expect(listed).toMatchObject({ state: 'good', signer: { name: signer.name } });
  });

  it('a newer format, and what to do', async () => {
    await forge(canonicalJson({ ...(await asJson()), schema: 'redis-runbook/backup-manifest/2', more: 1 }));
    const { troubles } = await verifyBackup(repository, ref, trust, { signal });
    expect(troubles.map(({ what }) => what)).toEqual(['newer-format']);
    expect(troubles[0]?.text).toContain('use a newer redis-runbook');
  });

  it.each([
    ['..', ['data/../../../../etc/passwd'], ['path']],
    ['an absolute path', ['/etc/passwd'], ['path']],
    ['a path of another system', ['C:/x'], ['path']],
    ['a backslash', ['data\\..\\x'], ['path']],
    ['a NUL', ['data/dump.rdb\0'], ['path']],
    ['a path that its role has no business with', ['config/redis.conf'], ['path']],
    ['a path twice', ['data/dump.rdb', 'data/dump.rdb'], ['duplicate-path', 'shape']],
    ['paths that differ in case only', ['data/dump.rdb', 'data/DUMP.rdb'], ['path', 'case-collision', 'shape']],
  ])('%s in a signed manifest', async (_, paths, expected) => {
    const files = paths.map((path) => ({
      path,
      role: 'rdb',
      sizeBytes: '14',
      sha256: fileOf('data/dump.rdb', 'REDIS0010 data').sha256,
    }));
    await forge(canonicalJson({ ...(await asJson()), files }));
    expect(await words()).toEqual(expected);
  });

  it('a file in the place where another needs a directory', async () => {
    const { files, ...rest } = await asJson();
    const config = (path: string) => ({ ...files[0], path, role: 'config' });
    const dump = files.find((file: { role: string }) => file.role === 'rdb');
    await forge(canonicalJson({ ...rest, files: [config('config/a'), config('config/A/b'), dump] }));
    expect(await words()).toEqual(['case-collision']);
  });

  it.each([
    ['a key that stands twice', (text: string) => text.replace('"id":', '"id": "ZZZZ",\n  "id":'), 'not-canonical'],
    ['other blanks', (text: string) => text.replace('\n  ', '\n   '), 'not-canonical'],
    ['an unknown key', (text: string) => text.replace('"id":', '"hook": "x",\n  "id":'), 'shape'],
    ['a number that is no number', (text: string) => text.replace('"14"', '"14.0"'), 'shape'],
    ['control characters in a text', (text: string) => text.replace('the smallest lag', '\\u001b[2J'), 'shape'],
    ['an empty list of files', (text: string) => text.replace(/"files": \[[^\]]*\]/, '"files": []'), 'shape'],
  ])('%s in a signed manifest', async (_, change, expected) => {
    const before = await readFile(inside('manifest.json'), 'utf8');
    const after = change(before);
    expect(after).not.toBe(before);
    await forge(new TextEncoder().encode(after));
    expect(await words()).toEqual([expected]);
  });

  it('refuses to seal what it would refuse to read', () => {
    const bad = manifestOf(ref, { files: [fileOf('data/other.rdb', 'x')] });
    expect(() => sealManifest(bad, signer)).toThrow('not where a file of the role rdb stands');
    expect(() => sealManifest(manifestOf(ref, { kind: 'aof' }), signer)).toThrow('kind aof holds one AOF');
  });
});

describe('checks count only when they are true', () => {
  const record = (more: Partial<BackupCheck>): BackupCheck => ({
    schema: 'redis-runbook/backup-check/1',
    id: ref.id,
    manifestSha256: '',
    name: 'drill',
    at: '2026-11-23T05:00:00Z',
    result: 'good',
    details: [],
    durationMs: 1,
    ...more,
  });

  async function withCheck(more: Partial<BackupCheck>, by = signer) {
    const manifestSha256 = sha256Of(await readFile(inside('manifest.json')));
    const check = record({ manifestSha256, ...more });
    const sealed = sealCheck(check, by);
    await repository.addCheck(ref, check, sealed.record, sealed.signature);
    const [found] = await readCatalogue(repository, scope, trust);
    return { state: found?.state, names: found?.checks.map(({ name }) => name), ignored: found?.ignoredChecks };
  }

  it('of this manifest and by somebody trusted', async () => {
    expect(await withCheck({})).toEqual({ state: 'good', names: ['drill'], ignored: 0 });
  });
  it('not of another manifest', async () => {
    expect(await withCheck({ manifestSha256: '0'.repeat(64) })).toEqual({ state: 'good', names: [], ignored: 1 });
  });
  it('not of a stranger, good or bad', async () => {
    const stranger = signerOf('eve@x', newKeyPem());
    expect(await withCheck({ result: 'bad' }, stranger)).toEqual({ state: 'good', names: [], ignored: 1 });
  });
  it('and the newest of each kind decides', async () => {
    expect(await withCheck({ result: 'bad' })).toMatchObject({ state: 'bad' });
    expect(await withCheck({ at: '2026-11-23T06:00:00Z', result: 'unknown' })).toMatchObject({ state: 'bad' });
    expect(await withCheck({ at: '2026-11-23T07:00:00Z', name: 'hashes' })).toMatchObject({ state: 'bad' });
    expect(await withCheck({ at: '2026-11-23T08:00:00Z' })).toMatchObject({ state: 'good' });
  });
});

describe('who is trusted', () => {
  const env = () => ({ XDG_CONFIG_HOME: join(base, 'config') });
  const eve = signerOf('eve@x', newKeyPem());

  it('is this user alone at first, with a key that is made once and private', async () => {
    expect((await readTrust(repository, env())).signers).toEqual([]);
    const own = await loadSigner(env());
    expect(await loadSigner(env())).toMatchObject({ name: own.name, key: own.key });
    expect((await readTrust(repository, env())).signers).toEqual([{ name: own.name, key: own.key }]);
    const { mode } = await (await import('node:fs/promises')).stat(
      join(backupConfigDirectory(env()), 'signing-key.pem'),
    );
    expect(mode & 0o777).toBe(0o600);
  });

  it('does not sign with a key that others may read', async () => {
    await loadSigner(env());
    await (await import('node:fs/promises')).chmod(join(backupConfigDirectory(env()), 'signing-key.pem'), 0o640);
    await expect(loadSigner(env())).rejects.toMatchObject({
      word: 'repository',
      message: expect.stringContaining('others may read it'),
    });
  });

  it('takes the key of the service manager when it gives one', async () => {
    await writeFile(join(base, 'signing-key'), newKeyPem());
    const given = await loadSigner({ ...env(), CREDENTIALS_DIRECTORY: base });
    expect(given.key).not.toBe((await loadSigner(env())).key);
  });

  it('is whoever was accepted by name, remembered beside the user and never in the repository', async () => {
    const before = await readTrust(repository, env());
    await acceptSigner('eve@x', [eve], repository, before, new Date(at));
    const after = await readTrust(repository, env());
    expect(after.signers).toEqual([expect.objectContaining({ name: 'eve@x', key: eve.key })]);
    expect(after.path.startsWith(join(base, 'config'))).toBe(true);
    const elsewhere = await openRepository(join(base, 'other'), { make: true, now: new Date(at) });
    expect((await readTrust(elsewhere, env())).signers).toEqual([]);
  });

  it('is nobody who has not signed here, who shares a name, or who comes with another key', async () => {
    const empty = await readTrust(repository, env());
    const accept = (name: string, seen: readonly (typeof eve)[], whom = empty) =>
      acceptSigner(name, seen, repository, whom, new Date(at));
    const twin = signerOf('eve@x', newKeyPem());
    await expect(accept('bob@x', [eve])).rejects.toMatchObject({
      word: 'unknown-signer',
      facts: [expect.stringContaining('eve@x')],
    });
    await expect(accept('eve@x', [eve, twin])).rejects.toThrow('Several keys call themselves eve@x');
    const { trust: once } = await accept(fingerprintOf(eve.key), [eve, twin]);
    expect(once.signers.map(({ key }) => key)).toEqual([eve.key]);
    await expect(accept('eve@x', [twin], once)).rejects.toThrow('trusted with another key');
  });

  it('is not decided by a trust file that was tampered with', async () => {
    const { path } = await readTrust(repository, env());
    await acceptSigner('eve@x', [eve], repository, await readTrust(repository, env()), new Date(at));
    await appendFile(path, 'x');
    await expect(readTrust(repository, env())).rejects.toMatchObject({ word: 'repository' });
  });
});
