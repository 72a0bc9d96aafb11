import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type HostEntry, type NodeEntry, placeOf } from '../model/inventory.js';
import type { RawAnswer, RawFile, RawHost, RawProcess, Resp } from '../model/raw-host.js';
import { known, type Seen } from '../model/seen.js';
import { decodeText } from '../redis/byte-text.js';
import { type Credentials, credentialsOf } from '../redis/credentials.js';
import { evidencePattern } from '../redis/log.js';
import { sentinelEvidencePattern } from '../redis/sentinel-log.js';
import type { Host, LookRequest } from './host.js';
import { belongsTo, listenerAt, processOf } from './local-nodes.js';
import { type ProcessScan, rawProcess, scanOnce } from './local-process.js';
import { serversHere } from './local-servers.js';
import { holdPath, leftOutPath, lockPath } from './local-state.js';
import { distrust } from './local-vouch.js';
import { type ConfigLook, type FilePlaces, lookAtConfig } from './look-config.js';
import { lookAtData } from './look-data.js';
import { fromNode, type LookContext, readFileOf, wholeOf } from './look-file.js';
import { lookAtLog } from './look-log.js';
import { lookAtAnswers } from './look-redis.js';
import { missed, reading, saw } from './reading.js';

const STATE_FILE_BYTES = 64 * 1024;

interface NodeLook {
  readonly files: readonly RawFile[];
  readonly answers: readonly RawAnswer[];
  readonly places: FilePlaces | undefined;
}

/** The places that a running node uses now, where they differ from what its files say. */
export function runningPlaces(answers: readonly RawAnswer[], places: FilePlaces | undefined): FilePlaces | undefined {
  const told = (name: string) => {
    const answer: Resp | undefined = known(answers.find((raw) => raw.command === `CONFIG GET ${name}`)?.answer);
    return Array.isArray(answer) && typeof answer[1] === 'string' ? answer[1] : undefined;
  };
  const directory = told('dir') ?? places?.directory;
  if (directory === undefined) return undefined;
  return {
    directory,
    dbfilename: told('dbfilename') ?? places?.dbfilename ?? 'dump.rdb',
    appendfilename: told('appendfilename') ?? places?.appendfilename ?? 'appendonly.aof',
    appenddirname: told('appenddirname') ?? places?.appenddirname ?? 'appendonlydir',
    logfile: places?.logfile ?? told('logfile') ?? '',
    pidfile: places?.pidfile ?? told('pidfile') ?? '',
  };
}

/** Whether two places hold different data files. */
export function differ(a: FilePlaces | undefined, b: FilePlaces): boolean {
  const keys = ['directory', 'dbfilename', 'appendfilename', 'appenddirname'] as const;
  return keys.some((key) => a?.[key] !== b[key]);
}

function lookAtNodeLog(context: LookContext, node: NodeEntry, config: ConfigLook, path: string): Promise<RawFile> {
  const pattern = node.kind === 'redis' ? evidencePattern : sentinelEvidencePattern;
  return lookAtLog(context, { node: node.id, path, pattern, secrets: config.secrets.values(), user: config.user });
}

async function lookAtFiles(context: LookContext, node: NodeEntry, config: ConfigLook): Promise<readonly RawFile[]> {
  const { places, user } = config;
  if (places === undefined) return [];
  const [data, logs] = await Promise.all([
    node.kind === 'redis' ? lookAtData(context, node.id, places, user) : [],
    places.logfile === '' ? [] : lookAtNodeLog(context, node, config, places.logfile).then((file) => [file]),
  ]);
  return [...data, ...logs];
}

/** The files of a running node that were not looked at yet: where CONFIG SET put them, or all when its config was not seen. */
async function lookElsewhere(
  context: LookContext,
  node: NodeEntry,
  config: ConfigLook,
  answers: readonly RawAnswer[],
): Promise<readonly RawFile[]> {
  const now = runningPlaces(answers, config.places);
  if (now === undefined || node.kind !== 'redis' || !differ(config.places, now)) return [];
  if (config.places === undefined) return lookAtFiles(context, node, { ...config, places: now });
  return lookAtData(context, node.id, now, config.user);
}

/** With what a node lets us in: fleet.yaml's word, else its own config's. */
export function credentialsFor(node: NodeEntry, request: LookRequest, config: ConfigLook): Credentials | undefined {
  return credentialsOf(node, request.passwords.get(node.id), config.secrets, config.users);
}

