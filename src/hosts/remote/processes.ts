import type { HostEntry, NodeEntry } from '../../model/inventory.js';
import type { From, Seen } from '../../model/seen.js';
import { type Channel, KEY_IS_NEW } from '../channel.js';
import { defaultLimits } from '../host.js';
import { type Listener, listenerAt, processOf } from '../local-nodes.js';
import type { LocalProcess } from '../local-process.js';
import { missed, missedBy, saw } from '../reading.js';
import type { Task } from './look/command.js';
import { exchange } from './look/exchange.js';
import { type RemoteScan, scanIn } from './look/processes.js';
import type { LookRecord } from './look/records.js';
import { atPath, INSIDE } from './run-as.js';
import { textOf } from './script.js';
import type { Shell } from './sudo.js';

/** The servers of one host at one moment, seen with the highest right there. */
export interface Processes {
  scan(signal: AbortSignal): Promise<RemoteScan>;
  /** Who listens there, by the socket's inode. */
  listener(address: string, port: number, signal: AbortSignal): Promise<Listener>;
  /** The process that is the node; null when it is known that none is. Never rejects. */
  of(node: NodeEntry, signal: AbortSignal): Promise<Seen<LocalProcess | null>>;
  /** The user that a node was last seen to run as. */
  lastUser(node: NodeEntry): number | undefined;
  /** Whether a password may be sent to what listens there, as Host.vouch. */
  vouch(address: string, port: number, signal: AbortSignal): Promise<Seen<true>>;
}

/** The owners of a node's config directory and of the data directory that its config files name, one a line. */
const OWNERS = `${INSIDE}own() { stat -L -c %u -- "$1" 2> /dev/null || :; }
value() { awk -v want="$1" 'tolower($1) == want { v = $2; gsub(/["\\047]/, "", v); print v }' "$2" 2> /dev/null; }
own .
data=
for each in "./$B" $(value include "./$B"); do
  [ -f "$each" ] || continue
  last=$(value dir "$each" | tail -n 1)
  data=\${last:-$data}
done
own "\${data:-.}"`;

interface State {
  readonly entry: HostEntry;
  readonly channel: Channel;
  readonly shell: Shell;
  readonly users: Map<string, number>;
  readonly owners: Map<string, Promise<Owners>>;
}

/** The login user, and the owners of a node's config and data directories; none when they could not be seen. */
interface Owners {
  readonly login: number;
  readonly files: readonly number[];
}

async function recordsOf(state: State, tasks: readonly Task[], signal: AbortSignal): Promise<readonly LookRecord[]> {
  const request = { tasks, limits: defaultLimits, asksSudo: false };
  const seen = await exchange(state.channel, request, signal, (command, options, own) =>
    state.shell.exec({ script: command, args: [] }, options, own),
  );
  return seen.records;
}

/** A listing, and who holds the sockets on `ports` that no server of it holds. */
async function scanFor(state: State, ports: readonly number[], signal: AbortSignal): Promise<RemoteScan> {
  const records = await recordsOf(state, [{ task: 'processes' }], signal);
  const scan = scanIn([records]);
  const claimed = new Set(scan.processes.flatMap(({ sockets }) => (sockets ?? []).map(({ inode }) => inode)));
  const inodes = scan.listening
    .filter((socket) => ports.includes(socket.port) && !claimed.has(socket.inode))
    .map(({ inode }) => inode);
  if (inodes.length === 0) return scan;
  return scanIn([records, await recordsOf(state, [{ task: 'holder', inodes }], signal)]);
}

function fromNode(node: NodeEntry): From {
  return { host: node.host, node: node.id, source: '/proc' };
}

function strangerAt(node: NodeEntry, process: LocalProcess): string {
  return `port ${node.port} on ${node.host} is held by a server of user ${process.uid} (pid ${process.pid}), not by the node's own`;
}

/**
 * In a dead fleet any local user may start a server on the node's port: one of a user that owns neither the node's files
 * nor the machine is not the node, gets no password, and is not stopped in its place.
 */
async function processOn(state: State, node: NodeEntry, signal: AbortSignal): Promise<Seen<LocalProcess | null>> {
  try {
    const [scan, owners] = await Promise.all([scanFor(state, [node.port], signal), ownersOf(state, node, signal)]);
    if (scan.incomplete !== undefined) return missed('denied', scan.incomplete, fromNode(node));
    const seen = processOf(node, scan, fromNode(node));
    if (!seen.ok || seen.value === null) return seen;
    const { uid } = seen.value;
    if (owners.files.length > 0 && ![0, owners.login, ...owners.files].includes(uid)) {
      return missed('denied', strangerAt(node, seen.value), fromNode(node));
    }
    state.users.set(node.id, uid);
    return seen;
  } catch (error) {
    return missedBy(error, fromNode(node));
  }
}

async function readOwners(state: State, node: NodeEntry, signal: AbortSignal): Promise<Owners> {
  const options = { timeoutMs: defaultLimits.lookTimeoutMs, limitBytes: 4096 };
  const [rights, owners] = await Promise.all([
    state.shell.rights(signal),
    state.shell.look(atPath(OWNERS, node.config, 'follow'), options, signal),
  ]);
  const uids = textOf(owners.stdout).split('\n');
  return { login: rights.uid, files: uids.filter((uid) => /^\d+$/.test(uid)).map(Number) };
}

/** Seen once: who owns a node's places does not change under a run, and is asked before each password. */
function ownersOf(state: State, node: NodeEntry, signal: AbortSignal): Promise<Owners> {
  const before = state.owners.get(node.id);
  if (before) return before;
  const owners = readOwners(state, node, signal);
  state.owners.set(node.id, owners);
  owners.then(
    ({ files }) => files.length === 0 && state.owners.delete(node.id),
    () => state.owners.delete(node.id),
  );
  return owners;
}

async function vouchOn(state: State, address: string, port: number, signal: AbortSignal): Promise<Seen<true>> {
  const { entry } = state;
  const from: From = { host: entry.name, source: `/proc/net/tcp ${address}:${port}` };
  const node = entry.nodes.find((candidate) => candidate.address === address && candidate.port === port);
  if (node === undefined) return missed('denied', `${address}:${port} is no node of ${entry.name}`, from);
  try {
    if ((await state.channel.mayHavePassword?.(signal)) === false) return missed('denied', KEY_IS_NEW, from);
    const [scan, owners] = await Promise.all([scanFor(state, [port], signal), ownersOf(state, node, signal)]);
    const listener = listenerAt(address, port, entry.name, scan);
    if (listener.kind === 'none') return missed('denied', `nothing listens on port ${port} on ${entry.name}`, from);
    if (listener.kind !== 'server') return missed('denied', listener.says, from);
    if ([0, owners.login, ...owners.files].includes(listener.process.uid)) return saw(true, from);
    return missed('denied', strangerAt(node, listener.process), from);
  } catch (error) {
    return missedBy(error, from);
  }
}

/** The processes of one host. */
export function processesOn(entry: HostEntry, channel: Channel, shell: Shell): Processes {
  const state: State = { entry, channel, shell, users: new Map(), owners: new Map() };
  const ports = entry.nodes.map((node) => node.port);
  return {
    scan: (signal) => scanFor(state, ports, signal),
    listener: async (address, port, signal) =>
      listenerAt(address, port, entry.name, await scanFor(state, [port], signal)),
    of: (node, signal) => processOn(state, node, signal),
    lastUser: (node) => state.users.get(node.id),
    vouch: (address, port, signal) => vouchOn(state, address, port, signal),
  };
}
