import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFile, chmod, chown, link, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { ChangedUnderneath, type WritableHost } from '../../src/hosts/host.js';
import { openLocalHost } from '../../src/hosts/local.js';
import { shellLine } from '../../src/hosts/shell-quote.js';
import { OwnRedis, waitFor } from './own-redis.js';

const own = new OwnRedis();
const never = new AbortController().signal;
const bytes = (text: string) => new TextEncoder().encode(text);
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
let host: WritableHost;
let directory: string;

beforeEach(async () => {
  const declared = await own.host('pv1');
  host = openLocalHost(declared.entry);
  directory = join(declared.directory, 'work');
  await mkdir(directory);
});

afterAll(() => own.end());

it('keeps what the config of another user names where that user may read it, and reads it back', async () => {
  const isRoot = process.getuid?.() === 0;
  // Whoever owns the directory of a config is who may write it: for him root does what he could do himself.
  const owner = isRoot ? 65_534 : (process.getuid?.() ?? 0);
  for (let at = directory; at !== tmpdir() && isRoot; at = dirname(at)) await chmod(at, 0o711);
  const config = join(directory, 'redis.conf');
  const dump = join(directory, 'dump.rdb');
  for (const path of [config, dump]) await writeFile(path, path);
  for (const path of [directory, config, dump]) if (isRoot) await chown(path, owner, owner);
  const named = host.named(config);
  const into = join(directory, 'kept', 'before-stop');

  const kept = await named.keep(dump, into, 'link-or-copy', never);
  const copied = await named.keep(config, into, 'copy', never);
  await named.write(join(into, 'kept.json'), bytes('[]'), 'absent', never);

  expect([kept.how, kept.sha256]).toEqual(['link', sha256(dump)]);
  for (const [path, text] of [
    [kept.kept, dump],
    [copied.kept, config],
    [join(into, 'kept.json'), '[]'],
  ] as const) {
    const read = await named.read(path, 1000, never);
    expect(read.ok ? new TextDecoder().decode(read.value) : read).toBe(text);
    expect((await stat(path)).uid).toBe(owner);
  }
  for (const path of [into, dirname(into)]) expect(await stat(path)).toMatchObject({ uid: owner, mode: 0o40700 });
});

describe('write', () => {
  it('replaces the file whole, with owner and mode, and leaves nothing else', async () => {
    const path = join(directory, 'redis.conf');
    await writeFile(path, 'old');
    await chmod(path, 0o640);
    const before = await stat(path);
    if (process.getuid?.() === 0) spawnSync('chown', ['65534:65534', path]);
    const owner = await stat(path);
    await host.write(path, bytes('new'), sha256('old'), never);
    const after = await stat(path);
    expect(await readFile(path, 'utf8')).toBe('new');
    expect([after.mode, after.uid, after.gid]).toEqual([before.mode, owner.uid, owner.gid]);
    expect(after.ino).not.toBe(before.ino);
    expect(await readdir(directory)).toEqual(['redis.conf']);
  });

  it('writes nothing when the file changed, is gone, is new, or is a link', async () => {
    const path = join(directory, 'redis.conf');
    await writeFile(path, 'changed');
    await expect(host.write(path, bytes('new'), sha256('old'), never)).rejects.toThrow(ChangedUnderneath);
    await expect(host.write(path, bytes('new'), 'absent', never)).rejects.toThrow(ChangedUnderneath);
    await expect(host.write(join(directory, 'gone'), bytes('new'), sha256(''), never)).rejects.toThrow(
      ChangedUnderneath,
    );
    await symlink(path, join(directory, 'link.conf'));
    await expect(host.write(join(directory, 'link.conf'), bytes('new'), sha256('changed'), never)).rejects.toThrow(
      'link',
    );
    await expect(host.write(path, bytes('new'), sha256('changed'), AbortSignal.abort())).rejects.toThrow('abort');
    expect(await readFile(path, 'utf8')).toBe('changed');
    expect((await readdir(directory)).sort()).toEqual(['link.conf', 'redis.conf']);
  });

  it('makes a new file that only its owner reads', async () => {
    const path = join(directory, 'lock.json');
    await host.write(path, bytes('{}'), 'absent', never);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    await host.remove(path);
    await host.remove(path);
    expect(await host.stat(path)).toMatchObject({ ok: false, why: 'absent' });
  });

  it('loses no update of a writer that replaces the file all the time', async () => {
    const path = join(directory, 'sentinel.conf');
    await writeFile(path, '0');
    let accepted = 0;
    for (let n = 1; n <= 30; n += 1) {
      const seen = await readFile(path, 'utf8');
      if (n % 3 === 0) await writeFile(path, `theirs ${n}`);
      const ours = host.write(path, bytes(`ours ${n}`), sha256(seen), never);
      const result = await ours.then(
        () => 'done',
        (error: unknown) => (error instanceof ChangedUnderneath ? 'changed' : 'broken'),
      );
      expect(result).toBe(n % 3 === 0 ? 'changed' : 'done');
      accepted += result === 'done' ? 1 : 0;
    }
    expect(accepted).toBe(20);
  });
});

