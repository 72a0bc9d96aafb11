import type { HostEntry, Inventory, NodeEntry } from '../../src/model/inventory.js';
import type {
  FileRole,
  RawAnswer,
  RawContent,
  RawFile,
  RawHost,
  RawLine,
  RawProcess,
} from '../../src/model/raw-host.js';
import type { NotSeen, Seen } from '../../src/model/seen.js';
import type { Incident, Right } from './incident.js';
import { infoText, type Replication } from './info-text.js';
import { addressOf, at, day, group, seconds } from './places.js';
import { type RdbFile, rdbBytes } from './rdb-file.js';
import { type SentinelNow, sentinelAnswers, sentinelConf } from './sentinel-texts.js';

/** One redis node as it was found; what is left out is not there. */
export interface NodeNow {
  /** Lines of its redis.conf that matter, beside port and dir. */
  readonly conf?: readonly string[];
  /** What INFO says; left out: no process runs. */
  readonly info?: Replication;
  readonly rdb?: RdbFile;
  /** The append-only file, as its text: one file up to 6.2, the newest incremental one from 7.0 on. */
  readonly aof?: string;
  /** Keys in the base file beside it, from 7.0 on; three when left out. */
  readonly aofBaseKeys?: number;
  /** `HH:MM:SS ROLE text`, as this version's server writes them; left out: there is no log. */
  readonly log?: readonly string[];
  /** Nobody could look at its host. */
  readonly away?: true;
  /** The host's clock is ahead by so much. */
  readonly clockMs?: number;
}

/** What was found in one night, in short; `incidentOf` makes of it what a look would have brought back. */
export interface Night {
  readonly name: string;
  readonly source: string;
  /** As `7.0.15` or `valkey 8.1.1`. */
  readonly server: string;
  readonly nodes: Readonly<Record<string, NodeNow>>;
  /** By the host that it runs on. */
  readonly sentinels?: Readonly<Record<string, SentinelNow>>;
  readonly right: Right;
}

export function incidentOf(night: Night): Incident {
  const hosts = [...new Set([...Object.keys(night.nodes), ...Object.keys(night.sentinels ?? {})])];
  const entries = hosts.map((host) => entryOf(host, night));
  const inventory: Inventory = {
    fleet: 'shop',
    file: 'fleet.yaml',
    groups: [group],
    hosts: entries,
    password: { from: 'node' },
  };
  return {
    name: night.name,
    source: night.source,
    server: night.server,
    inventory,
    raws: hosts.map((host) => rawOf(host, night)),
    answers: [],
    right: night.right,
  };
}

function entryOf(host: string, night: Night): HostEntry {
  const common = { host, address: addressOf(host), start: [] };
  const redis: NodeEntry = {
    ...common,
    kind: 'redis',
    id: host,
    port: 6379,
    config: '/etc/redis/redis.conf',
    unit: 'redis-server',
    group,
  };
  const sentinel: NodeEntry = {
    ...common,
    kind: 'sentinel',
    id: `${host}/sentinel`,
    port: 26379,
    config: '/etc/redis/sentinel.conf',
    unit: 'redis-sentinel',
  };
  return {
    name: host,
    address: addressOf(host),
    transport: 'ssh',
    become: 'none',
    service: 'process',
    state: '/var/lib/redis-runbook',
    nodes: [...(night.nodes[host] ? [redis] : []), ...(night.sentinels?.[host] ? [sentinel] : [])],
    line: 1,
  };
}

function rawOf(host: string, night: Night): RawHost {
  const node = night.nodes[host];
  const sentinel = night.sentinels?.[host];
  const says = (source: string) => ({ from: { host, source }, at });
  if (node?.away) return awayHost(host);
  return {
    host,
    address: addressOf(host),
    at,
    elapsedMs: 40,
    reached: { ok: true, value: true, ...says('look') },
    clockOffsetMs: { ok: true, value: node?.clockMs ?? 0, ...says('date') },
    diskFreeBytes: { ok: true, value: 9e9, ...says('df') },
    processes: { ok: true, value: processesOf(host, night), ...says('/proc') },
    files: [
      ...(node ? filesOf(host, node, night.server) : []),
      ...(sentinel ? sentinelFiles(host, sentinel, night) : []),
    ],
    answers: [
      ...(node?.info ? [answer(host, 'INFO all', infoText(night.server, node.info))] : []),
      ...(sentinel ? sentinelAnswers(host, sentinel, night.server) : []),
    ],
  };
}

function awayHost(host: string): RawHost {
  const missing: NotSeen = {
    ok: false,
    why: 'timeout',
    detail: 'no route to host',
    from: { host, source: 'look' },
    at,
  };
  return {
    host,
    address: addressOf(host),
    at,
    elapsedMs: 5000,
    reached: missing,
    clockOffsetMs: missing,
    diskFreeBytes: missing,
    processes: missing,
    files: [],
    answers: [],
  };
}

