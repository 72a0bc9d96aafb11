import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Host } from '../hosts/host.js';
import { openReader } from '../hosts/redis-client.js';
import { parseInfo } from '../redis/info.js';
import type { Confinement } from './trial.js';

/** What a closed server holds. */
export interface Counted extends Confinement {
  readonly keys: bigint;
  readonly expires: bigint;
  readonly databases: readonly { readonly db: number; readonly keys: bigint; readonly expires: bigint }[];
  readonly version: string;
}

/** A directory (0700) with `load.conf` and data, and what may be spent on it. */
export interface ClosedServer {
  readonly host: Host;
  readonly directory: string;
  readonly server: string;
  readonly limitMs: number;
  readonly bytes: bigint;
}

/** What kept a closed server from loading says nothing about the data: it was killed, or had too little time or memory. */
export class NotJudged extends Error {
  override readonly name = 'NotJudged';
}

const POLL_MS = 25;
const DROP = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--no-new-privs'];
/** Address space, KiB: what is loaded may grow thirtyfold. */
const SPACE_KIB = 4 * 1024 * 1024;
/** The pipe that is its standard input ends with the process that started it, however that ends; then its whole group does. */
const LIMITS = `ulimit -c 0; ulimit -t "$1"; ulimit -n 128; ulimit -v "$2" 2> /dev/null; shift 2; exec 3<&0 < /dev/null
{ cat <&3; kill -KILL 0; } > /dev/null 2>&1 &
exec "$@" 3<&-`;
const ENDPOINT = { address: 'load.sock', port: 0, node: 'scratch' } as const;

/** A closed server that has loaded its data and runs until `end`. */
export interface RunningClosed {
  readonly counted: Counted;
  /** What listens at its unix socket: nobody but this user and root can reach it. */
  readonly host: Host;
  readonly endpoint: { readonly address: string; readonly port: 0; readonly node: 'scratch' };
  /** SIGKILL to its process group; resolves when it is gone. */
  end(): Promise<void>;
}

/** Starts the server, waits until it has loaded, counts, and ends it whatever happens. Throws with its last words when it does not load. */
export async function countIn(closed: ClosedServer, signal: AbortSignal): Promise<Counted> {
  const running = await startClosed(closed, signal);
  await running.end();
  return running.counted;
}

/**
 * Starts the server and waits until it has loaded. Throws with its last words when it does not load; it is ended then. It
 * does not outlive this process, whatever ends that: its shell ends it when the pipe from here is closed.
 */
