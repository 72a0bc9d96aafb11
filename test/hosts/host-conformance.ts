import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import {
  appendFile,
  chmod,
  chown,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { ChangedUnderneath, type UploadFile, type WritableHost } from '../../src/hosts/host.js';
import { endpointOf } from '../../src/hosts/redis-endpoint.js';
import type { HostEntry } from '../../src/model/inventory.js';
import { type OwnHost, OwnRedis, rawCommand, waitFor } from '../live/own-redis.js';

const never = new AbortController().signal;
const root = process.getuid?.() === 0;
/** Who attacks: another user where we are root, else ourselves. */
const NOBODY = 65534;
const bytes = (text: string) => new TextEncoder().encode(text);
const sha256 = (data: string | Uint8Array) => createHash('sha256').update(data).digest('hex');

/** Names that a shell, a tool or a terminal could take for something else. */
function hostileNames(): readonly string[] {
  const special = [1, 7, 9, 10, 13, 27, 127, 160, 0x202e, 0x6570].map((code) => String.fromCodePoint(code));
  const home = ['$', '{HOME}'].join('');
  const words = `-rf|--|$(touch canary)|\`touch canary\`|; touch canary|& touch canary|it's|"quoted"|\\|\\n|*|?|[a-z]|{a,b}|~|~root|#|!|%s|%%|$HOME|${home}| leading|trailing |>canary|<canary|2>&1|(x)|.hidden|..a|a=b|-|@|:|,|^|sh -c|\\$(id)|'; touch canary; '|$((1))|a'b"c`;
  const pieces = [...words.split('|'), ...special, ...special.map((each) => `a${each}b`), 'x'.repeat(200), 'a | b'];
  return [...pieces, ...pieces.map((piece) => `x${piece}`)];
}

async function loopAs(script: string, ...args: readonly string[]): Promise<() => Promise<void>> {
  const argv = ['/bin/sh', '-c', script, 'sh', ...args];
  const drop = root ? ['setpriv', '--reuid', String(NOBODY), '--regid', String(NOBODY), '--clear-groups'] : [];
  const [program = '', ...rest] = [...drop, ...argv];
  const child = spawn(program, rest, { stdio: 'ignore' });
  return async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  };
}

function told(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'done',
    (error: unknown) => (error instanceof ChangedUnderneath ? 'changed' : String(error)),
  );
}

/** Flips redis.conf, the kept directory and every temporary name between the attacker's own and a link to $2. */
const FLIP = `cd "$1" || exit
while :; do
  printf theirs > own; mv -f own redis.conf; ln -sfn "$2" redis.conf; rm -f redis.conf
  ln -sfn "$2" redis.conf; printf theirs > own; mv -fT own redis.conf
  if [ "$3" = all ]; then
    mv kept kept.away; ln -sfn "$2.d" kept; rm -f kept; mv kept.away kept
    for each in .*redis-runbook* kept/.*redis-runbook*; do [ -f "$each" ] && rm -f "$each" && ln -s "$2" "$each"; done
  fi
done 2> /dev/null`;

export interface Conformance {
  /** Acts with the right of a directory's owner; the local host has its own right only, whoever owns the directory. */
  readonly becomesOwner: boolean;
}