/** A file of the state directory. */
export function stateFile(
  context: LookContext,
  node: string,
  role: 'hold' | 'lock' | 'left-out',
  path: string,
): Promise<RawFile> {
  return readFileOf(context, { node, role, path, links: 'refuse' }, async (opened, from, signal) =>
    saw({ text: decodeText(await wholeOf(opened, STATE_FILE_BYTES, signal)) }, from),
  );
}

async function lookAtNode(
  context: LookContext,
  host: Host,
  node: NodeEntry,
  request: LookRequest,
  scan: ProcessScan,
): Promise<NodeLook> {
  const process = known(processOf(node, scan, fromNode(context, node.id, '/proc')));
  const config = await lookAtConfig(context, node, process ? { uid: process.uid, gid: 0 } : undefined);
  const reached = config.node;
  const place = placeOf(reached);
  const listener = listenerAt(place.address, place.port, context.entry.name, scan);
  const not = await distrust(reached, config, listener, 'ask');
  const credentials = credentialsFor(node, request, config);
  const ask = { node: reached, credentials, groups: request.groups, not };
  const [files, answers, hold] = await Promise.all([
    lookAtFiles(context, node, config),
    lookAtAnswers(context, host, ask),
    stateFile(context, node.id, 'hold', holdPath(context.entry, reached)),
  ]);
  const more = await lookElsewhere(context, node, config, answers);
  return { files: [...config.files, ...files, ...more, hold], answers, places: config.places };
}

/** The server processes of a host; denied as a whole when one of them may not be looked into. */
export function processesOf(
  entry: HostEntry,
  places: readonly (FilePlaces | undefined)[],
  scan: ProcessScan,
): Seen<readonly RawProcess[]> {
  const from = { host: entry.name, source: '/proc' };
  const configs = entry.nodes.map((node) => dirname(node.config));
  const directories = new Set([...configs, ...places.flatMap((place) => place?.directory ?? [])]);
  const own = scan.processes.filter((process) => belongsTo(entry, process, directories));
  const hidden = own.find((process) => process.sockets === undefined);
  if (hidden) {
    const detail = `pid ${hidden.pid} of user ${hidden.uid} (${hidden.title}) may not be looked into by this user`;
    return missed('denied', detail, from);
  }
  return saw(own.map(rawProcess), from);
}

async function diskFree(host: Host, looks: readonly NodeLook[]): Promise<Seen<number>> {
  const places = looks.flatMap((look) => look.places?.directory ?? []);
  const from = { host: host.entry.name, source: `statfs ${places.join(' ')}` };
  return reading(from, async () => {
    const all = await Promise.all((places.length > 0 ? places : ['/']).map((path) => statfs(path)));
    return Math.min(...all.map((disk) => disk.bavail * disk.bsize));
  });
}

/** Looks at this machine as one host of the fleet: all nodes and all readings at once. Writes nothing. */
export async function lookLocally(host: Host, request: LookRequest, signal: AbortSignal): Promise<RawHost> {
  const { entry } = host;
  const began = performance.now();
  const at = new Date().toISOString();
  const from = { host: entry.name, source: 'this machine' };
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(request.limits.lookTimeoutMs)]);
  const context: LookContext = { entry, limits: request.limits, signal: bounded };
  const scan = scanOnce();
  const [servers, lock, leftOut, ...looks] = await Promise.all([
    serversHere(entry, bounded),
    stateFile(context, entry.name, 'lock', lockPath(entry)),
    stateFile(context, entry.name, 'left-out', leftOutPath(entry)),
    ...entry.nodes.map((node) => lookAtNode(context, host, node, request, scan)),
  ]);
  const processes = processesOf(
    entry,
    looks.map((look) => look.places),
    scan,
  );
  const diskFreeBytes = await diskFree(host, looks);
  return {
    host: entry.name,
    address: entry.address,
    at,
    elapsedMs: Math.round(performance.now() - began),
    reached: saw(true as const, from),
    clockOffsetMs: saw(0, from),
    diskFreeBytes,
    processes,
    files: [...looks.flatMap((look) => look.files), lock, leftOut],
    answers: looks.flatMap((look) => look.answers),
    servers,
  };
}