export async function startClosed(closed: ClosedServer, signal: AbortSignal): Promise<RunningClosed> {
  const wrapped = wrapper();
  const seconds = String(Math.ceil(closed.limitMs / 1000) + 1);
  const space = String(SPACE_KIB + Math.round(Number(closed.bytes) / 1024) * 30);
  const argv = [...wrapped.argv, 'sh', '-c', LIMITS, 'sh', seconds, space, closed.server, './load.conf'];
  const child = spawn(argv[0] ?? 'sh', argv.slice(1), {
    cwd: closed.directory,
    detached: true,
    env: { PATH: process.env.PATH ?? '/usr/bin:/bin' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.on('error', () => undefined);
  const words = lastWordsOf(child);
  const gone = new Promise<void>((resolve) => {
    child.once('error', () => resolve());
    child.once('close', () => resolve());
  });
  const end = async () => {
    endGroup(child);
    await gone;
  };
  try {
    const counted = { ...(await loaded(closed, child, words, signal)), ...wrapped.confinement };
    return { counted, host: throughSocket(closed), endpoint: ENDPOINT, end };
  } catch (error) {
    await end();
    throw error;
  }
}

/** Not root, and in namespaces of its own, as far as this machine goes. */
function wrapper(): { readonly argv: readonly string[]; readonly confinement: Confinement } {
  const root = process.getuid?.() === 0;
  const drop = root && works([...DROP, 'true']) ? DROP : [];
  if (works([...drop, 'unshare', '-Urn', 'true'])) {
    return { argv: [...drop, 'unshare', '-Urn'], confinement: { confined: true } };
  }
  if (root && works(['unshare', '-n', ...drop, 'true'])) {
    return { argv: ['unshare', '-n', ...drop], confinement: { confined: true } };
  }
  return { argv: drop, confinement: { confined: false, notConfinedWhy: 'this machine allows no namespaces' } };
}

function works(argv: readonly string[]): boolean {
  const [program = '', ...args] = argv;
  return spawnSync(program, args, { stdio: 'ignore', timeout: 5000 }).status === 0;
}

interface LastWords {
  (): string;
  /** It said that it had too little memory (server.c:redisOutOfMemoryHandler); a long report follows. */
  readonly ofMemory: () => boolean;
}

function lastWordsOf(child: ChildProcess): LastWords {
  let said = '';
  let isOfMemory = false;
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Uint8Array) => {
      said += Buffer.from(chunk).toString('latin1');
      isOfMemory ||= /^.{0,80} Out Of Memory allocating/m.test(said);
      said = said.slice(-4096);
    });
  }
  child.once('error', (error) => {
    said += `\n${error.message}`;
  });
  const words = () =>
    said
      .split('\n')
      .map((line) => line.replace(/^\d+:[A-Z] .*? [.\-*#] /, '').replace(/[^\x20-\x7e]/g, '?'))
      .filter((line) => line.trim() !== '')
      .slice(-2)
      .join('; ')
      .slice(0, 400);
  return Object.assign(words, { ofMemory: () => isOfMemory });
}

type Held = Omit<Counted, keyof Confinement>;

async function loaded(closed: ClosedServer, child: ChildProcess, words: LastWords, signal: AbortSignal): Promise<Held> {
  const until = performance.now() + closed.limitMs;
  for (;;) {
    signal.throwIfAborted();
    if (child.exitCode !== null || child.signalCode !== null) throw ended(child, words);
    const held = await ask(closed, signal).catch(() => undefined);
    if (held) return held;
    if (performance.now() > until)
      throw new NotJudged(`it was not loaded within ${Math.round(closed.limitMs / 1000)} s`);
    await sleep(POLL_MS);
  }
}

/** What a server's end tells. Nobody here sends SIGKILL to a server that is still waited for: the kernel does, for memory or for CPU time. */
function ended({ signalCode }: ChildProcess, words: LastWords): Error {
  const server = 'the server that was to load it';
  if (words.ofMemory()) return new NotJudged(`${server} had too little memory on this machine`);
  // A directory for temporary files that only this user may enter.
  if (words().includes("can't open config file")) return new NotJudged(`${server} may not read in TMPDIR: ${words()}`);
  const isKilled = signalCode === 'SIGKILL' || signalCode === 'SIGXCPU';
  if (isKilled) return new NotJudged(`${server} was ended on this machine (${signalCode})`);
  return new Error(`a server cannot load it: ${words()}`);
}

/** Undefined while it is not up or still loads. */
async function ask(closed: ClosedServer, signal: AbortSignal): Promise<Held | undefined> {
  const opened = await openReader(throughSocket(closed), ENDPOINT, { timeoutMs: 2000 }, signal);
  if (!opened.ok) return undefined;
  try {
    const answer = await opened.value.ask('INFO', 'all');
    if (!answer.ok || typeof answer.value !== 'string') return undefined;
    const info = parseInfo(answer.value);
    return info.get('loading') === '0' ? count(info) : undefined;
  } finally {
    opened.value.close();
  }
}

function throughSocket({ host, directory }: ClosedServer): Host {
  return { ...host, connect: () => connectTo(join(directory, 'load.sock')) };
}

function connectTo(path: string): Promise<ReturnType<typeof connect>> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path });
    socket.once('error', reject);
    socket.once('connect', () => resolve(socket));
  });
}

function count(info: ReadonlyMap<string, string>): Held {
  const databases = [...info].flatMap(([name, value]) => {
    const db = /^db(\d+)$/.exec(name)?.[1];
    const row = /^keys=(\d+),expires=(\d+)/.exec(value);
    if (db === undefined || !row) return [];
    return [{ db: Number(db), keys: BigInt(row[1] ?? 0), expires: BigInt(row[2] ?? 0) }];
  });
  return {
    databases,
    keys: databases.reduce((sum, row) => sum + row.keys, 0n),
    expires: databases.reduce((sum, row) => sum + row.expires, 0n),
    version: info.get('redis_version') ?? '',
  };
}

function endGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
}
