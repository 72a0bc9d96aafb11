import { execFileSync, spawn } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Lab } from '../../src/lab/lab.js';
import { redisPort } from '../../src/lab/layout.js';
import { openResp } from '../../src/lab/resp.js';
import { type LabOptions, labUp } from '../../src/lab/up.js';
import { type Held, heldBy } from './backup-writer.js';
import { kill, ownAddress, waitFor } from './own-redis.js';
import { type Output, runbook } from './recovery.js';

/** A lab and a repository beside it. */
export interface BackupBench {
  readonly lab: Lab;
  readonly repository: string;
  readonly env: Readonly<Record<string, string>>;
  backup(args: readonly string[]): Promise<Output>;
  end(): Promise<void>;
}

export async function backupBench(options: LabOptions = {}): Promise<BackupBench> {
  const lab = await labUp({ ownerPid: process.pid, ...options });
  const base = await mkdtemp(join(tmpdir(), 'redis-runbook-backup-'));
  const repository = join(base, 'repository');
  const env = { XDG_CONFIG_HOME: join(base, 'config') };
  return {
    lab,
    repository,
    env,
    backup: (args) => runbook(lab, ['backup', ...args, '--repository', repository], env),
    end: async () => {
      await lab.down({ remove: true });
      await rm(base, { recursive: true, force: true });
    },
  };
}

export interface Listed {
  readonly name: string;
  readonly path: string;
  readonly complete: boolean;
}

/** What stands in the repository for the lab's group, oldest first: read from the disk, not from the tool. */
export async function backupsIn(bench: BackupBench): Promise<readonly Listed[]> {
  const directory = join(bench.repository, 'lab', bench.lab.group);
  const names = (await readdir(directory).catch(() => [])).filter((name) => /^\d{8}T/.test(name)).sort();
  return names.map((name) => ({ name, path: join(directory, name), complete: !name.endsWith('.partial') }));
}

export interface ManifestJson {
  readonly id: string;
  readonly engine: string;
  readonly chosenBecause: string;
  readonly source: { readonly node: string; readonly role: string; readonly offset?: string };
  readonly keyspace: { readonly from: string; readonly databases: readonly { keys: string; expires: string }[] };
  readonly files: readonly { readonly path: string; readonly sizeBytes: string }[];
  readonly leftOut: readonly { readonly path: string }[];
}

export async function manifestIn(path: string): Promise<ManifestJson> {
  return JSON.parse(await readFile(join(path, 'manifest.json'), 'utf8')) as ManifestJson;
}

/** Loads a backup, compressed or not, with a plain server and no help of the tool, as somebody would who only has the files. */
export function loadedFrom(path: string): Promise<Held> {
  return loadedData(join(path, 'data'), path.includes('-aof-'));
}

/** The same for data files in any directory, under the names that a server has for them by itself. */
export async function loadedData(from: string, isAof: boolean): Promise<Held> {
  const directory = await mkdtemp(join(tmpdir(), 'redis-runbook-plain-'));
  const address = ownAddress();
  await cp(from, directory, { recursive: true });
  for (const name of await readdir(directory, { recursive: true })) {
    if (name.endsWith('.gz')) execFileSync('gzip', ['-d', join(directory, name)]);
    if (name.endsWith('.zst')) execFileSync('zstd', ['-q', '-d', '--rm', join(directory, name)]);
  }
  const lines = ['port 6379', `bind ${address}`, `dir ${directory}`, 'save ""', `appendonly ${isAof ? 'yes' : 'no'}`];
  await writeFile(join(directory, 'redis.conf'), `${lines.join('\n')}\n`);
  const child = spawn('redis-server', [join(directory, 'redis.conf')], { stdio: 'ignore' });
  try {
    const client = await waitFor('the plain server', async () => {
      const opened = await openResp(address, 6379).catch(() => undefined);
      const ready = await opened?.ask('PING').catch(() => undefined);
      if (ready !== 'PONG') opened?.close();
      return ready === 'PONG' ? opened : undefined;
    });
    try {
      return await heldBy(client);
    } finally {
      client.close();
    }
  } finally {
    await kill(child);
    await rm(directory, { recursive: true, force: true });
  }
}

/** Where a host's redis listens. */
export function placeOf(lab: Lab, host: string): { readonly address: string; readonly port: number } {
  const found = lab.hosts.find(({ name }) => name === host);
  if (found === undefined) throw new Error(`the lab has no host ${host}`);
  return { address: found.address, port: redisPort };
}

/** Names in a host's data directory that a backup left there. */
export async function heldOn(lab: Lab, host: string): Promise<readonly string[]> {
  const names = await readdir(join(lab.directory, host, 'data'));
  return names.filter((name) => name.startsWith('.redis-runbook-backup-'));
}
