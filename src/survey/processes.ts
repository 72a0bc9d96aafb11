import { type HostEntry, type NodeEntry, placeOf } from '../model/inventory.js';
import type { RawHost, RawProcess } from '../model/raw-host.js';
import type { Seen } from '../model/seen.js';
import { follows, notMade } from './raw-access.js';

const anywhere: readonly string[] = ['0.0.0.0', '::', '*', '[::]'];

/** Whether a process is a redis-server or redis-sentinel (or Valkey's): by its title, because Debian's executable is redis-check-rdb. */
function isServer(process: RawProcess): boolean {
  const program = baseName(process.title.split(' ')[0] ?? '');
  return /^(redis|valkey)-(server|sentinel)$/.test(program) || /\[sentinel\]$/.test(process.title.trim());
}

/**
 * The process that is a node: the one that listens on its address and port, else a server whose title or command line
 * names the address or the config file (it is starting or stopping). `null` only when the list was seen and holds no
 * server whose sockets are hidden; that one might be the node.
 */
export function processOf(raw: RawHost, node: NodeEntry, config: string = node.config): Seen<RawProcess | null> {
  const list = raw.processes;
  if (!list.ok) return raw.reached.ok ? list : notMade(raw, node.id, 'process list');
  const servers = list.value.filter(isServer).sort((a, b) => a.startedAtMs - b.startedAtMs);
  const found =
    servers.find((process) => listensAt(process, node)) ?? servers.find((process) => named(process, node, config));
  if (found) return { ...list, value: found, from: { ...list.from, node: node.id } };
  const hidden = servers.find((process) => process.listens.length === 0 && titleAddress(process) === undefined);
  if (!hidden) return follows(raw, node.id, list.from.source, null);
  const detail = `the sockets of ${baseName(hidden.exe)}, pid ${hidden.pid}, could not be seen: it may be ${node.id}`;
  return { ok: false, why: 'denied', detail, from: list.from, at: list.at };
}

/** Servers on the host's own addresses that no node of fleet.yaml is. */
export function unknownProcesses(raw: RawHost, entry: HostEntry): RawProcess[] {
  if (!raw.processes.ok) return [];
  const known = new Set(entry.nodes.flatMap((node) => pidOf(processOf(raw, node))));
  const addresses = new Set([entry.address, raw.address, ...entry.nodes.map((node) => node.address)]);
  return raw.processes.value.filter(
    (process) =>
      isServer(process) && !known.has(process.pid) && endpointsOf(process).some((at) => serves(at, addresses)),
  );
}

function pidOf(process: Seen<RawProcess | null>): number[] {
  return process.ok && process.value ? [process.value.pid] : [];
}

function endpointsOf(process: RawProcess): readonly string[] {
  const title = titleAddress(process);
  return process.listens.length > 0 || title === undefined ? process.listens : [title];
}

function serves(endpoint: string, addresses: ReadonlySet<string>): boolean {
  const [address] = splitEndpoint(endpoint);
  return anywhere.includes(address) || addresses.has(address);
}

function listensAt(process: RawProcess, node: NodeEntry): boolean {
  const { address, port } = placeOf(node);
  if (port === 0) return process.listens.includes(`unix:${address}`);
  return process.listens.some((endpoint) => {
    const [at, number] = splitEndpoint(endpoint);
    return number === port && (at === address || anywhere.includes(at));
  });
}

/** A server that does not listen yet, or no more, on the node's port. */
function named(process: RawProcess, node: NodeEntry, config: string): boolean {
  if (process.listens.length > 0) return false;
  const title = titleAddress(process);
  if (title === undefined) return namesSocket(process, node) || process.title.split(' ').slice(1).includes(config);
  const [address, port] = splitEndpoint(title);
  const sentinel = /\[sentinel\]$/.test(process.title.trim());
  if (![node.port, node.connectPort].includes(port) || sentinel !== (node.kind === 'sentinel')) return false;
  return address === node.address || (address === '*' && config.startsWith(`${process.cwd}/`));
}

/** The title of a server without a port, `redis-server unixsocket:/run/redis.sock` (server.c:redisProcTitleGetVariable). */
function namesSocket(process: RawProcess, node: NodeEntry): boolean {
  return node.socket !== undefined && process.title.trim().split(' ')[1] === `unixsocket:${node.socket}`;
}

/** `127.0.0.1:6379` of the title `redis-server 127.0.0.1:6379 [sentinel]` (server.c:redisSetProcTitle). */
function titleAddress(process: RawProcess): string | undefined {
  return /^\S+ (\S+:\d+)(?: \[\w+\])?$/.exec(process.title.trim())?.[1];
}

function splitEndpoint(endpoint: string): readonly [string, number] {
  const colon = endpoint.lastIndexOf(':');
  return [endpoint.slice(0, colon).replace(/^\[|\]$/g, ''), Number(endpoint.slice(colon + 1))];
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
