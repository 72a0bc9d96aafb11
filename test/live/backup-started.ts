import { spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BackupBench, backupsIn } from './backup-lab.js';
import { waitFor } from './own-redis.js';

const bin = fileURLToPath(new URL('../../bin/redis-runbook.js', import.meta.url));

/** A command of the backups that runs: how it ends, whether it has, and a kill. */
export function startBackup(bench: BackupBench, args: readonly string[]) {
  const all = ['backup', ...args, '--repository', bench.repository, '--fleet', bench.lab.fleetFile];
  const child = spawn(process.execPath, [bin, ...all], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...bench.env },
  });
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += String(chunk);
  });
  const ended = new Promise<{ status: number | null; said: string }>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, said }));
  });
  const isOver = () => child.exitCode !== null || child.signalCode !== null;
  return { ended, isOver, kill: () => child.kill('SIGKILL') };
}

/** The host has counted all that is held: what was sent can be told to be that. */
async function isCounted(partial: string): Promise<boolean> {
  const note = await readFile(join(partial, 'resume.json'), 'utf8').catch(() => '');
  const count = (form: RegExp) => note.match(form)?.length ?? 0;
  return count(/"held": ?"/g) > 0 && count(/"sha256": ?"/g) >= count(/"held": ?"/g);
}

/** A slow backup of append-only files whose operator is killed once `path` has arrived and the host has counted it. */
export async function cutAfter(
  bench: BackupBench,
  path: string | RegExp,
  more: readonly string[] = [],
): Promise<{ readonly id: string; readonly node: string }> {
  const master = await waitFor('a master', () => bench.lab.master());
  const node = bench.lab.hosts.find(({ name, runs }) => runs.includes('redis') && name !== master)?.name ?? '';
  const run = startBackup(bench, ['create', node, '--kind', 'aof', '--limit-rate', '200k', ...more]);
  const partial = await waitFor(String(path), async () => {
    const found = (await backupsIn(bench)).find(({ complete }) => !complete);
    const names = found === undefined ? [] : await readdir(found.path, { recursive: true }).catch(() => []);
    const isThere = names.some((name) => (typeof path === 'string' ? name === path : path.test(name)));
    return isThere && found !== undefined && (await isCounted(found.path)) ? found : undefined;
  });
  run.kill();
  await run.ended;
  return { id: partial.name.replace('.partial', '').slice(-4), node };
}