/** What every WritableHost must do, whatever carries it out. `make` opens the host; its files are this machine's. */
export function conformance(name: string, make: (entry: HostEntry) => WritableHost, ways: Conformance): void {
  const own = new OwnRedis();
  let declared: OwnHost;
  let host: WritableHost;
  let directory: string;

  beforeEach(async () => {
    declared = await own.host('pv1');
    host = make(declared.entry);
    directory = join(declared.directory, 'work');
    await mkdir(directory);
  });
  afterAll(() => own.end());

  describe(`${name}: files`, () => {
    it('sees what is there, and says why it does not', async () => {
      const path = join(directory, 'redis.conf');
      await writeFile(path, 'port 6379\n');
      await chmod(path, 0o640);
      await symlink(path, join(directory, 'link'));
      spawnSync('mkfifo', [join(directory, 'pipe')]);
      const seen = await host.stat(path);
      const real = await stat(path, { bigint: true });
      expect(seen).toMatchObject({
        ok: true,
        value: { sizeBytes: 10n, mode: 0o640, uid: Number(real.uid), device: real.dev, inode: real.ino, type: 'file' },
      });
      if (!seen.ok) throw new Error(seen.detail);
      expect(seen.value.mtimeMs).toBeCloseTo(Number(real.mtimeNs) / 1e6, 2);
      expect(seen.value.ctimeMs).toBeCloseTo(Number(real.ctimeNs) / 1e6, 2);
      expect(await host.stat(directory)).toMatchObject({ ok: true, value: { type: 'directory' } });
      expect(await host.stat(join(directory, 'link'))).toMatchObject({ ok: true, value: { type: 'link' } });
      expect(await host.stat(join(directory, 'pipe'))).toMatchObject({ ok: true, value: { type: 'other' } });
      expect(await host.stat(join(directory, 'no', 'such'))).toMatchObject({ ok: false, why: 'absent' });
      expect(await host.stat(join(path, 'below'))).toMatchObject({ ok: false, why: 'absent' });
      expect(await host.read(join(directory, 'link'), 100, never)).toMatchObject({ ok: true });
      expect(await host.read(join(directory, 'pipe'), 100, never)).toMatchObject({ ok: false, why: 'denied' });
      expect(await host.read(directory, 100, never)).toMatchObject({ ok: false });
      expect(await host.read(path, 9, never)).toMatchObject({ ok: false, why: 'too-large' });
      const whole = await host.read(path, 10, never);
      expect(whole.ok && Buffer.from(whole.value).toString()).toBe('port 6379\n');
      expect(await host.list(directory)).toMatchObject({ ok: true, value: ['link', 'pipe', 'redis.conf'] });
      expect(await host.list(join(directory, 'no'))).toMatchObject({ ok: false, why: 'absent' });
      expect(await host.list('/')).toMatchObject({ ok: true, value: expect.arrayContaining(['proc', 'tmp']) });
    });

    it('gives every byte back, in every part', async () => {
      const data = Buffer.from(Array.from({ length: 70_000 }, (_, n) => (n * 7 + (n >> 8)) & 255));
      const path = join(directory, 'dump.rdb');
      await host.write(path, data, 'absent', never);
      const part = async (from?: bigint, to?: bigint) => {
        const chunks: Uint8Array[] = [];
        for await (const chunk of host.stream(path, never, from, to)) chunks.push(chunk);
        return Buffer.concat(chunks);
      };
      expect((await part()).equals(data)).toBe(true);
      expect((await part(1n)).equals(data.subarray(1))).toBe(true);
      expect((await part(65_535n, 65_600n)).equals(data.subarray(65_535, 65_600))).toBe(true);
      expect((await part(69_999n, 80_000n)).equals(data.subarray(69_999))).toBe(true);
      expect(await part(80_000n)).toHaveLength(0);
      expect(await host.hash(path, never)).toMatchObject({ ok: true, value: sha256(data) });
      expect(await host.hash(path, never, 4097n)).toMatchObject({ ok: true, value: sha256(data.subarray(0, 4097)) });
      expect(await host.hash(path, never, BigInt(data.length))).toMatchObject({ ok: true, value: sha256(data) });
      const read = await host.read(path, 70_000, never);
      expect(read.ok && Buffer.from(read.value).equals(data)).toBe(true);
      const lost = (async () => {
        for await (const _ of host.stream(join(directory, 'no'), never));
      })();
      await expect(lost).rejects.toMatchObject({ code: 'ENOENT' });
    });

    it.each(['zstd', 'gzip'] as const)('gives the beginning of a file packed by %s', async (how) => {
      const data = Buffer.from(Array.from({ length: 70_000 }, (_, n) => (n * 7 + (n >> 8)) & 255));
      const path = join(directory, 'dump.rdb');
      await host.write(path, data, 'absent', never);
      const packed = async (of: string, length: bigint) => {
        const chunks: Uint8Array[] = [];
        for await (const chunk of host.packed(of, how, length, never)) chunks.push(chunk);
        return spawnSync(how, ['-d', '-q', '-c'], { input: Buffer.concat(chunks) }).stdout;
      };
      for (const length of [1, 65_535, 70_000])
        expect((await packed(path, BigInt(length))).equals(data.subarray(0, length))).toBe(true);
      await expect(packed(join(directory, 'no'), 1n)).rejects.toMatchObject({ code: 'ENOENT' });
    });

    it('takes hostile names for names', async () => {
      const names = hostileNames();
      expect(new Set(names).size).toBe(names.length);
      expect(names.length).toBeGreaterThanOrEqual(100);
      for (const each of names) await writeFile(join(directory, each), each);
      expect(await host.list(directory)).toMatchObject({ ok: true, value: [...names].sort() });
      const into = join(declared.directory, 'kept $(touch canary)');
      for (const [index, each] of names.entries()) {
        const path = join(directory, each);
        const read = await host.read(path, 1000, never);
        expect(read.ok && Buffer.from(read.value).toString(), JSON.stringify(each)).toBe(each);
        if (index % 4 === 0) {
          await host.write(path, bytes('new'), sha256(each), never);
          expect(await readFile(path, 'utf8')).toBe('new');
        } else if (index % 4 === 1) {
          expect((await host.keep(path, into, 'copy', never)).sha256, JSON.stringify(each)).toBe(sha256(each));
        } else await host.remove(path);
      }
      const left = await readdir(directory);
      expect(left.sort()).toEqual(names.filter((_, index) => index % 4 < 2).sort());
      expect((await readdir(into)).sort()).toEqual(names.filter((_, index) => index % 4 === 1).sort());
      expect(await readdir('/')).not.toContain('canary');
    });
  });

  describe(`${name}: writing`, () => {
    it('keeps owner and mode, and leaves nothing else', async () => {
      const path = join(directory, 'sentinel.conf');
      await writeFile(path, 'old');
      await chmod(path, 0o640);
      if (root) await chown(path, NOBODY, NOBODY);
      const before = await stat(path);
      await host.write(path, bytes('new'), sha256('old'), never);
      const after = await stat(path);
      expect(await readFile(path, 'utf8')).toBe('new');
      expect([after.mode, after.uid, after.gid]).toEqual([before.mode, before.uid, before.gid]);
      expect(after.ino).not.toBe(before.ino);
      expect(await readdir(directory)).toEqual(['sentinel.conf']);
    });

    it('writes nothing over what changed, is gone, is there, or is a link', async () => {
      const path = join(directory, 'redis.conf');
      await writeFile(path, 'changed');
      await symlink(path, join(directory, 'link'));
      expect(await told(host.write(path, bytes('new'), sha256('old'), never))).toBe('changed');
      expect(await told(host.write(path, bytes('new'), 'absent', never))).toBe('changed');
      expect(await told(host.write(join(directory, 'no'), bytes('new'), sha256('old'), never))).toBe('changed');
      expect(await told(host.write(join(directory, 'link'), bytes('new'), sha256('changed'), never))).toMatch(/link/);
      expect(await told(host.write(directory, bytes('new'), sha256('changed'), never))).not.toBe('done');
      await expect(host.write(path, bytes('x'), sha256('changed'), AbortSignal.abort())).rejects.toThrow('abort');
      expect(await readFile(path, 'utf8')).toBe('changed');
      expect((await readdir(directory)).sort()).toEqual(['link', 'redis.conf']);
    });

    it('makes new files and directories that only their owner reads', async () => {
      const below = join(directory, 'a', 'b');
      await host.makeDirectory(below);
      await host.makeDirectory(below);
      await host.write(join(below, 'lock.json'), bytes('{}'), 'absent', never);
      expect((await stat(below)).mode & 0o777).toBe(0o700);
      expect((await stat(join(below, 'lock.json'))).mode & 0o777).toBe(0o600);
      await host.remove(join(below, 'lock.json'));
      await host.remove(join(below, 'lock.json'));
      expect(await readdir(below)).toEqual([]);
    });

    it('removes a directory only when it is empty', async () => {
      const below = join(directory, 'a', 'b');
      await host.makeDirectory(below);
      await writeFile(join(directory, 'redis.conf'), 'port 1');
      await host.removeDirectory(join(directory, 'a'));
      await host.removeDirectory(join(directory, 'redis.conf'));
      await host.removeDirectory(join(directory, 'nothing'));
      expect((await readdir(directory)).sort()).toEqual(['a', 'redis.conf']);
      expect(await readdir(join(directory, 'a'))).toEqual(['b']);
      await host.removeDirectory(below);
      await host.removeDirectory(join(directory, 'a'));
      expect(await readdir(directory)).toEqual(['redis.conf']);
    });

    it('sees each change of a writer', async () => {
      const path = join(directory, 'sentinel.conf');
      await writeFile(path, '0');
      const results: string[] = [];
      for (let n = 1; n <= 30; n += 1) {
        const seen = await readFile(path, 'utf8');
        if (n % 3 === 0) {
          await writeFile(`${path}.tmp`, `theirs ${n}`);
          if (n % 2 === 0) await rename(`${path}.tmp`, path);
          else await writeFile(path, `theirs ${n}`);
        }
        results.push(await told(host.write(path, bytes(`ours ${n}`), sha256(seen), never)));
      }
      expect(results).toEqual(results.map((_, index) => ((index + 1) % 3 === 0 ? 'changed' : 'done')));
      expect((await readdir(directory)).filter((each) => each.includes('redis-runbook'))).toEqual([]);
    });
  });

  describe(`${name}: a writer that never rests`, () => {
    it.each([
      ['by rename', 'printf "theirs $n" > new; mv -f new sentinel.conf'],
      ['in place', 'printf "theirs $n" > sentinel.conf'],
    ])('is seen each time, %s', async (_, change) => {
      const path = join(directory, 'sentinel.conf');
      await writeFile(path, 'theirs 0');
      await chmod(dirname(directory), 0o755);
      if (root) await chown(directory, NOBODY, NOBODY);
      if (root) await chown(path, NOBODY, NOBODY);
      const script = `cd "$1" || exit; n=0; while :; do n=$((n+1)); ${change}; done`;
      const stop = await loopAs(script, directory);
      const results: string[] = [];
      try {
        await waitFor('the writer', async () => (await readFile(path, 'utf8')) !== 'theirs 0' || undefined);
        for (let n = 0; n < 20; n += 1) {
          // Empty is what each of its changes in place begins with: that may be there again.
          const seen = await waitFor('its text', async () => (await readFile(path, 'utf8')) || undefined);
          const before = await stat(path);
          // What is written is refused when the writer was there since the file was read.
          await waitFor('its next change', async () => (await stat(path)).mtimeMs > before.mtimeMs || undefined);
          results.push(await told(host.write(path, bytes('ours'), sha256(seen), never)));
        }
      } finally {
        await stop();
      }
      expect(new Set(results)).toEqual(new Set(['changed']));
      expect(await readFile(path, 'utf8')).not.toContain('ours');
      expect((await readdir(directory)).filter((each) => each.includes('redis-runbook'))).toEqual([]);
    });
  });

  describe(`${name}: keeping`, () => {
    it('links what is replaced by rename, copies what grows, and never replaces what is kept', async () => {
      const rdb = join(directory, 'dump.rdb');
      const aof = join(directory, 'appendonly.aof');
      const into = join(directory, '.redis-runbook-7K3Q', 'before');
      await writeFile(rdb, 'REDIS0010');
      await writeFile(aof, '*1');
      const kept = await host.keep(rdb, into, 'link-or-copy', never);
      const wanted = { original: rdb, kept: join(into, 'dump.rdb'), how: 'link', sizeBytes: 9n };
      expect(kept).toEqual({ ...wanted, sha256: sha256('REDIS0010') });
      expect((await stat(kept.kept)).ino).toBe((await stat(rdb)).ino);
      expect((await stat(into)).mode & 0o777).toBe(0o700);
      expect(await host.keep(rdb, into, 'link-or-copy', never)).toEqual(kept);
      const copy = await host.keep(aof, into, 'copy', never);
      expect(copy.how).toMatch(/copy|reflink/);
      expect(await host.keep(aof, into, 'copy', never)).toMatchObject({ sha256: sha256('*1') });
      await appendFile(aof, ' more');
      expect(await readFile(copy.kept, 'utf8')).toBe('*1');
      await expect(host.keep(aof, into, 'copy', never)).rejects.toMatchObject({ word: 'changed' });
      expect((await readdir(into)).sort()).toEqual(['appendonly.aof', 'dump.rdb']);
    });

    it('copies to another file system, and refuses links and directories', async () => {
      const rdb = join(directory, 'dump.rdb');
      await writeFile(rdb, 'REDIS0010');
      await chmod(rdb, 0o640);
      const other = `/dev/shm/redis-runbook-${process.pid}`;
      try {
        const kept = await host.keep(rdb, other, 'link-or-copy', never);
        expect(kept.how === 'link').toBe((await stat('/dev/shm')).dev === (await stat(directory)).dev);
        expect(await readFile(kept.kept, 'utf8')).toBe('REDIS0010');
        expect((await stat(kept.kept)).mode & 0o777).toBe(0o640);
      } finally {
        await rm(other, { recursive: true, force: true });
      }
      const into = join(declared.directory, 'k');
      await symlink(rdb, join(directory, 'link.rdb'));
      await expect(host.keep(join(directory, 'link.rdb'), into, 'copy', never)).rejects.toThrow('ELOOP');
      await expect(host.keep(directory, into, 'copy', never)).rejects.toThrow();
      await expect(host.keep(join(directory, 'no'), into, 'copy', never)).rejects.toMatchObject({ code: 'ENOENT' });
    });
  });

  describe(`${name}: uploading`, () => {
    const content = bytes('REDIS0010'.repeat(50_000));
    const file = (more: Partial<UploadFile> = {}): UploadFile => ({
      sizeBytes: BigInt(content.length),
      sha256: sha256(content),
      async *bytes(fromByte) {
        for (let at = Number(fromByte); at < content.length; at += 65_536) yield content.subarray(at, at + 65_536);
      },
      ...more,
    });

    it('writes a new file whole, goes on with its own part, and never replaces another', async () => {
      const path = join(directory, 'new.rdb');
      expect(await host.upload(path, file(), never)).toBe('written');
      expect(sha256(await readFile(path))).toBe(sha256(content));
      const made = await stat(path);
      expect([made.mode & 0o777, made.uid]).toEqual([0o600, (await stat(directory)).uid]);
      expect(await host.upload(path, file(), never)).toBe('there');
      const empty = { sizeBytes: 0n, sha256: sha256(''), async *bytes() {} };
      expect(await host.upload(join(directory, 'empty.aof'), empty, never)).toBe('written');
      expect((await stat(join(directory, 'empty.aof'))).size).toBe(0);
      await expect(host.upload(path, empty, never)).rejects.toBeInstanceOf(ChangedUnderneath);
      await symlink(path, join(directory, 'link.rdb'));
      await expect(host.upload(join(directory, 'link.rdb'), file(), never)).rejects.toThrow('regular');
      expect(sha256(await readFile(path))).toBe(sha256(content));
    });

    it('asks only for the bytes that a part lacks, and for all when the part is of another file', async () => {
      const asked: bigint[] = [];
      const counting = file({
        bytes(fromByte) {
          asked.push(fromByte);
          return file().bytes(fromByte);
        },
      });
      const part = (of: string) => join(directory, `.${of}.redis-runbook-part`);
      const put = async (of: string, text: Uint8Array) => {
        await writeFile(part(of), text);
        if (root) await chown(part(of), (await stat(directory)).uid, (await stat(directory)).gid);
      };
      await put('a.rdb', content.subarray(0, 200_000));
      await host.upload(join(directory, 'a.rdb'), counting, never);
      expect(asked.at(-1)).toBe(200_000n);
      await put('b.rdb', bytes('something else'));
      await host.upload(join(directory, 'b.rdb'), counting, never);
      expect(asked.at(-1)).toBe(0n);
      for (const of of ['a.rdb', 'b.rdb']) expect(sha256(await readFile(join(directory, of)))).toBe(sha256(content));
      expect((await readdir(directory)).filter((each) => each.includes('part'))).toEqual([]);
    });

    it('gives no name to what is too short, too long or another content', async () => {
      const path = join(directory, 'bad.rdb');
      const wrong = [
        file({ sha256: sha256('other') }),
        file({ sizeBytes: 10n }),
        file({ sizeBytes: BigInt(content.length + 1) }),
      ];
      for (const each of wrong) await expect(host.upload(path, each, never)).rejects.toThrow(/./);
      await expect(stat(path)).rejects.toThrow('ENOENT');
    });
  });

  describe(`${name}: a hostile owner of the directory`, () => {
    it('leads nothing to a foreign file, whatever it flips', async () => {
      const canary = join(declared.directory, 'canary');
      await chmod(declared.directory, 0o755);
      await writeFile(canary, 'the canary');
      await chmod(canary, 0o600);
      await mkdir(`${canary}.d`, 0o700);
      const before = await stat(canary);
      const playground = join(declared.directory, 'theirs');
      await mkdir(playground);
      if (root) await chown(playground, NOBODY, NOBODY);
      const path = join(playground, 'redis.conf');
      const all = ways.becomesOwner && root;
      const stop = await loopAs(FLIP, playground, canary, all ? 'all' : 'files');
      const seen: string[] = [];
      const written: string[] = [];
      let kept = 0;
      // The attack must have met real work, or it proves nothing.
      const met = () =>
        written.filter((result) => result === 'done').length + seen.length + kept > 5 &&
        written.filter((result) => result !== 'done').length > 5;
      try {
        for (let n = 0; n < 200 || (n < 4000 && !met()); n += 1) {
          if (n % 4 === 0) written.push(await told(host.write(path, bytes('theirs'), sha256('theirs'), never)));
          if (n % 4 === 1) {
            const read = await host.read(path, 1000, never);
            if (read.ok) seen.push(Buffer.from(read.value).toString());
          }
          if (n % 4 === 2) {
            const how = n % 8 === 2 ? 'link-or-copy' : 'copy';
            const done = await host.keep(path, join(playground, 'kept'), how, never).catch(() => undefined);
            if (done) {
              kept += 1;
              expect(done.sha256).not.toBe(sha256('the canary'));
              await host.remove(done.kept).catch(() => undefined);
            }
          }
          if (n % 4 === 3) written.push(await told(host.write(path, bytes('theirs'), 'absent', never)));
        }
      } finally {
        await stop();
      }
      const after = await stat(canary);
      expect(await readFile(canary, 'utf8')).toBe('the canary');
      expect([after.mode, after.uid, after.ino, after.nlink]).toEqual([before.mode, before.uid, before.ino, 1]);
      expect(await readdir(`${canary}.d`)).toEqual([]);
      if (root) expect(seen.filter((text) => text.includes('canary'))).toEqual([]);
      expect(met()).toBe(true);
    });
  });

  describe(`${name}: 200 MB`, () => {
    it('streams in constant memory and keeps what it hashed', async () => {
      const path = join(directory, 'dump.rdb');
      const file = await open(path, 'w');
      const block = Buffer.alloc(1024 * 1024);
      for (let n = 0; n < 200; n += 1) await file.write(block.fill(n));
      await file.close();
      const expected = createHash('sha256');
      for await (const chunk of createReadStream(path)) expected.update(chunk as Buffer);
      const wanted = expected.digest('hex');
      const hash = createHash('sha256');
      const began = process.memoryUsage.rss();
      let most = 0;
      for await (const chunk of host.stream(path, never)) {
        hash.update(chunk);
        most = Math.max(most, process.memoryUsage.rss());
      }
      expect(hash.digest('hex')).toBe(wanted);
      expect(most - began).toBeLessThan(100 * 1024 * 1024);
      const kept = await host.keep(path, join(directory, 'kept'), 'copy', never);
      expect(kept).toMatchObject({ sha256: wanted, sizeBytes: 200n * 1024n * 1024n });
    });

    it('can be left in the middle', async () => {
      const path = join(directory, 'endless');
      const file = await open(path, 'w');
      await file.truncate(1024 * 1024 * 1024);
      await file.close();
      let bytesSeen = 0;
      for await (const chunk of host.stream(path, never)) {
        bytesSeen += chunk.length;
        if (bytesSeen > 1024 * 1024) break;
      }
      expect(bytesSeen).toBeLessThan(64 * 1024 * 1024);
      expect(await host.hash(path, never, 1n)).toMatchObject({ ok: true, value: sha256('\0') });
    });
  });

  describe(`${name}: commands`, () => {
    it('gives status and both outputs, word by word, with our input', async () => {
      const script = 'cat; printf "%s|" "$@" >&2; exit 7';
      const words = ["it's", '$(id)', 'a\nb', '', '*'];
      const options = { timeoutMs: 5000, stdin: 'given\n', cwd: directory };
      const output = await host.run(['sh', '-c', script, 'sh', ...words], options, never);
      const said = words.map((word) => `${word}|`).join('');
      expect(output).toMatchObject({ status: 7, stdout: 'given\n', stderr: said, timedOut: false });
      expect((await host.run(['pwd'], { timeoutMs: 5000, cwd: directory }, never)).stdout.trim()).toBe(directory);
      await expect(host.run(['/no/such/program'], { timeoutMs: 5000 }, never)).rejects.toMatchObject({
        code: 'ENOENT',
      });
      const late = await host.run(['sleep', '600'], { timeoutMs: 300 }, never);
      expect(late.timedOut).toBe(true);
      expect(late.status === 0).toBe(false);
    });
  });

  describe(`${name}: a plain process`, () => {
    it('is held, started, stopped and started again as what it was', async () => {
      const [redis] = declared.entry.nodes;
      if (!redis) throw new Error('a node is declared');
      await own.config(redis, ['save ""', 'protected-mode no', 'daemonize no']);
      const service = host.service(redis);
      expect(await service.pid(never)).toMatchObject({ ok: true, value: null });
      expect(await service.holder(never)).toMatchObject({ ok: true, value: null });
      await service.hold('7K3Q', never);
      await service.hold('7K3Q', never);
      expect(await service.holder(never)).toMatchObject({ ok: true, value: { run: '7K3Q' } });
      await expect(service.hold('9X9X', never)).rejects.toMatchObject({ word: 'locked' });
      await expect(service.start(never)).rejects.toMatchObject({ word: 'locked' });
      await expect(service.release('9X9X', never)).rejects.toMatchObject({ word: 'locked' });
      await service.release('7K3Q', never);
      await service.release('7K3Q', never);
      await service.start(never);
      await service.start(never);
      const seen = await service.pid(never);
      if (!seen.ok || seen.value === null) throw new Error('it runs');
      expect(await rawCommand(redis.address, redis.port, ['INFO', 'server'])).toContain(`process_id:${seen.value}`);
      expect(await host.vouch(endpointOf(redis, undefined), never)).toMatchObject({ ok: true });
      expect(await host.vouch({ ...endpointOf(redis, undefined), port: 1 }, never)).toMatchObject({
        ok: false,
        why: 'denied',
      });
      expect(await service.stop(10_000, never)).toBe('stopped');
      expect(await service.stop(10_000, never)).toBe('was-stopped');
      await waitFor('the process to be gone', async () => {
        const text = await readFile(`/proc/${seen.value}/stat`, 'utf8').catch(() => ') Z');
        return text.includes(') Z') ? true : undefined;
      });
      await own.config(redis, ['daemonize yes', 'save ""']);
      await service.start(never);
      expect(await service.stop(10_000, never)).toBe('stopped');
    });

    it('gives no password to a server of a stranger on its port', async () => {
      const [redis] = declared.entry.nodes;
      if (!redis) throw new Error('a node is declared');
      await own.config(redis, ['save ""']);
      const server = [
        'redis-server',
        '--bind',
        redis.address,
        '--port',
        String(redis.port),
        '--save',
        '',
        '--dir',
        '/',
      ];
      const drop = ['--reuid', String(NOBODY), '--regid', String(NOBODY), '--clear-groups'];
      const argv = root
        ? ['setpriv', ...drop, ...server]
        : ['python3', '-m', 'http.server', String(redis.port), '-b', redis.address];
      const child = own.adopt(spawn(argv[0] ?? '', argv.slice(1), { stdio: 'ignore' }));
      await waitFor('the stranger to listen', () =>
        rawCommand(redis.address, redis.port, ['PING']).then(
          () => true,
          () => undefined,
        ),
      );
      expect(await host.vouch(endpointOf(redis, undefined), never)).toMatchObject({ ok: false, why: 'denied' });
      if (ways.becomesOwner) {
        expect(await host.service(redis).pid(never)).toMatchObject(
          root ? { ok: false, why: 'denied' } : { value: null },
        );
        const stopping = host.service(redis).stop(2000, never);
        if (root) await expect(stopping).rejects.toMatchObject({ word: 'too-little-seen' });
        else expect(await stopping).toBe('was-stopped');
      }
      expect([child.exitCode, child.signalCode]).toEqual([null, null]);
    });

    it('says why it does not start, and does not shoot at what it was not asked for', async () => {
      const [redis] = declared.entry.nodes;
      if (!redis) throw new Error('a node is declared');
      await own.config(redis, ['no-such-directive 1']);
      const failed: unknown = await host
        .service(redis)
        .start(never)
        .catch((error: unknown) => error);
      expect(failed).toMatchObject({ word: 'incomplete' });
      expect(JSON.stringify(failed)).toContain('no-such-directive');
      const decoy = own.adopt(spawn('sleep', ['600'], { argv0: `redis-server ${redis.address}:${redis.port}` }));
      expect(await host.service(redis).stop(1000, never)).toBe('was-stopped');
      expect([decoy.exitCode, decoy.signalCode]).toEqual([null, null]);
    });
  });
}
