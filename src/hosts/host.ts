import type { Duplex } from 'node:stream';
import type { FindRequest, HostPlaces } from '../model/found.js';
import type { HostEntry, NodeEntry, Passwords } from '../model/inventory.js';
import type { FileStat, RawHost, Resp } from '../model/raw-host.js';
import type { HostProbe, HostRights, ManagerProbe } from '../model/readiness.js';
import type { Seen } from '../model/seen.js';
import type { Claim } from './claim.js';
import type { RedisEndpoint } from './redis-endpoint.js';

/** Programs that compress a file on its way. */
export type Packing = 'zstd' | 'gzip';

/** Limits of one look. Over a limit is data: `timeout` or `too-large` for that reading, never for the whole look. */
export interface Limits {
  readonly readingTimeoutMs: number;
  readonly lookTimeoutMs: number;
  readonly textBytes: number;
  readonly edgeBytes: number;
  readonly logTailLines: number;
  readonly logBytes: number;
  readonly listedNames: number;
}

export const defaultLimits: Limits = {
  readingTimeoutMs: 3000,
  lookTimeoutMs: 10_000,
  textBytes: 1024 * 1024,
  edgeBytes: 64 * 1024,
  logTailLines: 40,
  logBytes: 16 * 1024 * 1024,
  listedNames: 10_000,
};

export interface LookRequest {
  readonly groups: readonly string[];
  /** Passwords by node id that fleet.yaml gives; a node without one uses what its own config file says. */
  readonly passwords: Passwords;
  readonly limits: Limits;
}

/**
 * A machine, read-only. Every method resolves; what could not be seen is a `Seen` with `ok: false`. Nothing here
 * changes anything on the machine: no file, no process, no Redis state.
 */
export interface Host {
  readonly entry: HostEntry;
  /** Everything that a survey needs of the host, in one exchange plus at most one for what the first revealed. */
  look(request: LookRequest, signal: AbortSignal): Promise<RawHost>;
  /** The whole file, at most `limitBytes` (`too-large` above). */
  read(path: string, limitBytes: number, signal: AbortSignal): Promise<Seen<Uint8Array>>;
  /**
   * The file in chunks from `fromByte` to `toByte` (exclusive); throws the system's error. `gently`: whoever reads it on
   * another machine waits for everybody else there (nice 19, idle class of the disk), where that machine can.
   */
  stream(
    path: string,
    signal: AbortSignal,
    fromByte?: bigint,
    toByte?: bigint,
    pace?: 'gently',
  ): AsyncIterable<Uint8Array>;
  /**
   * The first `lengthBytes` bytes of the file, compressed there, as the last in the queue. Throws as `stream`; `ENOENT`
   * also where the machine has no such program. Whether all of it came is told by what it unpacks to.
   */
  packed(path: string, how: Packing, lengthBytes: bigint, signal: AbortSignal): AsyncIterable<Uint8Array>;
  stat(path: string): Promise<Seen<FileStat>>;
  list(directory: string): Promise<Seen<readonly string[]>>;
  /** sha256 of the first `lengthBytes` bytes (the whole file when left out), lower-case hex; `gently` as `stream`. */
  hash(path: string, signal: AbortSignal, lengthBytes?: bigint, pace?: 'gently'): Promise<Seen<string>>;
  /**
   * A connection to a port of the node, through the host; `port` 0: to the unix socket at the path `address`. Rejects
   * with the system's error.
   */
  connect(address: string, port: number, signal: AbortSignal): Promise<Duplex>;
  /**
   * Whether a password of the endpoint's node may be sent to what listens at the endpoint: seen as true only when that
   * is a redis or valkey server of the node's own user, of root, or of ours. Asked by the Redis client before it
   * authenticates, whatever way the connection takes.
   */
  vouch(endpoint: RedisEndpoint, signal: AbortSignal): Promise<Seen<true>>;
  /** Logs in, and finds out what the login may become. Rejects with the RunbookError of a login that failed. */
  rights(signal: AbortSignal): Promise<HostRights>;
  /**
   * What a recovery will need: tools, servers, the directories that it would write to, the ports of the nodes. With
   * `mayBecome` the directories are looked at as root. Rejects as `rights` does.
   */
  probe(
    request: { readonly directories: readonly string[]; readonly mayBecome: boolean },
    signal: AbortSignal,
  ): Promise<HostProbe>;
  /** Where config files and services of redis and sentinel may be on it; names only, no file is read. Rejects as `rights` does. */
  find(request: FindRequest, signal: AbortSignal): Promise<HostPlaces>;
  /**
   * The same machine for the files that this config file, or the server that runs with it, names: touched with no more
   * right than that of whoever may write the config, else of the server's user. Such a name may be any file of the
   * machine (`include /etc/shadow`, `dir /root`), and root would obey it.
   */
  named(config: string): Host;
  close(): Promise<void>;
}