describe('keep', () => {
  it('links a file that is replaced by rename, and hashes what was kept', async () => {
    const path = join(directory, 'dump.rdb');
    await writeFile(path, 'REDIS0010');
    const kept = await host.keep(path, join(directory, '.kept'), 'link-or-copy', never);
    expect(kept).toMatchObject({ how: 'link', kept: join(directory, '.kept', 'dump.rdb'), sizeBytes: 9n });
    expect(kept.sha256).toBe(sha256('REDIS0010'));
    expect((await stat(kept.kept)).ino).toBe((await stat(path)).ino);
    expect((await stat(join(directory, '.kept'))).mode & 0o777).toBe(0o700);
    expect(await host.keep(path, join(directory, '.kept'), 'link-or-copy', never)).toEqual(kept);
  });

  it('copies a file that grows', async () => {
    const path = join(directory, 'appendonly.aof');
    await writeFile(path, '*1');
    const kept = await host.keep(path, join(directory, '.kept'), 'copy', never);
    await appendFile(path, ' and more');
    expect(kept.how).toMatch(/copy|reflink/);
    expect(await readFile(kept.kept, 'utf8')).toBe('*1');
    expect(await readdir(join(directory, '.kept'))).toEqual(['appendonly.aof']);
    await expect(host.keep(path, join(directory, '.kept'), 'copy', never)).rejects.toThrow('another content');
    expect(await readFile(kept.kept, 'utf8')).toBe('*1');
  });

  it('copies across file systems', async () => {
    const path = '/dev/shm';
    const source = join(path, `redis-runbook-test-${process.pid}.rdb`);
    await writeFile(source, 'REDIS0010');
    const kept = await host
      .keep(source, join(directory, '.kept'), 'link-or-copy', never)
      .finally(() => host.remove(source));
    const other = (await stat(path)).dev !== (await stat(directory)).dev;
    expect(kept.how === 'link').toBe(!other);
    expect(await readFile(kept.kept, 'utf8')).toBe('REDIS0010');
  });

  it('refuses a link', async () => {
    await writeFile(join(directory, 'secret'), 'x');
    await symlink(join(directory, 'secret'), join(directory, 'dump.rdb'));
    const keeping = host.keep(join(directory, 'dump.rdb'), join(directory, '.kept'), 'copy', never);
    await expect(keeping).rejects.toThrow('ELOOP');
  });
});

