import { isIP } from 'node:net';
import { dirname, resolve } from 'node:path';
import { type HostEntry, type NodeEntry, placeOf } from '../model/inventory.js';
import type { From, Seen } from '../model/seen.js';
import type { LocalProcess, ProcessScan } from './local-process.js';
import { isServerFile, type ListeningSocket, parseTitle, plainAddress } from './proc-formats.js';
import { missed, saw } from './reading.js';
import type { RedisEndpoint } from './redis-endpoint.js';

const anyAddress = new Set(['0.0.0.0', '::']);

/** What listens where a node should: nothing, a server process, another program, or a process that may not be looked into. */
export type Listener =
  | { readonly kind: 'none' }
  | { readonly kind: 'server'; readonly process: LocalProcess }
  | { readonly kind: 'other'; readonly says: string }
  | { readonly kind: 'hidden'; readonly uid: number; readonly says: string };

/** The node of a host that an endpoint is for, as it is reached there; undefined when the endpoint leads elsewhere. */
export function nodeAt(entry: HostEntry, { node: id, address, port }: RedisEndpoint): NodeEntry | undefined {
  const node = entry.nodes.find((candidate) => candidate.id === id);
  if (node === undefined) return undefined;
  // Its own config file may name another port or a socket than fleet.yaml: what listens there is judged, not the number.
  if (port === 0) return { ...node, socket: address };
  return address === node.address ? { ...node, port } : undefined;
}

/** The listening sockets of a place: of exactly that address, else of every address; of a unix socket with port 0. */
export function socketsAt(
  address: string,
  port: number,
  scan: Pick<ProcessScan, 'listening'>,
): readonly ListeningSocket[] {
  const wanted = plainAddress(address);
  const at = (which: string) => scan.listening.filter((socket) => socket.port === port && socket.address === which);
  const exact = at(wanted);
  if (exact.length > 0) return exact;
  if (isIP(wanted) === 6) return at('::');
  // The kernel takes the socket of the connection's own family first; `::` may be open to both.
  const four = at('0.0.0.0');
  if (isIP(wanted) === 4) return four.length > 0 ? four : at('::');
  return [...four, ...at('::')];
}

/** Who listens on an address and port of this machine, by the socket's inode, not by what a title says. */
export function listenerAt(address: string, port: number, host: string, scan: ProcessScan): Listener {
  const sockets = socketsAt(address, port, scan);
  const each = sockets.map((socket) => listenerOf(socket, address, port, host, scan));
  // The path of a unix socket may be bound twice, once where we do not see it (another root, another mount), and a name
  // may lead to either family: whoever is no server speaks for all.
  const others = isIP(plainAddress(address)) === 0 ? each.filter(({ kind }) => kind !== 'server') : [];
  return others[0] ?? each.find(({ kind }) => kind === 'server') ?? each[0] ?? { kind: 'none' };
}

function listenerOf(socket: ListeningSocket, address: string, port: number, host: string, scan: ProcessScan): Listener {
  const place = port === 0 ? `the socket ${address} on ${host}` : `port ${port} on ${host}`;
  const server = scan.processes.find((process) => process.sockets?.some(({ inode }) => inode === socket.inode));
  if (server && isServerFile(server.exe)) return { kind: 'server', process: server };
  const holder = server ? { pid: server.pid, command: server.exe } : scan.holder(socket.inode);
  if (holder === undefined) {
    const whose = socket.uid < 0 ? 'a process' : `a process of user ${socket.uid}`;
    return { kind: 'hidden', uid: socket.uid, says: `${place} is held by ${whose} that this user may not look into` };
  }
  return { kind: 'other', says: `${place} is held by ${holder.command} (pid ${holder.pid}), not by redis-server` };
}

/** A process that does not listen (it starts, or stops) is a node's by its title or by its arguments. */
function isNotYetListening(process: LocalProcess, node: NodeEntry): boolean {
  if (process.listens.length > 0 || (process.exe !== '' && !isServerFile(process.exe))) return false;
  const title = parseTitle(process.argv);
  if (title) {
    if (title.port === 0) return title.address === node.socket;
    const address = plainAddress(title.address);
    const fits = address === plainAddress(node.address) || (address === '*' && process.cwd === dirname(node.config));
    return [node.port, node.connectPort].includes(title.port) && title.sentinel === (node.kind === 'sentinel') && fits;
  }
  return process.argv.slice(1).some((arg) => resolve(process.cwd, arg) === resolve(node.config));
}

/** The process that is the node; null when it is known that none is. */
export function processOf(node: NodeEntry, scan: ProcessScan, from: From): Seen<LocalProcess | null> {
  const place = placeOf(node);
  const listener = listenerAt(place.address, place.port, node.host, scan);
  if (listener.kind === 'server') return saw(listener.process, from);
  if (listener.kind === 'hidden') return missed('denied', listener.says, from);
  return saw(scan.processes.find((process) => isNotYetListening(process, node)) ?? null, from);
}

function isLoopback(address: string): boolean {
  return /^127\./.test(address) || address === '::1' || address === 'localhost';
}

/**
 * Whether a server process belongs to the host. On a machine of its own every one does. Hosts that share this machine
 * by loopback addresses (a lab) own what listens on their addresses or lives in their nodes' directories.
 */
export function belongsTo(entry: HostEntry, process: LocalProcess, directories: ReadonlySet<string>): boolean {
  if (!isLoopback(entry.address)) return true;
  const addresses = new Set([entry.address, ...entry.nodes.map((node) => node.address)].map(plainAddress));
  const ports = new Set(entry.nodes.map((node) => node.port));
  const title = parseTitle(process.argv);
  return (
    directories.has(process.cwd) ||
    (title !== undefined && addresses.has(plainAddress(title.address))) ||
    entry.nodes.some((node) => process.argv.slice(1).some((arg) => resolve(process.cwd, arg) === node.config)) ||
    (process.sockets ?? []).some(
      (socket) => addresses.has(socket.address) || (anyAddress.has(socket.address) && ports.has(socket.port)),
    )
  );
}
