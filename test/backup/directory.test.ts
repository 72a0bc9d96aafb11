import { spawn, spawnSync } from 'node:child_process';
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { beat } from '../../src/backup/repository/heartbeat.js';
import { takeLock } from '../../src/backup/repository/lock.js';
import { openRepository } from '../../src/backup/repository/open.js';
import { isProvenDead, myIdentity } from '../../src/hosts/process-identity.js';
import { bytes, makeBackup, scope } from './builders.js';
import { repositoryConformance } from './repository-conformance.js';

let root = '';
const now = new Date('2026-11-23T03:00:00Z');
const open = (make = true) => openRepository(root, { make, now });
const start = { ...scope, kind: 'rdb' } as const;
const at = '2026-11-23T03:14:07Z';

beforeEach(async () => {
  root = join(await mkdtemp(join(tmpdir(), 'redis-runbook-repository-')), 'backups');
});
afterEach(() => rm(join(root, '..'), { recursive: true, force: true }));

repositoryConformance('a directory', () => open());

async function allBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true });
  return entries.sort();
}

describe('a repository directory', () => {
  it('is made only when asked for, and only where nothing else is', async () => {
    await expect(open(false)).rejects.toMatchObject({ word: 'no-repository' });
    await mkdir(root);
    await expect(open(false)).rejects.toMatchObject({ word: 'no-repository' });
    await writeFile(join(root, 'holiday.jpg'), '');
    await expect(open()).rejects.toMatchObject({
      word: 'repository',
      message: expect.stringContaining('other things'),
    });
    await unlink(join(root, 'holiday.jpg'));
    await open();
    await open(false);
  });

  it('is refused when others may write it, when it is a link, and when it is of a newer format', async () => {
    await open();
    await chmod(root, 0o777);
    await expect(open()).rejects.toMatchObject({
      word: 'repository',
      message: expect.stringContaining('others may write it'),
    });
    await chmod(root, 0o700);
    await symlink(root, `${root}-link`);
    await expect(openRepository(`${root}-link`, { make: true, now })).rejects.toMatchObject({ word: 'repository' });
    const text = await readFile(join(root, 'repo.json'), 'utf8');
    await writeFile(join(root, 'repo.json'), text.replace('repository/1', 'repository/2'));
    await expect(open()).rejects.toMatchObject({ word: 'repository', message: expect.stringContaining('format 2') });
    await writeFile(join(root, 'repo.json'), '{');
    await expect(open()).rejects.toMatchObject({ word: 'repository' });
  });

  it('keeps everything private, and nothing unfinished behind', async () => {
    const repository = await open();
    const ref = await makeBackup(repository, at);
    const made = await allBelow(root);
    for (const name of made) {
      const found = await stat(join(root, name));
      expect([name, found.mode & 0o777]).toEqual([name, found.isDirectory() ? 0o700 : 0o600]);
    }
    const directory = `shop/stn-master/${ref.name}`;
    expect(made).toEqual(
      [
        'locks',
        'repo.json',
        'shop',
        'shop/stn-master',
        directory,
        `${directory}/SHA256SUMS`,
        `${directory}/config`,
        `${directory}/config/redis.conf`,
        `${directory}/data`,
        `${directory}/data/dump.rdb`,
        `${directory}/manifest.json`,
        `${directory}/manifest.json.sig`,
        'trash',
      ].sort(),
    );
  });

  it('can be checked without this tool: sha256sum -c, and openssl for the signature', async () => {
    const ref = await makeBackup(await open(), at);
    const cwd = join(root, 'shop/stn-master', ref.name);
    const sums = spawnSync('sha256sum', ['--strict', '-c', 'SHA256SUMS'], { cwd, encoding: 'utf8' });
    expect([sums.status, sums.stdout]).toEqual([0, 'config/redis.conf: OK\ndata/dump.rdb: OK\nmanifest.json: OK\n']);
    const { key, signature } = JSON.parse(await readFile(join(cwd, 'manifest.json.sig'), 'utf8'));
    await writeFile(join(root, '../key.der'), Buffer.from(key, 'base64'));
    await writeFile(join(root, '../sig'), Buffer.from(signature, 'base64'));
    const args = [
      'pkeyutl',
      '-verify',
      '-pubin',
      '-keyform',
      'DER',
      '-inkey',
      '../../../../key.der',
      '-rawin',
      '-in',
      'manifest.json',
      '-sigfile',
      '../../../../sig',
    ];
    const openssl = spawnSync('openssl', args, { cwd, encoding: 'utf8' });
    expect([openssl.status, openssl.stdout]).toEqual([0, 'Signature Verified Successfully\n']);
  });

  it('never lists as good: a final name without a manifest, a manifest under a partial name, a manifest that is no file', async () => {
    const repository = await open();
    const group = join(root, 'shop/stn-master');
    const [first, second, third] = [
      await makeBackup(repository, at),
      await makeBackup(repository, at),
      await makeBackup(repository, at),
    ];
    await unlink(join(group, first.name, 'manifest.json'));
    await rename(join(group, second.name), join(group, `${second.name}.partial`));
    await rename(join(group, third.name, 'manifest.json'), join(group, third.name, 'manifest'));
    await symlink('manifest', join(group, third.name, 'manifest.json'));
    await mkdir(join(group, 'lost'));
    const { backups, strange } = await repository.list(scope);
    expect(backups.map(({ state }) => state)).toEqual(['partial', 'partial', 'partial']);
    expect(strange).toEqual(['lost']);
    for (const ref of backups) await expect(repository.open(ref, 'test')).rejects.toMatchObject({ word: 'no-backup' });
  });

  it('sweeps only what has a partial name: data that lost its manifest is left to people', async () => {
    const repository = await open();
    const ref = await makeBackup(repository, at);
    await unlink(join(root, 'shop/stn-master', ref.name, 'manifest.json'));
    const lock = await repository.lockForPrune(new Date());
    expect(await repository.sweep(lock, new Date(Date.now() + 60_000))).toEqual([]);
    await lock.release();
  });

  it('does not go on with a partial backup in which a stranger put something', async () => {
    const repository = await open();
    const left = await repository.begin(start, new Date(at));
    await left.put('data/dump.rdb', bytes('REDIS0010'));
    await left.leave();
    const directory = join(root, 'shop/stn-master', `${left.ref.name}.partial`);
    await symlink('/etc/passwd', join(directory, 'data/appendonly.aof'));
    await expect(repository.begin({ ...start, resume: left.ref.id }, now)).rejects.toMatchObject({
      word: 'repository',
    });
    await unlink(join(directory, 'data/appendonly.aof'));
    await (await repository.begin({ ...start, resume: left.ref.id }, now)).discard();
  });

  it('follows no link out of a backup when it reads', async () => {
    const repository = await open();
    const ref = await makeBackup(repository, at);
    const directory = join(root, 'shop/stn-master', ref.name);
    await writeFile(join(root, '../secret'), 'secret');
    await unlink(join(directory, 'config/redis.conf'));
    await symlink('../../../../../secret', join(directory, 'config/redis.conf'));
    await rename(join(directory, 'data'), join(root, '../moved'));
    await symlink(join(root, '../moved'), join(directory, 'data'));
    const reader = await repository.open(ref, 'test');
    const read = async (path: string) => {
      for await (const _ of reader.read(path)) return 'read';
      return 'empty';
    };
    await expect(read('config/redis.conf')).rejects.toMatchObject({ code: 'ELOOP' });
    await expect(read('data/dump.rdb')).rejects.toThrow('is no directory but a link');
    await expect(read('../../../../secret')).rejects.toMatchObject({ word: 'usage' });
    expect((await reader.files()).map(({ path, what }) => [path, what])).toEqual([
      ['config/redis.conf', 'link'],
      ['data', 'link'],
    ]);
    await reader.close();
  });

  it('cannot keep a fleet whose name is one of its own', async () => {
    const repository = await open();
    for (const fleet of ['locks', 'Trash', 'repo.json', '..', 'a/b', '']) {
      await expect(repository.begin({ ...start, fleet }, now), fleet).rejects.toMatchObject({ word: 'usage' });
    }
  });
});

