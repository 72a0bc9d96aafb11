import { redactWords } from '../../../redis/secrets.js';
import type { LocalProcess, ProcessScan } from '../../local-process.js';
import {
  isServerFile,
  isServerName,
  type ListeningSocket,
  listenText,
  parseCommandLine,
  parseListening,
  parseStat,
  parseUnixListening,
} from '../../proc-formats.js';
import type { LookRecord } from './records.js';

/** USER_HZ, the unit of start times in /proc, is 100 on every Linux architecture in use (proc(5)). */
const TICKS_PER_SECOND = 100;

/** What an exchange saw of a host's processes. */
export interface RemoteScan extends ProcessScan {
  /** Why the list may lack a server; undefined when it lacks none. */
  readonly incomplete: string | undefined;
}

interface Network {
  readonly name: string;
  readonly bootSeconds: number;
  readonly hidden: boolean;
}

function networkOf(record: LookRecord | undefined): Network {
  const text = record?.body.toString('utf8') ?? '';
  return {
    name: text.split('\n')[0] ?? '',
    bootSeconds: Number(/^btime (\d+)$/m.exec(text)?.[1] ?? 0),
    hidden: /^hidden$/m.test(text),
  };
}

interface Listing {
  readonly exe: string;
  readonly cwd: string;
  readonly net: string;
  /** Inodes of its sockets; undefined when it may not be looked into. */
  readonly inodes: ReadonlySet<string> | undefined;
}

/**
 * What `ls -l` says of a process' links and descriptors. A process can put line ends into its own working directory's
 * name and so lie about itself; what it lies about its sockets is caught by their owner, whom the kernel names.
 */
function listingIn(text: string, pid: number): Listing {
  const lines = text.split('\n');
  const targets = (name: string) => {
    const arrow = ` /proc/${pid}/${name} -> `;
    return lines.flatMap((line) => (line.includes(arrow) ? [line.slice(line.indexOf(arrow) + arrow.length)] : []));
  };
  const only = (name: string) => (targets(name).length === 1 ? (targets(name)[0] ?? '') : '');
  const descriptors = lines.indexOf(`/proc/${pid}/fd:`);
  const seen = descriptors >= 0 && !lines.includes('denied');
  const inodes = lines.slice(descriptors + 1).flatMap((line) => / -> socket:\[(\d+)\]$/.exec(line)?.[1] ?? []);
  return { exe: only('exe'), cwd: only('cwd'), net: only('ns/net'), inodes: seen ? new Set(inodes) : undefined };
}

/** The NUL-ended fields of a body, and what comes behind them. */
function fieldsOf(body: Buffer, count: number): readonly string[] {
  const parts = body.toString('utf8').split('\0');
  return [...parts.slice(0, count), parts.slice(count).join('\0')];
}

/** A server process as the script printed it; undefined for what is none, or is of another network (a container). */
function processIn(
  record: LookRecord,
  listening: readonly ListeningSocket[],
  network: Network,
): LocalProcess | undefined {
  const [statText = '', listing = '', commandLine = ''] = fieldsOf(record.body, 2);
  const [pid = 0, uid = -1] = record.words.map(Number);
  const { exe, cwd, net, inodes } = listingIn(listing, pid);
  const stat = parseStat(statText);
  if (stat === undefined || stat.pid !== pid || stat.state === 'Z' || stat.state === 'X') return undefined;
  const argv = parseCommandLine(commandLine);
  if (!isServerFile(exe) && !isServerName(argv)) return undefined;
  if (net !== '' && network.name !== '' && net !== network.name) return undefined;
  const sockets = inodes && listening.filter((socket) => inodes.has(socket.inode) && [uid, -1].includes(socket.uid));
  if (!isServerName(argv) && sockets !== undefined && sockets.length === 0) return undefined;
  return {
    pid,
    startedAtMs: network.bootSeconds * 1000 + Math.round((Number(stat.startTicks) * 1000) / TICKS_PER_SECOND),
    uid,
    exe,
    title: redactWords(argv).join(' ').trimEnd(),
    cwd,
    listens: (sockets ?? []).map(listenText),
    argv,
    startTicks: stat.startTicks,
    sockets,
  };
}

function unseen(records: readonly LookRecord[], network: Network): string | undefined {
  if (!records.some((record) => record.kind === 'sockets')) return 'the processes of the host could not be listed';
  return network.hidden
    ? 'the processes of other users are hidden from this user (/proc is mounted with hidepid)'
    : undefined;
}

function holdersIn(
  records: readonly LookRecord[],
): ReadonlyMap<string, { readonly pid: number; readonly command: string }> {
  return new Map(
    records
      .filter((record) => record.kind === 'holder')
      .map(({ words, body }) => [words[0] ?? '', { pid: Number(words[1]), command: body.toString('utf8') }]),
  );
}

/**
 * The servers and listening sockets of a host, from the newest exchange that listed them. `earlier` records come first.
 * A process that an earlier exchange could look into and the newest could not keeps what was seen.
 */
export function scanIn(exchanges: readonly (readonly LookRecord[])[]): RemoteScan {
  const listings = exchanges.filter((records) => records.some((record) => record.kind === 'sockets'));
  const records = listings.at(-1) ?? [];
  const network = networkOf(records.find((record) => record.kind === 'net'));
  const body = (kind: string, encoding: 'latin1' | 'utf8') =>
    records.find((record) => record.kind === kind)?.body.toString(encoding) ?? '';
  const listening = [...parseListening(body('sockets', 'latin1')), ...parseUnixListening(body('unix', 'utf8'))];
  // A server under another name was found by its socket, in an exchange that listed no processes perhaps.
  const all = [...records, ...exchanges.flatMap((each) => (each === records ? [] : each.filter(isHeld)))];
  const found = all
    .filter((record) => record.kind === 'process')
    .flatMap((record) => processIn(record, listening, network) ?? []);
  const byPid = new Map(found.map((process) => [process.pid, process]));
  const holders = holdersIn(exchanges.flat());
  return {
    processes: [...byPid.values()].sort((a, b) => a.pid - b.pid),
    listening,
    holder: (inode) => holders.get(inode),
    incomplete: unseen(records, network),
  };
}

function isHeld(record: LookRecord, index: number, records: readonly LookRecord[]): boolean {
  return record.kind === 'process' && records[index - 1]?.kind === 'holder';
}
