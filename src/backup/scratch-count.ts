import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { openLocalHost } from '../hosts/local.js';
import { codeOf } from '../hosts/reading.js';
import { type BackupFile, type BackupKeyspace, type BackupKind, plainPath } from '../model/backup.js';
import type { HostEntry } from '../model/inventory.js';
import { NotJudged } from '../scratch/closed-server.js';
import { type Loaded, loadScratch, type ScratchSource } from '../scratch/load.js';
import { localServer } from '../scratch/local-server.js';
import { unpacked, unpackTrouble } from './unpack.js';

type DataFile = Pick<BackupFile, 'path' | 'role' | 'sha256' | 'compressed'>;

/** Data files of one backup, wherever they are read from. */
export interface StoredData {
  readonly kind: BackupKind;
  readonly server: 'redis' | 'valkey';
  readonly files: readonly DataFile[];
  read(path: string): AsyncIterable<Uint8Array>;
}

/** What a server of this machine found in them, or why none could be asked. */
export type ScratchCount =
  | {
      readonly ok: true;
      readonly databases: readonly BackupKeyspace[];
      readonly server: string;
      readonly confined: boolean;
    }
  | { readonly ok: false; readonly why: string };

/**
 * Loads stored data in a closed server on this machine and counts keys and expires per database, those whose time is
 * over too. Not ok when this machine has no server that reads it. Rejects when the data cannot be loaded, is another than
 * its hash says, or holds what no append-only file should (RunbookError `blocked`).
 */
export async function countStored(data: StoredData, signal: AbortSignal): Promise<ScratchCount> {
  const trouble = await unpackTrouble(data.files);
  if (trouble !== undefined) return { ok: false, why: trouble };
  const programs = data.server === 'valkey' ? ['valkey-server', 'redis-server'] : ['redis-server', 'valkey-server'];
  const server = await localServer(programs, await rdbVersionOf(data));
  if (!server.ok) return server;
  const host = { ...openLocalHost(here), stream: (path: string) => plainOf(data, path) };
  const options = { server: server.server, keepExpired: true };
  const loaded = await loadScratch(host, sourceOf(data), options, signal).catch(noPlaceHere);
  if (typeof loaded === 'string') return { ok: false, why: loaded };
  const name = data.server === 'valkey' && server.server.startsWith('valkey') ? 'valkey' : 'redis';
  return { ok: true, databases: databasesOf(loaded), server: `${name} ${loaded.version}`, confined: loaded.confined };
}

/** What keeps this machine from loading anything says nothing about the data: in words; every other error is thrown. */
function noPlaceHere(error: unknown): string {
  if (error instanceof NotJudged) return error.message;
  const code = codeOf(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') return `this machine has no room for it in ${tmpdir()} (TMPDIR)`;
  // Root of a container that has no other user (user_namespaces(7)).
  if (code === 'EINVAL') return 'it is loaded by a user without rights, and this container has none';
  throw error;
}

const here: HostEntry = {
  name: 'this machine',
  address: '127.0.0.1',
  transport: 'local',
  become: 'none',
  service: 'process',
  state: '/nonexistent',
  nodes: [],
  line: 0,
};

function sourceOf({ kind, files }: StoredData): ScratchSource {
  const plain = files.map((file) => ({ role: file.role, path: plainPath(file) }));
  const path = (role: BackupFile['role']) => plain.find((file) => file.role === role)?.path;
  if (kind === 'rdb') return { kind: 'rdb', path: path('rdb') ?? '' };
  const single = path('aof');
  if (single !== undefined) return { kind: 'aof', path: single };
  const parts = plain.filter(({ role }) => role === 'aof-base' || role === 'aof-incr');
  return { kind: 'aof-multi', manifestPath: path('aof-manifest') ?? '', paths: parts.map((file) => file.path) };
}

/** The bytes of a file as it was on its host; fails at its end when they are not those that were stored. */
function plainOf(data: StoredData, path: string): AsyncIterable<Uint8Array> {
  const file = data.files.find((each) => plainPath(each) === path);
  if (file === undefined) throw new Error(`${path} is no file of this backup`);
  return unpacked(file, proven(data, file));
}

async function* proven(data: StoredData, { path, sha256 }: DataFile): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  for await (const chunk of data.read(path)) {
    hash.update(chunk);
    yield chunk;
  }
  if (hash.digest('hex') !== sha256) throw new Error(`${path} has other bytes than were stored`);
}

/** The format version in the first nine bytes of an RDB, as Redis (`REDIS0010`) and Valkey (`VALKEY080`) write it. */
export async function rdbVersionOf({ files, read }: Pick<StoredData, 'files' | 'read'>): Promise<number | undefined> {
  const rdb = files.find(
    (file) => file.role === 'rdb' || (file.role === 'aof-base' && plainPath(file).endsWith('.rdb')),
  );
  if (rdb === undefined) return undefined;
  for await (const chunk of unpacked(rdb, read(rdb.path))) {
    const [, redis, valkey] =
      /^(?:REDIS(\d{4})|VALKEY(\d{3}))/.exec(new TextDecoder('latin1').decode(chunk.subarray(0, 9))) ?? [];
    const digits = redis ?? valkey;
    return digits === undefined ? undefined : Number(digits);
  }
  return undefined;
}

function databasesOf(loaded: Loaded): readonly BackupKeyspace[] {
  return loaded.databases.map(({ db, keys, expires }) => ({ database: db, keys, expires }));
}
