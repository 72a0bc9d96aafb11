/** Readers of the texts below /proc (proc(5)); pure, so that recorded texts can be tried on them. */

export interface ProcStat {
  readonly pid: number;
  readonly command: string;
  /** One letter: R S D T … ; Z and X are processes that are gone. */
  readonly state: string;
  /** Clock ticks after boot when the process began: with the pid, its identity. */
  readonly startTicks: bigint;
}

/** /proc/PID/stat. The command stands in brackets and may itself hold brackets and blanks. Undefined when malformed. */
export function parseStat(text: string): ProcStat | undefined {
  const close = text.lastIndexOf(')');
  const open = text.indexOf('(');
  const fields = text.slice(close + 2).split(' ');
  const state = fields[0];
  const start = fields[19];
  if (open < 0 || close < open || state === undefined || start === undefined || !/^\d+$/.test(start)) return undefined;
  return { pid: Number(text.slice(0, open)), command: text.slice(open + 1, close), state, startTicks: BigInt(start) };
}

/** The boot time of /proc/stat, seconds since the epoch. */
export function parseBootTime(text: string): number {
  return Number(/^btime (\d+)$/m.exec(text)?.[1] ?? 0);
}

/** A listening socket; a unix socket has its path as the address, port 0, and uid -1: the kernel does not say whose it is. */
export interface ListeningSocket {
  readonly address: string;
  readonly port: number;
  readonly uid: number;
  readonly inode: string;
}

function ipv4(hex: string): string {
  return (hex.match(/../g) ?? [])
    .map((byte) => Number.parseInt(byte, 16))
    .reverse()
    .join('.');
}

function ipv6(hex: string): string {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => (word.match(/../g) ?? []).reverse());
  const groups = Array.from({ length: 8 }, (_, n) => `${bytes[2 * n] ?? '0'}${bytes[2 * n + 1] ?? '0'}`);
  return plainAddress(groups.join(':'));
}

/** An address as it is compared: IPv6 in its short form, IPv4 inside IPv6 as IPv4, everything else as it is. */
export function plainAddress(address: string): string {
  if (!address.includes(':')) return address;
  try {
    const short = new URL(`http://[${address}]/`).hostname.slice(1, -1);
    const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(short);
    if (mapped?.[1] === undefined || mapped[2] === undefined) return short;
    const [high, low] = [Number.parseInt(mapped[1], 16), Number.parseInt(mapped[2], 16)];
    return [high >> 8, high & 255, low >> 8, low & 255].join('.');
  } catch {
    return address;
  }
}

/** The listening sockets (state 0A) of /proc/net/tcp or tcp6, as a little-endian kernel prints them. */
export function parseListening(text: string): readonly ListeningSocket[] {
  return text.split('\n').flatMap((line) => {
    const [, local, , state, , , , uid, , inode] = line.trim().split(/\s+/);
    const [hex, port] = (local ?? '').split(':');
    if (state !== '0A' || hex === undefined || port === undefined || uid === undefined || inode === undefined)
      return [];
    const address = hex.length === 8 ? ipv4(hex) : ipv6(hex);
    return [{ address, port: Number.parseInt(port, 16), uid: Number(uid), inode }];
  });
}

/**
 * The listening stream sockets of /proc/net/unix that have a path: flags with __SO_ACCEPTCON, type 0001. Columns:
 * `Num RefCount Protocol Flags Type St Inode Path`; a path may hold blanks.
 */
export function parseUnixListening(text: string): readonly ListeningSocket[] {
  return text.split('\n').flatMap((line) => {
    const match = /^[0-9a-f]+: [0-9A-F]+ [0-9A-F]+ 00010000 0001 [0-9A-F]+ +(\d+) (\/.*)$/i.exec(line);
    return match?.[1] === undefined || match[2] === undefined
      ? []
      : [{ address: match[2], port: 0, uid: -1, inode: match[1] }];
  });
}

/** A listening socket as a process list shows it: `address:port`, `unix:PATH`. */
export function listenText({ address, port }: ListeningSocket): string {
  return port === 0 ? `unix:${address}` : `${address}:${port}`;
}

const servers = new Set(['redis-server', 'redis-sentinel', 'valkey-server', 'valkey-sentinel']);
/** Debian's redis-server is a link to redis-check-rdb, so that is what /proc/PID/exe shows. */
const serverFiles = new Set([...servers, 'redis-check-rdb', 'valkey-check-rdb', 'redis-check-aof', 'valkey-check-aof']);

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Whether the path of an executable is that of a redis or valkey server. */
export function isServerFile(exe: string): boolean {
  return serverFiles.has(baseName(exe.replace(/ \(deleted\)$/, '')));
}

/** Whether argument 0 (or the process title that replaced it) names a server: not a child that saves, not redis-cli. */
export function isServerName(argv: readonly string[]): boolean {
  return servers.has(baseName((argv[0] ?? '').split(' ')[0] ?? ''));
}

export interface Title {
  /** `*` when the server listens on every address; with port 0 the path of its unix socket. */
  readonly address: string;
  readonly port: number;
  readonly sentinel: boolean;
}

/** The default title of a server, `redis-server 127.0.0.1:6379 [sentinel]` (server.c:redisSetProcTitle). */
export function parseTitle(argv: readonly string[]): Title | undefined {
  const title = (argv[0] ?? '').trim();
  const unix = /^\S+ unixsocket:(\/.+?)(?: \[(\w+)\])?$/.exec(title);
  if (unix?.[1] !== undefined && isServerName(argv)) {
    return { address: unix[1], port: 0, sentinel: unix[2] === 'sentinel' };
  }
  const match = /^\S+ (\S+):(\d+)(?: \[(\w+)\])?$/.exec(title);
  if (match?.[1] === undefined || !isServerName(argv)) return undefined;
  return { address: match[1], port: Number(match[2]), sentinel: match[3] === 'sentinel' };
}

/** /proc/PID/cmdline as arguments. Titles are padded with NULs. */
export function parseCommandLine(text: string): readonly string[] {
  return text.replace(/\0+$/, '').split('\0');
}