describe('locks are stale only by proof', () => {
  const lockAt = () => join(root, 'lock.json');
  const take = () => takeLock(lockAt(), 'The thing', 'testing', now);
  beforeEach(() => mkdir(root));

  /** The lock of a process that really lived and really died. */
  async function deadHolder(change: (by: Record<string, unknown>) => void): Promise<void> {
    const child = spawn('sleep', ['60']);
    const me = await myIdentity();
    const ticks = (await readFile(`/proc/${child.pid}/stat`, 'utf8')).split(') ')[1]?.split(' ')[19];
    const by = { ...me, pid: child.pid ?? 0, startTicks: ticks ?? '' };
    change(by);
    const lock = {
      schema: 'redis-runbook/repository-lock/1',
      token: 'ab'.repeat(16),
      doing: 'dying',
      since: now.toISOString(),
      by,
    };
    await writeFile(lockAt(), JSON.stringify(lock));
    if (child.pid === by.pid && by.startTicks === ticks && by.boot === me.boot && by.pidNamespace === me.pidNamespace) {
      await expect(take()).rejects.toMatchObject({ word: 'locked' });
    }
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }

  it('is held while the process lives, and taken over once it is dead', async () => {
    await deadHolder(() => undefined);
    const lock = await take();
    await lock.check();
    await expect(take()).rejects.toMatchObject({ word: 'locked', message: expect.stringContaining('testing') });
    await lock.release();
    expect(await readdir(root)).toEqual([]);
  });

  it('is taken over when its pid is used again by another process', async () => {
    await deadHolder((by) => {
      by.pid = process.pid;
    });
    await (await take()).release();
  });

  it('is taken over when the machine was started again since', async () => {
    await deadHolder((by) => {
      by.boot = '00000000-0000-4000-8000-000000000000';
    });
    await (await take()).release();
  });

  it.each([
    ['another machine', { boot: '00000000-0000-4000-8000-000000000000', machine: 'f'.repeat(32) }],
    ['another host name on a cloned machine', { boot: '00000000-0000-4000-8000-000000000000', host: 'elsewhere' }],
    ['another pid namespace', { pidNamespace: 'pid:[1]' }],
  ])('is kept for a process of %s, which nobody can look up from here', async (_, change) => {
    await deadHolder((by) => void Object.assign(by, change));
    await expect(take()).rejects.toMatchObject({
      word: 'locked',
      next: [expect.anything(), expect.stringContaining(`rm ${lockAt()}`)],
    });
  });

  describe('whose holder cannot be looked up from here', () => {
    const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000);

    async function elsewhere(beats: boolean, minutes: number): Promise<void> {
      const by = { ...(await myIdentity()), pidNamespace: 'pid:[1]', host: 'redis-backup-4711' };
      const lock = {
        schema: 'redis-runbook/repository-lock/1',
        token: 'cd'.repeat(16),
        doing: 'x',
        since: now.toISOString(),
        by,
      };
      await writeFile(lockAt(), JSON.stringify(beats ? { ...lock, beats } : lock));
      await utimes(lockAt(), minutesAgo(minutes), minutesAgo(minutes));
    }

    it('is taken over after ten minutes without a sign of life: a pod that was killed leaves its lock', async () => {
      await elsewhere(true, 11);
      const lock = await take();
      await lock.check();
      await lock.release();
      expect(await readdir(root)).toEqual([]);
    });

    it.each([
      ['was heard of nine minutes ago', true, 9],
      ['never gives signs of life, as those of before', false, 60],
      ['is from the future', true, -60],
    ])('is kept when it %s', async (_, beats, minutes) => {
      await elsewhere(beats, minutes);
      await expect(take()).rejects.toMatchObject({ word: 'locked' });
    });

    it('is told at its next step when it was only asleep', async () => {
      const asleep = await take();
      const file = JSON.parse(await readFile(lockAt(), 'utf8'));
      await writeFile(lockAt(), JSON.stringify({ ...file, by: { ...file.by, pidNamespace: 'pid:[1]' } }));
      await utimes(lockAt(), minutesAgo(11), minutesAgo(11));
      const lock = await take();
      await expect(asleep.check()).rejects.toMatchObject({ word: 'locked' });
      await asleep.release();
      await lock.check();
      await lock.release();
    });

    it('gives its signs of life as long as it is ours, and not a day longer', async () => {
      await writeFile(lockAt(), 'x');
      let isOurs = true;
      const ageMs = async () => Date.now() - (await stat(lockAt())).mtimeMs;
      const past = () => utimes(lockAt(), minutesAgo(11), minutesAgo(11));
      await past();
      const quiet = beat(lockAt(), async () => isOurs, 10);
      await expect.poll(ageMs, { timeout: 5000 }).toBeLessThan(60_000);
      isOurs = false;
      await expect
        .poll(
          async () => {
            await past();
            await sleep(50);
            return ageMs();
          },
          { timeout: 5000 },
        )
        .toBeGreaterThan(60_000);
      quiet();
      expect(await readdir(root)).toEqual(['lock.json']);
    });
  });

  it.each([['{'], [''], ['null'], ['x'.repeat(100_000)]])('is kept when it cannot be read (%#)', async (content) => {
    await writeFile(lockAt(), content);
    await expect(take()).rejects.toMatchObject({
      word: 'locked',
      message: expect.stringContaining('somebody unknown'),
    });
  });

  it('has one winner when many find the dead one at the same moment', async () => {
    await deadHolder(() => undefined);
    const results = await Promise.allSettled(Array.from({ length: 12 }, () => take()));
    const won = results.filter((result) => result.status === 'fulfilled');
    expect(won).toHaveLength(1);
    await won[0]?.value.check();
    await won[0]?.value.release();
    expect(await readdir(root)).toEqual([]);
  });

  it('says so when it was taken away meanwhile', async () => {
    const lock = await take();
    await unlink(lockAt());
    await expect(lock.check()).rejects.toMatchObject({ word: 'locked' });
    const other = await take();
    await lock.release();
    await other.check();
    await other.release();
  });

  it('knows this process as alive', async () => {
    const me = await myIdentity();
    expect(await isProvenDead(me, me)).toBe(false);
    expect(me).toMatchObject({
      pid: process.pid,
      startTicks: expect.stringMatching(/^\d+$/),
      boot: expect.any(String),
    });
  });
});
