import type { Seen } from './seen.js';

export interface FileStat {
  readonly sizeBytes: bigint;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  /** Permission bits, e.g. 0o640. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly device: bigint;
  readonly inode: bigint;
  /** `other` = a link, a directory, a device, a socket: anything but a regular file. */
  readonly type: 'file' | 'link' | 'directory' | 'other';
}

/**
 * What was brought back of a file. Texts hold `{secret:HASH}` in place of each secret. Binary files come as base64 of
 * their first and last bytes; a small file has everything in `head`, and an empty `tail`. Logs come as the lines that
 * carry evidence plus the last lines, each with the file they stood in (rotated logs included, oldest first).
 */
export type RawContent =
  | { readonly text: string }
  | { readonly head: string; readonly tail: string }
  | { readonly matches: readonly RawLine[]; readonly tail: readonly RawLine[] };

export interface RawLine {
  readonly file: string;
  /** 1-based */
  readonly line: number;
  readonly text: string;
}

export type FileRole =
  | 'redis.conf'
  | 'sentinel.conf'
  | 'include'
  | 'config-dir'
  | 'rdb'
  | 'aof-manifest'
  | 'aof'
  | 'log'
  | 'leftover'
  | 'hold'
  | 'lock'
  | 'left-out';

export interface RawFile {
  readonly node: string;
  readonly role: FileRole;
  readonly path: string;
  readonly stat: Seen<FileStat>;
  readonly content: Seen<RawContent>;
}

export interface RawProcess {
  readonly pid: number;
  /** Milliseconds since the epoch, from the kernel's start time of the process. */
  readonly startedAtMs: number;
  readonly uid: number;
  readonly exe: string;
  /** The process title or command line, joined with blanks, secrets replaced. */
  readonly title: string;
  readonly cwd: string;
  /** `address:port` of every listening TCP socket of the process, `unix:PATH` of every unix socket. */
  readonly listens: readonly string[];
}

/** A RESP answer: status and bulk strings and integers as text, arrays, nil, or the server's error text. */
export type Resp = string | null | readonly Resp[] | { readonly error: string };

export interface RawAnswer {
  readonly node: string;
  /** The command as typed, e.g. `INFO all` or `SENTINEL REPLICAS stn-master`. */
  readonly command: string;
  readonly answer: Seen<Resp>;
}

/** What the service manager of a host says about the unit of a node. */
export interface RawUnit {
  readonly node: string;
  /** As fleet.yaml names it. */
  readonly unit: string;
  readonly manager: 'systemd' | 'sysvinit';
  /** systemd: properties as `systemctl show` names them, secrets replaced. sysvinit: `Script`, `StartLinks` joined with blanks, and `Daemon` where the script names one path. */
  readonly properties: Readonly<Record<string, string>>;
}

/** A server program of a host, and the first line of what its `--version` says. */
export interface RawServer {
  readonly path: string;
  readonly says: string;
}

export interface RawSystem {
  /** Kernel name, release and machine. */
  readonly uname: string;
  readonly init: 'systemd' | 'sysvinit' | 'other';
  /** Our user id on the host. */
  readonly uid: number;
  /** Whether `sudo -n` works; null when it was not tried (we are root, or fleet.yaml says no sudo). */
  readonly sudo: boolean | null;
  /** What sudo said where it does not work. */
  readonly sudoSays?: string;
  /** Paths of the Redis and Valkey programs on the host. */
  readonly programs: readonly string[];
}

/** All that one look at one host brought back, verbatim but for secrets. `survey = interpret(inventory, RawHost[])` is pure. */
export interface RawHost {
  readonly host: string;
  readonly address: string;
  /** ISO 8601 UTC, the operator's clock, when the look began. */
  readonly at: string;
  readonly elapsedMs: number;
  /** Whether the host could be looked at; when not, the rest is empty. */
  readonly reached: Seen<true>;
  /** The host's own clock minus the operator's, milliseconds. */
  readonly clockOffsetMs: Seen<number>;
  readonly diskFreeBytes: Seen<number>;
  readonly processes: Seen<readonly RawProcess[]>;
  readonly files: readonly RawFile[];
  readonly answers: readonly RawAnswer[];
  /** Left out where nobody asked: on this machine, and for plain processes. */
  readonly units?: Seen<readonly RawUnit[]>;
  readonly system?: Seen<RawSystem>;
  /** Server programs that may start the nodes; left out by what was saved before anybody asked for them. */
  readonly servers?: readonly RawServer[];
}