function processesOf(host: string, { nodes, sentinels, server }: Night): readonly RawProcess[] {
  const program = server.startsWith('valkey') ? 'valkey-server' : 'redis-server';
  const process = (pid: number, port: number, more: string): RawProcess => ({
    pid,
    startedAtMs: day,
    uid: 107,
    exe: `/usr/bin/${program}`,
    title: `${program} ${addressOf(host)}:${port}${more}`,
    cwd: '/var/lib/redis',
    listens: [`${addressOf(host)}:${port}`],
  });
  return [
    ...(nodes[host]?.info ? [process(811, 6379, '')] : []),
    ...(sentinels?.[host]?.runs ? [process(812, 26379, ' [sentinel]')] : []),
  ];
}

function answer(node: string, command: string, value: string): RawAnswer {
  return { node, command, answer: { ok: true, value, from: { host: node, node, source: command }, at } };
}

function filesOf(host: string, node: NodeNow, server: string): readonly RawFile[] {
  const conf = ['port 6379', 'dir /var/lib/redis', 'logfile /var/log/redis/redis.log', ...(node.conf ?? [])];
  const rdb = node.rdb && rdbBytes(node.rdb);
  const written = node.rdb ? day + seconds(node.rdb.at) * 1000 : day;
  return [
    file(host, 'redis.conf', '/etc/redis/redis.conf', { text: `${conf.join('\n')}\n` }),
    file(host, 'rdb', '/var/lib/redis/dump.rdb', rdb && { head: base64(rdb), tail: '' }, rdb?.length, written),
    ...aofFiles(host, node, isMultiPart(server)),
    file(host, 'log', '/var/log/redis/redis.log', node.log && logOf(node.log, server)),
  ];
}

function isMultiPart(server: string): boolean {
  return server.startsWith('valkey') || Number(server.split('.')[0]) >= 7;
}

function aofFiles(host: string, { aof, aofBaseKeys = 3, log }: NodeNow, multi: boolean): readonly RawFile[] {
  const last = day + seconds(log?.at(-1)?.slice(0, 8) ?? '00:00:00') * 1000;
  const content = aof === undefined ? undefined : { head: base64(new TextEncoder().encode(aof)), tail: '' };
  if (!multi) return [file(host, 'aof', '/var/lib/redis/appendonly.aof', content, aof?.length, last)];
  const directory = '/var/lib/redis/appendonlydir';
  const manifest = 'file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n';
  const base = rdbBytes({ version: 10, keys: aofBaseKeys, at: '00:00:01', base: true });
  const text = aof === undefined ? undefined : { text: manifest };
  return [
    file(host, 'aof-manifest', `${directory}/appendonly.aof.manifest`, text),
    ...(aof === undefined
      ? []
      : [
          file(
            host,
            'aof',
            `${directory}/appendonly.aof.1.base.rdb`,
            { head: base64(base), tail: '' },
            base.length,
            day,
          ),
          file(host, 'aof', `${directory}/appendonly.aof.1.incr.aof`, content, aof.length, last),
        ]),
  ];
}

function sentinelFiles(host: string, sentinel: SentinelNow, night: Night): readonly RawFile[] {
  const text = sentinelConf(host, sentinel, night.server);
  return [{ ...file(host, 'sentinel.conf', '/etc/redis/sentinel.conf', { text }), node: `${host}/sentinel` }];
}

/** A file as the look found it; without content it is absent. */
function file(
  host: string,
  role: FileRole,
  path: string,
  content: RawContent | undefined,
  sizeBytes = 100,
  mtimeMs = day,
): RawFile {
  const from = { host, node: host, source: path };
  const absent: Seen<never> = { ok: false, why: 'absent', detail: 'No such file or directory', from, at };
  const stat = { sizeBytes: BigInt(sizeBytes), mtimeMs, ctimeMs: mtimeMs, mode: 0o640, uid: 107, gid: 107 };
  if (content === undefined) return { node: host, role, path, stat: absent, content: absent };
  const value = { ...stat, device: 1n, inode: 1n, type: 'file' as const };
  return {
    node: host,
    role,
    path,
    stat: { ok: true, value, from, at },
    content: { ok: true, value: content, from, at },
  };
}

function logOf(lines: readonly string[], server: string): RawContent {
  const matches = lines.map(
    (line, index): RawLine => ({ file: '/var/log/redis/redis.log', line: index + 1, text: logLine(line, server) }),
  );
  return { matches, tail: [] };
}

/** server.c:serverLogRaw: `[pid]` before 3.0, `pid:role` since; the year since 5.0. */
function logLine(line: string, server: string): string {
  const [, time = '', role = 'M', text = ''] = /^(\d\d:\d\d:\d\d) ([MSCX]) (.*)$/.exec(line) ?? [];
  if (time === '') throw new Error(`no log line: ${line}`);
  const major = server.startsWith('valkey') ? 8 : Number(server.split('.')[0]);
  if (major < 3) return `[811] 20 Nov ${time}.000 * ${text}`;
  return `811:${role} 20 Nov ${major < 5 ? '' : '2026 '}${time}.000 * ${text}`;
}

function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}
