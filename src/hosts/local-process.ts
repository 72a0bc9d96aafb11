import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { RawProcess } from '../model/raw-host.js';
import { redactWords } from '../redis/secrets.js';
import {
  isServerFile,
  isServerName,
  type ListeningSocket,
  listenText,
  parseBootTime,
  parseCommandLine,
  parseListening,
  parseStat,
  parseUnixListening,
} from './proc-formats.js';

/** A server process with what a survey does not keep. */
export interface LocalProcess extends RawProcess {
  readonly argv: readonly string[];
  /** Identity together with the pid: a reused pid has another. */
  readonly startTicks: bigint;
  /** The listening sockets; undefined when this user may not look into the process. */
  readonly sockets: readonly ListeningSocket[] | undefined;
}

/** The server processes and listening sockets of this machine at one moment. */
export interface ProcessScan {
  readonly processes: readonly LocalProcess[];
  readonly listening: readonly ListeningSocket[];
  /** The process that holds a socket, whatever it is; undefined when this user may not see it. */
  holder(inode: string): { readonly pid: number; readonly command: string } | undefined;
}

/** USER_HZ, the unit of start times in /proc, is 100 on every Linux architecture in use (proc(5)). */
const TICKS_PER_SECOND = 100;

function tryRead<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function readText(path: string): string {
  return tryRead(() => readFileSync(path, 'utf8')) ?? '';
}

function readListening(): readonly ListeningSocket[] {
  const tcp = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((path) => parseListening(readText(path)));
  return [...tcp, ...parseUnixListening(readText('/proc/net/unix'))];
}

/** Inodes of the sockets that a process holds; undefined when this user may not look. */
function socketInodes(pid: number): ReadonlySet<string> | undefined {
  const directory = `/proc/${pid}/fd`;
  return tryRead(
    () =>
      new Set(
        readdirSync(directory).flatMap((fd) => {
          const target = tryRead(() => readlinkSync(`${directory}/${fd}`)) ?? '';
          return /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? [];
        }),
      ),
  );
}

const ownNetwork = tryRead(() => readlinkSync('/proc/self/ns/net'));

/** A process of another network name space (a container) listens on addresses that are not this machine's. */
function isElsewhere(pid: number): boolean {
  const network = tryRead(() => readlinkSync(`/proc/${pid}/ns/net`));
  return network !== undefined && ownNetwork !== undefined && network !== ownNetwork;
}

/** The effective user, from the process itself: the owner of /proc/PID is root for every process that may not be dumped. */
function userOf(pid: number): number {
  const status = tryRead(() => readFileSync(`/proc/${pid}/status`, 'utf8'));
  const uid = /^Uid:\s+\d+\s+(\d+)/m.exec(status ?? '')?.[1];
  return uid === undefined ? -1 : Number(uid);
}

function readProcess(
  pid: number,
  listening: readonly ListeningSocket[],
  bootSeconds: number,
): LocalProcess | undefined {
  const stat = parseStat(readText(`/proc/${pid}/stat`));
  if (stat === undefined || stat.state === 'Z' || stat.state === 'X') return undefined;
  const exe = tryRead(() => readlinkSync(`/proc/${pid}/exe`)) ?? '';
  const argv = parseCommandLine(readText(`/proc/${pid}/cmdline`));
  if (!isServerFile(exe) && !isServerName(argv)) return undefined;
  if (isElsewhere(pid)) return undefined;
  const inodes = socketInodes(pid);
  const sockets = inodes && listening.filter((socket) => inodes.has(socket.inode));
  if (!isServerName(argv) && sockets !== undefined && sockets.length === 0) return undefined;
  return {
    pid,
    startedAtMs: bootSeconds * 1000 + Math.round((Number(stat.startTicks) * 1000) / TICKS_PER_SECOND),
    uid: userOf(pid),
    exe,
    title: redactWords(argv).join(' ').trimEnd(),
    cwd: tryRead(() => readlinkSync(`/proc/${pid}/cwd`)) ?? '',
    listens: (sockets ?? []).map(listenText),
    argv,
    startTicks: stat.startTicks,
    sockets,
  };
}

/**
 * Every redis or valkey server of this machine's own network, zombies left out (they are gone), and all listening
 * sockets. Children that save are no servers. Never throws.
 */
export function scanProcesses(): ProcessScan {
  const listening = readListening();
  const bootSeconds = parseBootTime(readText('/proc/stat'));
  const pids = (tryRead(() => readdirSync('/proc')) ?? []).filter((name) => /^\d+$/.test(name)).map(Number);
  const processes = pids.flatMap((pid) => readProcess(pid, listening, bootSeconds) ?? []);
  return { processes, listening, holder: holderOf };
}

let thisMoment: ProcessScan | undefined;

/** As `scanProcesses`, shared by everything that asks in the same turn of the event loop: hosts that are this machine. */
export function scanOnce(): ProcessScan {
  thisMoment ??= scanProcesses();
  setImmediate(() => {
    thisMoment = undefined;
  });
  return thisMoment;
}

/** Whether this very process (pid and start) still runs; a zombie does not, nor does another that got its pid. */
export function stillRuns(process: { readonly pid: number; readonly startTicks: bigint }): boolean {
  const stat = parseStat(readText(`/proc/${process.pid}/stat`));
  return stat !== undefined && stat.startTicks === process.startTicks && stat.state !== 'Z' && stat.state !== 'X';
}

/** The executable of a pid now, or an empty text. */
export function exeOf(pid: number): string {
  return tryRead(() => readlinkSync(`/proc/${pid}/exe`)) ?? '';
}

function holderOf(inode: string): { readonly pid: number; readonly command: string } | undefined {
  const pids = (tryRead(() => readdirSync('/proc')) ?? []).filter((name) => /^\d+$/.test(name)).map(Number);
  const pid = pids.find((candidate) => socketInodes(candidate)?.has(inode));
  if (pid === undefined) return undefined;
  return { pid, command: parseStat(readText(`/proc/${pid}/stat`))?.command ?? '?' };
}

/** The process without what a survey does not keep. */
export function rawProcess(process: LocalProcess): RawProcess {
  const { pid, startedAtMs, uid, exe, title, cwd, listens } = process;
  return { pid, startedAtMs, uid, exe, title, cwd, listens };
}