/** What a Redis connection needs of a host. */
export type RedisAccess = Pick<Host, 'entry' | 'connect' | 'vouch'>;

/** A file is not what it was when it was read: nothing was written. */
export class ChangedUnderneath extends Error {
  override readonly name = 'ChangedUnderneath';
  readonly path: string;

  constructor(path: string, detail: string) {
    super(`${path} ${detail}`);
    this.path = path;
  }
}

export interface RunOutput {
  readonly status: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
}

export interface RunOptions {
  readonly timeoutMs: number;
  readonly cwd?: string;
  readonly stdin?: string;
  readonly limitBytes?: number;
}

/** How a data file was kept. `copy` shares nothing with the original; `link` shares the inode (safe for files that writers replace by rename). */
export interface KeptFile {
  readonly original: string;
  readonly kept: string;
  readonly how: 'link' | 'reflink' | 'copy';
  readonly sizeBytes: bigint;
  readonly sha256: string;
}

/** A file that is kept and was not read for it. */
export type HeldOnHost = Omit<KeptFile, 'sha256'>;

/** A file on its way to a machine. */
export interface UploadFile {
  readonly sizeBytes: bigint;
  /** Lower-case hex; compared with what the machine reads back from its disk. */
  readonly sha256: string;
  /** The bytes from `fromByte` to the end; asked again after a lost connection. */
  bytes(fromByte: bigint): AsyncIterable<Uint8Array>;
  /** Told of every chunk once it was taken. */
  onBytes?(bytes: number): void;
}

/** What a service manager can do with one node. `pid`, `holder`, `holdLeftOver`, `weakness` and `manager` read; the others change. */
export interface Service {
  /** The pid that runs the node, or null when it is known that none does. */
  pid(signal: AbortSignal): Promise<Seen<number | null>>;
  /** Makes sure that nothing starts the node by itself until `release`; survives a power cut where the manager can. */
  hold(run: string, signal: AbortSignal): Promise<void>;
  release(run: string, signal: AbortSignal): Promise<void>;
  holder(signal: AbortSignal): Promise<Seen<{ readonly run: string } | null>>;
  /** Whether a run that was killed while it made a hold left something that holds nothing; `release` takes it away. Left out: never. */
  holdLeftOver?(signal: AbortSignal): Promise<boolean>;
  /** Why a hold that is in place would not last, in words; undefined when it would survive a power cut. */
  weakness?(signal: AbortSignal): Promise<string | undefined>;
  /** Who runs the node, and how that is known; left out where only one manager can. Rejects when it cannot be found out. */
  manager?(signal: AbortSignal): Promise<ManagerProbe>;
  /** What is wrong with the pidfile that the node's config names, in words; undefined when nothing is, or there is none. */
  pidFileTrouble?(signal: AbortSignal): Promise<string | undefined>;
  /** Asks the node to stop (SIGTERM, the manager's stop) and waits until its process is gone. */
  stop(timeoutMs: number, signal: AbortSignal): Promise<'stopped' | 'was-stopped' | 'still-running'>;
  start(signal: AbortSignal): Promise<void>;
  /** The commands that a person would type, for plans. */
  readonly says: { readonly stop: string; readonly start: string; readonly hold: string; readonly release: string };
}

