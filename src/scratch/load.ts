import { chown, mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { RunbookError } from '../errors.js';
import type { Host } from '../hosts/host.js';
import { type AofScan, createAofReader } from '../redis/aof.js';
import { createRdbReader } from '../redis/rdb.js';
import { type ClosedServer, type Counted, countIn, type RunningClosed, startClosed } from './closed-server.js';
import { isServerAtLeast } from './local-server.js';

/** Data files of a node, on their host. Only copies of them are loaded. */
export type ScratchSource =
  | { readonly kind: 'rdb'; readonly path: string }
  | { readonly kind: 'aof'; readonly path: string }
  | { readonly kind: 'aof-multi'; readonly manifestPath: string; readonly paths: readonly string[] };

export interface ScratchOptions {
  /** The server program on this machine; `redis-server` when left out. */
  readonly server?: string;
  /** For loading, milliseconds; a minute and one more for each GB when left out. */
  readonly limitMs?: number;
  /**
   * Count keys whose time is over too: a master drops them while it loads, a replica keeps them (rdb.c:rdbLoadRio). What
   * the files hold is then the same whenever it is loaded.
   */
  readonly keepExpired?: boolean;
  /** Lets DEBUG through, which Redis 7.0 and later refuse unless told (redis.conf, enable-debug-command). */
  readonly debug?: boolean;
}

/** What the files hold once a server has loaded them. */
export type Loaded = Counted;

const NOBODY = 65534;
const APPEND_DIRECTORY = 'appendonlydir';

/**
 * Loads copies of data files in a closed server on this machine and counts what it then holds. An append-only file is a
 * script that runs with the server's full rights while it loads, so it is read first, and one that holds anything but
 * write commands is refused by name: RunbookError('blocked'). The server has no port, no persistence, an empty
 * environment, limits of time, memory and files, is not root, and has a network namespace of its own where this machine
 * allows (`confined` tells). It is always ended and its directory removed. Throws with the server's words when it cannot load them.
 */
export async function loadScratch(
  host: Host,
  source: ScratchSource,
  options: ScratchOptions,
  signal: AbortSignal,
): Promise<Loaded> {
  const prepared = await prepare('redis-runbook-load.', host, source, options, signal);
  try {
    return await countIn(prepared, signal);
  } finally {
    await rm(prepared.directory, { recursive: true, force: true });
  }
}

/** A closed server that keeps running with the loaded data until `end`, which removes its directory too. */
export type Scratch = RunningClosed;

/** As `loadScratch`, for data that will be asked more than how much it is. `limitMs` is for loading and for CPU time in all. */
export async function openScratch(
  host: Host,
  source: ScratchSource,
  options: ScratchOptions,
  signal: AbortSignal,
): Promise<Scratch> {
  const prepared = await prepare('redis-runbook-scratch.', host, source, options, signal);
  const away = () => rm(prepared.directory, { recursive: true, force: true });
  try {
    const running = await startClosed(prepared, signal);
    return {
      ...running,
      end: async () => {
        await running.end();
        await away();
      },
    };
  } catch (error) {
    await away();
    throw error;
  }
}

/** Copies the data into a directory of its own, given to the user that the server will run as. */
async function prepare(
  prefix: string,
  host: Host,
  source: ScratchSource,
  options: ScratchOptions,
  signal: AbortSignal,
): Promise<ClosedServer> {
  const directory = await mkdtemp(join(tmpdir(), prefix));
  try {
    const copied = await copyAll(host, source, directory, signal);
    const server = options.server ?? 'redis-server';
    const debug = options.debug === true && (await isServerAtLeast(server, '7.0'));
    await writeWhole(join(directory, 'load.conf'), configFor(source, { ...options, debug }));
    if (process.getuid?.() === 0) await giveAway(directory, copied.paths);
    const limitMs = options.limitMs ?? 60_000 + Math.round(Number(copied.bytes) / 1e9) * 60_000;
    return { host, directory, server, limitMs, bytes: copied.bytes };
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}

interface Copied {
  readonly paths: readonly string[];
  readonly bytes: bigint;
}

async function copyAll(host: Host, source: ScratchSource, directory: string, signal: AbortSignal): Promise<Copied> {
  if (source.kind === 'rdb') return copyRead(host, [[source.path, join(directory, 'dump.rdb')]], 'rdb', signal);
  if (source.kind === 'aof') return copyRead(host, [[source.path, join(directory, 'appendonly.aof')]], 'aof', signal);
  const into = join(directory, APPEND_DIRECTORY);
  await mkdir(into, { mode: 0o700 });
  const pairs = source.paths.map((path): [string, string] => [path, join(into, basename(path))]);
  const copied = await copyRead(host, pairs, 'aof', signal);
  const manifest = join(into, 'appendonly.aof.manifest');
  const target = await open(manifest, 'wx', 0o600);
  try {
    for await (const chunk of host.stream(source.manifestPath, signal)) await target.writeFile(chunk);
  } finally {
    await target.close();
  }
  return { ...copied, paths: [...copied.paths, manifest, into] };
}

async function copyRead(
  host: Host,
  pairs: readonly (readonly [string, string])[],
  kind: 'rdb' | 'aof',
  signal: AbortSignal,
): Promise<Copied> {
  let bytes = 0n;
  for (const [from, to] of pairs) bytes += await copyOne(host, from, to, kind, signal);
  return { paths: pairs.map(([, to]) => to), bytes };
}

/** Copies one file and reads it on the way: what is not the file it should be is refused before any server sees it. */
async function copyOne(
  host: Host,
  from: string,
  to: string,
  kind: 'rdb' | 'aof',
  signal: AbortSignal,
): Promise<bigint> {
  const rdb = kind === 'rdb' ? createRdbReader() : undefined;
  const aof = kind === 'aof' ? createAofReader() : undefined;
  let bytes = 0n;
  const target = await open(to, 'wx', 0o600);
  try {
    for await (const chunk of host.stream(from, signal)) {
      (rdb ?? aof)?.feed(chunk);
      bytes += BigInt(chunk.length);
      await target.writeFile(chunk);
    }
  } finally {
    await target.close();
  }
  rdb?.end();
  const scan = aof?.end();
  if (scan) refuseForeign(from, scan);
  return bytes;
}

/** Throws RunbookError `blocked` for a file with commands that Redis does not write into an append-only file itself. */
export function refuseForeign(path: string, scan: Pick<AofScan, 'suspicious' | 'suspiciousTotal'>): void {
  if (scan.suspiciousTotal > 0) throw refused(path, scan.suspicious, scan.suspiciousTotal);
}

function refused(
  path: string,
  suspicious: readonly { readonly command: string; readonly atByte: bigint }[],
  total: number,
): RunbookError {
  const shown = suspicious.slice(0, 5).map(({ command, atByte }) => `${nameOf(command)} at byte ${atByte}`);
  return new RunbookError(
    'blocked',
    `${path} holds commands that Redis does not write into an append-only file itself.`,
    {
      facts: [...shown, ...(total > shown.length ? [`${total - shown.length} more`] : [])],
    },
  );
}

/** The name comes from the file: only what a command's name can be is shown. */
function nameOf(command: string): string {
  return /^[\w|.-]{1,40}$/.test(command) ? command.toUpperCase() : 'a command with no proper name';
}

async function writeWhole(path: string, text: string): Promise<void> {
  const target = await open(path, 'wx', 0o600);
  try {
    await target.writeFile(text);
  } finally {
    await target.close();
  }
}

async function giveAway(directory: string, paths: readonly string[]): Promise<void> {
  for (const path of [join(directory, 'load.conf'), ...paths, directory]) await chown(path, NOBODY, NOBODY);
}

function configFor(source: ScratchSource, { keepExpired, debug }: ScratchOptions): string {
  const lines = [
    'port 0',
    'unixsocket load.sock',
    'unixsocketperm 700',
    'daemonize no',
    'save ""',
    'databases 1024',
    'logfile ""',
    'dbfilename dump.rdb',
    `appendonly ${source.kind === 'rdb' ? 'no' : 'yes'}`,
    'appendfilename "appendonly.aof"',
    'auto-aof-rewrite-percentage 0',
    // Nobody listens there, and in a network of its own it cannot even ask. The old name of the directive is known to all versions.
    ...(debug ? ['enable-debug-command local'] : []),
    ...(keepExpired ? ['slaveof 127.0.0.1 1'] : []),
    ...(source.kind === 'aof-multi' ? [`appenddirname "${APPEND_DIRECTORY}"`] : []),
  ];
  return `${lines.join('\n')}\n`;
}
