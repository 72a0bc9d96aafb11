import { describe, expect, it } from 'vitest';
import { sha256Of } from '../../src/backup/manifest.js';
import type { Repository } from '../../src/backup/repository/repository.js';
import { sealCheck, sealManifest } from '../../src/backup/sign.js';
import { bytes, fileOf, makeBackup, manifestOf, scope, signer } from './builders.js';

const at = '2026-11-23T03:14:07Z';
const start = { ...scope, kind: 'rdb' } as const;

async function text(source: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** What every repository promises, whatever it is kept in. `open` gives the same empty repository anew each time within one test. */
export function repositoryConformance(name: string, open: () => Promise<Repository>): void {
  describe(`${name}: what is made is listed and read back`, () => {
    it('is empty at first', async () => {
      const repository = await open();
      expect(await repository.scopes()).toEqual([]);
      expect(await repository.list(scope)).toEqual({ backups: [], strange: [] });
      expect(repository.id).toMatch(/^[0-9a-f]{32}$/);
      expect(await repository.freeBytes()).toBeGreaterThan(0n);
      expect((await open()).id).toBe(repository.id);
    });

    it('lists a finished backup as complete, and only then', async () => {
      const repository = await open();
      const writer = await repository.begin(start, new Date(at));
      const stored = await writer.put('data/dump.rdb', bytes('REDIS0010 ', 'data'));
      expect(stored.sha256).toBe(fileOf('data/dump.rdb', 'REDIS0010 data').sha256);
      expect(stored.sizeBytes).toBe(14n);
      const during = await repository.list(scope);
      expect(during.backups.map(({ id, state }) => [id, state])).toEqual([[writer.ref.id, 'partial']]);
      const ref = await writer.finish(sealManifest(manifestOf(writer.ref), signer));
      expect(await repository.list(scope)).toEqual({ backups: [ref], strange: [] });
      expect(ref).toMatchObject({ ...scope, kind: 'rdb', begunAt: at, state: 'complete' });
      expect(await repository.scopes()).toEqual([scope]);
    });

    it('reads back what was written, byte for byte, and the seal beside it', async () => {
      const repository = await open();
      const writer = await repository.begin(start, new Date(at));
      await writer.put('data/dump.rdb', bytes('REDIS0010 ', 'data'));
      const sealed = sealManifest(manifestOf(writer.ref), signer);
      const ref = await writer.finish(sealed);
      const reader = await repository.open(ref, 'test');
      try {
        expect(await reader.sealed()).toEqual(sealed);
        expect(await reader.files()).toEqual([{ path: 'data/dump.rdb', what: 'file', sizeBytes: 14n }]);
        expect(await text(reader.read('data/dump.rdb'))).toBe('REDIS0010 data');
      } finally {
        await reader.close();
      }
    });

    it('gives each backup an id of its own', async () => {
      const repository = await open();
      const ids = new Set<string>();
      for (let n = 0; n < 12; n += 1) ids.add((await makeBackup(repository, at)).id);
      expect(ids.size).toBe(12);
    });

    it('stores nothing of a stream that fails, is aborted or is longer than its limit', async () => {
      const repository = await open();
      const writer = await repository.begin(start, new Date(at));
      async function* breaking(): AsyncGenerator<Uint8Array> {
        yield* bytes('half');
        throw new Error('the connection was lost');
      }
      const stop = new AbortController();
      async function* aborting(): AsyncGenerator<Uint8Array> {
        yield* bytes('half');
        stop.abort(new Error('stopped'));
        yield* bytes('more');
      }
      await expect(writer.put('data/dump.rdb', breaking())).rejects.toThrow('the connection was lost');
      await expect(writer.put('data/dump.rdb', aborting(), { signal: stop.signal })).rejects.toThrow('stopped');
      await expect(writer.put('data/dump.rdb', bytes('123', '45'), { limitBytes: 4n })).rejects.toMatchObject({
        word: 'incomplete',
      });
      let seen = 0;
      const whole = await writer.put('data/dump.rdb', bytes('123', '45'), {
        limitBytes: 5n,
        onBytes: (n) => {
          seen += n;
        },
      });
      expect([whole.sizeBytes, seen]).toEqual([5n, 5]);
      await writer.discard();
      expect((await repository.list(scope)).backups).toEqual([]);
    });

    it('refuses paths outside the grammar, twice, and twice but for case', async () => {
      const repository = await open();
      const writer = await repository.begin(start, new Date(at));
      for (const path of [
        '../x',
        '/etc/passwd',
        'data/../../x',
        'dump.rdb',
        'data/a b',
        'checks/x',
        'data/.hidden',
        'data//x',
        'C:/x',
        'data/x\0',
      ]) {
        await expect(writer.put(path, bytes('x')), path).rejects.toMatchObject({ word: 'usage' });
      }
      await writer.put('config/redis.conf', bytes('x'));
      await expect(writer.put('config/redis.conf', bytes('x'))).rejects.toMatchObject({ word: 'usage' });
      await expect(writer.put('config/Redis.conf', bytes('x'))).rejects.toMatchObject({ word: 'usage' });
      await writer.discard();
    });

    it('does not seal what the manifest does not describe exactly', async () => {
      const repository = await open();
      const writer = await repository.begin(start, new Date(at));
      await writer.put('data/dump.rdb', bytes('other bytes'));
      await expect(writer.finish(sealManifest(manifestOf(writer.ref), signer))).rejects.toThrow(
        'otherwise than it is stored',
      );
      await writer.drop('data/dump.rdb');
      await writer.put('data/dump.rdb', bytes('REDIS0010 data'));
      await writer.put('config/x', bytes('x'));
      await expect(writer.finish(sealManifest(manifestOf(writer.ref), signer))).rejects.toThrow('not in the manifest');
      await writer.drop('config/x');
      const foreign = manifestOf({ ...writer.ref, id: '0000' });
      await expect(writer.finish(sealManifest(foreign, signer))).rejects.toThrow('the manifest is of');
      expect((await repository.list(scope)).backups[0]?.state).toBe('partial');
      await writer.finish(sealManifest(manifestOf(writer.ref), signer));
    });

    it('keeps checks beside a backup, oldest first, and the last try of a group', async () => {
      const repository = await open();
      const ref = await makeBackup(repository, at);
      const said = {
        schema: 'redis-runbook/backup-check/1',
        id: ref.id,
        manifestSha256: sha256Of(bytesOf('m')),
        result: 'good',
        details: [],
        durationMs: 1,
      } as const;
      for (const [when, name] of [
        ['2026-11-23T05:00:00Z', 'drill'],
        ['2026-11-23T04:00:00Z', 'hashes'],
      ] as const) {
        const { record, signature } = sealCheck({ ...said, at: when, name }, signer);
        await repository.addCheck(ref, { at: when, name }, record, signature);
      }
      const checks = await repository.checks(ref);
      expect(checks.map(({ name }) => name)).toEqual([
        '20261123T040000000Z-hashes.json',
        '20261123T050000000Z-drill.json',
      ]);
      expect(checks.every(({ signature }) => signature !== undefined)).toBe(true);
      expect(await repository.lastTry(scope)).toBeUndefined();
      const failed = {
        schema: 'redis-runbook/backup-try/1',
        startedAt: at,
        endedAt: at,
        outcome: 'failed',
        why: 'disk full on pv3',
        sizeBytes: 5n,
      } as const;
      await repository.noteTry(scope, failed);
      expect(await repository.lastTry(scope)).toEqual(failed);
      expect((await repository.list(scope)).strange).toEqual([]);
    });
  });

  describe(`${name}: one writer, and what it leaves`, () => {
    it('has one writer for each group, and names the one there is', async () => {
      const repository = await open();
      const writer = await repository.begin(start, new Date(at));
      await expect((await open()).begin(start, new Date(at))).rejects.toMatchObject({
        word: 'locked',
        message: expect.stringContaining('backup create'),
      });
      const other = await repository.begin({ ...start, group: 'jobs' }, new Date(at));
      await other.discard();
      await writer.leave();
      const next = await repository.begin(start, new Date(at));
      await next.discard();
    });

    it('goes on with a partial backup: whole files are there, with their hashes and what was noted', async () => {
      const repository = await open();
      const first = await repository.begin(start, new Date(at));
      await first.put('config/redis.conf', bytes('port 6379\n'));
      await first.note({ source: 'pv3', offset: '12' });
      await first.leave();
      await expect(repository.begin({ ...start, resume: '0000' }, new Date(at))).rejects.toMatchObject({
        word: 'usage',
      });
      const second = await (await open()).begin({ ...start, resume: first.ref.id }, new Date('2026-11-23T04:00:00Z'));
      expect(second.ref).toEqual(first.ref);
      expect(second.noted).toEqual({ source: 'pv3', offset: '12' });
      const { path, sizeBytes, sha256 } = fileOf('config/redis.conf', 'port 6379\n', 'config');
      expect(second.finished).toEqual([{ path, sizeBytes, sha256 }]);
      expect(await text(second.read('config/redis.conf'))).toBe('port 6379\n');
      await second.put('data/dump.rdb', bytes('REDIS0010 data'));
      const files = [fileOf('data/dump.rdb', 'REDIS0010 data'), fileOf('config/redis.conf', 'port 6379\n', 'config')];
      const ref = await second.finish(sealManifest(manifestOf(second.ref, { files }), signer));
      await expect(repository.begin({ ...start, resume: ref.id }, new Date(at))).rejects.toMatchObject({
        word: 'usage',
      });
    });

    it('refuses to read a partial backup', async () => {
      const repository = await open();
      const writer = await repository.begin(start, new Date(at));
      await writer.put('data/dump.rdb', bytes('REDIS0010 data'));
      await expect(repository.open(writer.ref, 'test')).rejects.toMatchObject({ word: 'no-backup' });
      await writer.discard();
    });

    it('sweeps partial backups that nobody writes and nobody touched since', async () => {
      const repository = await open();
      const left = await repository.begin(start, new Date(at));
      await left.put('data/dump.rdb', bytes('REDIS0010'));
      await left.leave();
      const busy = await repository.begin({ ...start, group: 'jobs' }, new Date(at));
      const good = await makeBackup(repository, at);
      const lock = await repository.lockForPrune(new Date());
      expect(await repository.sweep(lock, new Date(Date.now() - 86_400_000))).toEqual([]);
      const later = new Date(Date.now() + 60_000);
      expect((await repository.sweep(lock, later)).map(({ id }) => id)).toEqual([left.ref.id]);
      expect((await repository.list(scope)).backups).toEqual([good]);
      expect((await repository.list({ ...scope, group: 'jobs' })).backups).toHaveLength(1);
      await busy.discard();
      await lock.release();
    });
  });

  describe(`${name}: the trash`, () => {
    it('has one pruner', async () => {
      const repository = await open();
      const lock = await repository.lockForPrune(new Date());
      await expect((await open()).lockForPrune(new Date())).rejects.toMatchObject({ word: 'locked' });
      await lock.release();
      await (await repository.lockForPrune(new Date())).release();
    });

    it('takes a backup out of the list, keeps it, and lets it go only when it is old enough', async () => {
      const repository = await open();
      const ref = await makeBackup(repository, at);
      const lock = await repository.lockForPrune(new Date());
      const now = new Date('2026-11-24T00:00:00Z');
      expect(await repository.trash(lock, ref, now)).toEqual({ ref });
      expect((await repository.list(scope)).backups).toEqual([]);
      expect(await repository.trashed()).toEqual([{ ref, since: '2026-11-24T00:00:00Z' }]);
      expect(await repository.emptyTrash(lock, now)).toEqual([]);
      expect(await repository.emptyTrash(lock, new Date('2026-11-24T00:00:01Z'))).toEqual([ref]);
      expect(await repository.trashed()).toEqual([]);
      await lock.release();
    });

    it('leaves alone what somebody reads, and says who', async () => {
      const repository = await open();
      const ref = await makeBackup(repository, at);
      const reader = await repository.open(ref, 'backup restore');
      const lock = await repository.lockForPrune(new Date());
      expect(await repository.trash(lock, ref, new Date())).toMatchObject({
        busy: { doing: 'backup restore', pid: process.pid },
      });
      expect((await repository.list(scope)).backups).toEqual([ref]);
      await reader.close();
      expect(await repository.trash(lock, ref, new Date())).toEqual({ ref });
      await lock.release();
    });

    it('is not filled or emptied by a pruner whose lock is gone', async () => {
      const repository = await open();
      const ref = await makeBackup(repository, at);
      const lock = await repository.lockForPrune(new Date());
      await lock.release();
      await expect(repository.trash(lock, ref, new Date())).rejects.toMatchObject({ word: 'locked' });
      await expect(repository.emptyTrash(lock, new Date())).rejects.toMatchObject({ word: 'locked' });
      await expect(repository.sweep(lock, new Date())).rejects.toMatchObject({ word: 'locked' });
    });
  });
}

function bytesOf(said: string): Uint8Array {
  return new TextEncoder().encode(said);
}