/** A machine that may be changed. Only execute, backup/take, scratch and lab name this type. */
export interface WritableHost extends Host {
  run(argv: readonly string[], options: RunOptions, signal: AbortSignal): Promise<RunOutput>;
  /**
   * Replaces `path` atomically (exclusive temporary name in the same directory, fsync, rename), keeping owner and mode.
   * `expected` = sha256 of what was read; when the file changed since, nothing is written and it throws ChangedUnderneath.
   */
  write(path: string, bytes: Uint8Array, expected: string | 'absent', signal: AbortSignal): Promise<void>;
  /** Makes the directory (0700) when it is missing. */
  makeDirectory(path: string): Promise<void>;
  /** Keeps a file under `directory` with its own base name; never replaces a kept file of another content. */
  keep(path: string, directory: string, how: 'link-or-copy' | 'copy', signal: AbortSignal): Promise<KeptFile>;
  /** As `keep` with `link-or-copy`, without reading what could be linked: a file of any size takes no time. */
  hold(path: string, directory: string, signal: AbortSignal): Promise<HeldOnHost>;
  remove(path: string): Promise<void>;
  /** Removes a directory that is empty; one that holds anything, is no directory, or is gone stays as it is. */
  removeDirectory(path: string): Promise<void>;
  /**
   * A new file from a stream, in constant memory, 0600 and of the directory's owner: under a hidden name until it was read
   * back from the disk with the right hash, so half a file never has the name. `there`: the same file had it already. After a
   * lost connection, and in a later run, it goes on where the part ends. Throws ChangedUnderneath when another file has it.
   */
  upload(path: string, file: UploadFile, signal: AbortSignal): Promise<'there' | 'written'>;
  service(node: NodeEntry): Service;
  named(config: string): WritableHost;
  /**
   * The same machine for a run that holds its lock: whatever changes something first sees, there and in the same command,
   * that the lock file carries the token; else nothing is done, and it rejects with ClaimLost.
   */
  claimed(claim: Claim): WritableHost;
  /** Sees the token of a claimed host: what is sent on a connection of its own needs it. Rejects with ClaimLost. */
  checkClaim?(signal: AbortSignal): Promise<void>;
}

/** Commands that only look. The list is closed: nothing else can be sent through a reader. */
export const readCommands = [
  'PING',
  'INFO',
  'ROLE',
  'DBSIZE',
  'EXISTS',
  'LASTSAVE',
  'CONFIG GET',
  'COMMAND INFO',
  'CLIENT LIST',
  'SENTINEL MASTERS',
  'SENTINEL MASTER',
  'SENTINEL REPLICAS',
  'SENTINEL SLAVES',
  'SENTINEL SENTINELS',
  'SENTINEL CKQUORUM',
  'SENTINEL GET-MASTER-ADDR-BY-NAME',
  'SENTINEL MYID',
  'SENTINEL INFO-CACHE',
] as const;
export type ReadCommand = (typeof readCommands)[number];

/** Commands that change something; only a RedisWriter sends them. */
export const writeCommands = [
  'BGSAVE',
  'BGREWRITEAOF',
  'CONFIG SET',
  'CONFIG REWRITE',
  'CLIENT PAUSE',
  'CLIENT UNPAUSE',
  'REPLICAOF',
  'SLAVEOF',
  'MULTI',
  'EXEC',
  'CLIENT KILL',
  'SHUTDOWN',
  'SELECT',
  'RESTORE',
  'SENTINEL FLUSHCONFIG',
  'SENTINEL FAILOVER',
  'SENTINEL SET',
] as const;
export type WriteCommand = (typeof writeCommands)[number];

/** A connection that can only look. A lost connection is a `Seen` with `ok: false`, never a reconnect. */
export interface RedisReader {
  ask(command: ReadCommand, ...args: readonly (string | Uint8Array)[]): Promise<Seen<Resp>>;
  close(): void;
}

/** A connection that may change the node. `unknown`: the connection was lost while the command was in flight; it was sent once. */
export interface RedisWriter extends RedisReader {
  send(
    command: WriteCommand,
    ...args: readonly (string | Uint8Array)[]
  ): Promise<
    { readonly outcome: 'answered'; readonly answer: Resp } | { readonly outcome: 'unknown'; readonly why: string }
  >;
}
