import { dirname, resolve } from 'node:path';
import type { HostEntry, NodeEntry } from '../model/inventory.js';
import type { From, Seen } from '../model/seen.js';
import type { LocalProcess, ProcessScan } from './local-process.js';
import { isServerFile, type ListeningSocket, parseTitle, plainAddress } from './proc-formats.js';
import { missed, saw } from './reading.js';

const anyAddress = new Set(['0.0.0.0', '::']);

/** What listens where a node should: nothing, a server process, another program, or a process that may not be looked into. */
export type Listener =
  | { readonly kind: 'none' }
  | { readonly kind: 'server'; readonly process: LocalProcess }
  | { readonly kind: 'other'; readonly says: string }
  | { readonly kind: 'hidden'; readonly uid: number; readonly says: string };

function socketsAt(address: string, port: number, scan: ProcessScan): readonly ListeningSocket[] {
  const wanted = plainAddress(address);
  const exact = scan.listening.filter((socket) => socket.port === port && socket.address === wanted);
  if (exact.length > 0) return exact;
  return scan.listening.filter((socket) => socket.port === port && anyAddress.has(socket.address));
}

/** Who listens on an address and port of this machine, by the socket's inode, not by what a title says. */
export function listenerAt(address: string, port: number, host: string, scan: ProcessScan): Listener {
  const sockets = socketsAt(address, port, scan);
  const first = sockets[0];
  if (first === undefined) return { kind: 'none' };
  const inodes = new Set(sockets.map((socket) => socket.inode));
  const server = scan.processes.find((process) => process.sockets?.some((socket) => inodes.has(socket.inode)));
  if (server && isServerFile(server.exe)) return { kind: 'server', process: server };
  const holder = server ? { pid: server.pid, command: server.exe } : scan.holder(first.inode);
  if (holder === undefined) {
    const says = `port ${port} on ${host} is held by a process of user ${first.uid} that this user may not look into`;
    return { kind: 'hidden', uid: first.uid, says };
  }
  const says = `port ${port} on ${host} is held by ${holder.command} (pid ${holder.pid}), not by redis-server`;
  return { kind: 'other', says };
}

/** A process that does not listen (it starts, or stops) is a node's by its title or by its arguments. */
function isNotYetListening(process: LocalProcess, node: NodeEntry): boolean {
  if (process.listens.length > 0 || (process.exe !== '' && !isServerFile(process.exe))) return false;
  const title = parseTitle(process.argv);
  if (title) {
    const address = plainAddress(title.address);
    const fits = address === plainAddress(node.address) || (address === '*' && process.cwd === dirname(node.config));
    return title.port === node.port && title.sentinel === (node.kind === 'sentinel') && fits;
  }
  return process.argv.slice(1).some((arg) => resolve(process.cwd, arg) === resolve(node.config));
}

/** The process that is the node; null when it is known that none is. */
export function processOf(node: NodeEntry, scan: ProcessScan, from: From): Seen<LocalProcess | null> {
  const listener = listenerAt(node.address, node.port, node.host, scan);
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