describe('read', () => {
  it('streams, hashes and reads in limits', async () => {
    const path = join(directory, 'big');
    const text = '0123456789'.repeat(100_000);
    await writeFile(path, text);
    await link(path, join(directory, 'other'));
    const chunks: Uint8Array[] = [];
    for await (const chunk of host.stream(path, never, 10n, 600_000n)) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).toBe(text.slice(10, 600_000));
    expect(await host.hash(path, never)).toMatchObject({ ok: true, value: sha256(text) });
    expect(await host.hash(path, never, 7n)).toMatchObject({ ok: true, value: sha256('0123456') });
    expect(await host.read(path, 10, never)).toMatchObject({ ok: false, why: 'too-large' });
    expect(await host.read(directory, 10, never)).toMatchObject({ ok: false });
    expect(await host.list(directory)).toMatchObject({ ok: true, value: ['big', 'other'] });
    expect(await host.hash(path, AbortSignal.abort())).toMatchObject({ ok: false, why: 'timeout' });
  });

  it('does not wait for a pipe', async () => {
    const path = join(directory, 'lock.json');
    spawnSync('mkfifo', [path]);
    expect(await host.read(path, 10, never)).toMatchObject({ ok: false, why: 'denied' });
  });
});

describe('run', () => {
  it('gives status and both outputs, without our environment and without a shell', async () => {
    process.env.REDIS_RUNBOOK_CANARY = 'leaked';
    const script = 'env; cat; echo "$1" >&2; exit 7';
    const output = await host.run(['sh', '-c', script, 'sh', '$(id)'], { timeoutMs: 5000, stdin: 'given\n' }, never);
    expect(output).toMatchObject({ status: 7, signal: null, stderr: '$(id)\n', timedOut: false });
    expect(output.stdout).toContain('LC_ALL=C');
    expect(output.stdout).toContain('given');
    expect(output.stdout).not.toContain('leaked');
    await expect(host.run(['/no/such/program'], { timeoutMs: 1000 }, never)).rejects.toThrow('ENOENT');
  });

  it('kills the whole group over its time, above its bytes, and when stopped', async () => {
    const pidFile = join(directory, 'pid');
    const script = `sleep 600 & echo $! > ${pidFile}; wait`;
    const output = await host.run(['sh', '-c', script], { timeoutMs: 300 }, never);
    expect(output).toMatchObject({ timedOut: true, signal: 'SIGKILL', status: null });
    const pid = Number(await readFile(pidFile, 'utf8'));
    await waitFor('the grandchild to be gone', async () => {
      const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') Z');
      return text.includes(') Z') ? true : undefined;
    });
    const flood = await host.run(['yes'], { timeoutMs: 10_000, limitBytes: 1000 }, never);
    expect(flood).toMatchObject({ signal: 'SIGKILL', timedOut: false });
    expect(flood.stdout).toHaveLength(1000);
    const stopping = new AbortController();
    const running = host.run(['sleep', '600'], { timeoutMs: 60_000 }, stopping.signal);
    stopping.abort(new Error('stopped by the operator'));
    await expect(running).rejects.toThrow('stopped by the operator');
  });

  it('does not wait for a daemon that kept the pipes', async () => {
    const began = performance.now();
    const pidFile = join(directory, 'pid');
    const output = await host.run(
      ['sh', '-c', `sleep 600 & echo $! > ${pidFile}; echo up`],
      { timeoutMs: 10_000 },
      never,
    );
    process.kill(Number(await readFile(pidFile, 'utf8')), 'SIGKILL');
    expect(output).toMatchObject({ status: 0, stdout: 'up\n' });
    expect(performance.now() - began).toBeLessThan(2000);
  });
});

describe('shell quoting', () => {
  it('comes back from sh word by word', () => {
    const word = fc
      .string({ unit: 'binary', maxLength: 20 })
      .filter((text) => !text.includes('\0') && !/[\ud800-\udfff]/.test(text));
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 30 }), (words) => {
        const { stdout } = spawnSync('sh', ['-c', `printf '%s\\0' ${shellLine(words)}`]);
        expect(stdout.toString('utf8').split('\0').slice(0, -1)).toEqual(words);
      }),
      { numRuns: 60 },
    );
  });
});
