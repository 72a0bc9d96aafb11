import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const dist = fileURLToPath(new URL('../../dist', import.meta.url));

/** In a mount namespace of its own: a file system of 256 KiB, and a backup that is larger. */
const child = `
import { openRepository } from '${dist}/backup/repository/open.js';
const root = process.argv[2] + '/backups';
const repository = await openRepository(root, { make: true, now: new Date() });
const scope = { fleet: 'shop', group: 'stn-master' };
const writer = await repository.begin({ ...scope, kind: 'rdb' }, new Date());
async function* chunks(count) { for (let n = 0; n < count; n += 1) yield Buffer.alloc(64 * 1024, 'x'); }
const outcome = await writer.put('data/dump.rdb', chunks(64)).then(() => 'stored', (error) => error.word + ': ' + error.message);
const small = await writer.put('config/redis.conf', chunks(1));
await writer.leave();
const { backups } = await repository.list(scope);
console.log(JSON.stringify({ outcome, small: String(small.sizeBytes), states: backups.map(({ state }) => state), free: String(await repository.freeBytes()) }));
`;

it('a full disk is said, leaves nothing of the file behind, and the backup can be gone on with', async () => {
  const base = await mkdtemp(join(tmpdir(), 'redis-runbook-full-'));
  try {
    await writeFile(join(base, 'child.mjs'), child);
    await mkdir(join(base, 'disk'));
    const script = 'mount -t tmpfs -o size=256k,mode=700 tmpfs "$1/disk" && exec "$2" "$1/child.mjs" "$1/disk"';
    const ended = spawnSync('unshare', ['-Urm', 'sh', '-c', script, 'sh', base, process.execPath], {
      encoding: 'utf8',
      timeout: 60_000,
    });
    expect(ended.stderr).toBe('');
    const { outcome, small, states, free } = JSON.parse(ended.stdout);
    expect(outcome).toMatch(/^disk-full: The disk is full where backups are kept: .*\/disk\/backups\//);
    expect([small, states]).toEqual(['65536', ['partial']]);
    expect(Number(free)).toBeGreaterThan(100_000);
  } finally {
    await rm(base, { recursive: true, force: true });
  }
});
