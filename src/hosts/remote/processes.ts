import { type HostEntry, type NodeEntry, placeOf } from '../../model/inventory.js';
import type { From, Seen } from '../../model/seen.js';
import { type Channel, KEY_IS_NEW } from '../channel.js';
import { defaultLimits } from '../host.js';
import { type Listener, listenerAt, nodeAt, processOf, socketsAt } from '../local-nodes.js';
import type { LocalProcess } from '../local-process.js';
import { hasNoPort, judgePidFile, PID_FILE_BYTES, type PidFileSight } from '../pid-file.js';
import { missed, missedBy, saw } from '../reading.js';
import { type RedisEndpoint, wordsOfPlace } from '../redis-endpoint.js';
import type { Task } from './look/command.js';
import { exchange } from './look/exchange.js';
import { type RemoteScan, scanIn } from './look/processes.js';
import type { LookRecord } from './look/records.js';
import { type Owners, readOwners } from './owners.js';
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
  /** The same, and what `systemctl show` says of a unit in the same exchange. Rejects as the shell does. */
  withUnit(
    node: NodeEntry,
    unit: { readonly name: string; readonly properties: readonly string[] },
    signal: AbortSignal,
  ): Promise<{ readonly process: Seen<LocalProcess | null>; readonly shown: string }>;
  /** The user that a node was last seen to run as. */
  lastUser(node: NodeEntry): number | undefined;
  /** Whether a password may be sent to what listens there, as Host.vouch. */
  vouch(endpoint: RedisEndpoint, signal: AbortSignal): Promise<Seen<true>>;
  /** What the pidfile that the node's config names says. */
  pidFile(node: NodeEntry, signal: AbortSignal): Promise<PidFileSight>;
}

/** The first bytes of a pidfile, and the name of the process that it names. */
const PID_FILE = `${INSIDE}[ ! -L "./$B" ] && [ -f "./$B" ] || exit 40
pid=$(head -c ${PID_FILE_BYTES} "./$B")
printf '%s\\n' "$pid"
case $pid in ''|*[!0-9]*) exit 0 ;; esac
IFS= read -r name < "/proc/$pid/comm" && printf 'name %s\\n' "$name"
exit 0`;

interface State {
  readonly entry: HostEntry;
  readonly channel: Channel;
  readonly shell: Shell;
  readonly users: Map<string, number>;
  readonly owners: Map<string, Promise<Owners>>;
}

async function recordsOf(state: State, tasks: readonly Task[], signal: AbortSignal): Promise<readonly LookRecord[]> {
  const request = { tasks, limits: defaultLimits, asksSudo: false };
  const seen = await exchange(state.channel, request, signal, (command, options, own) =>
    state.shell.exec({ script: command, args: [] }, options, own),
  );
  return seen.records;
}

type Place = ReturnType<typeof placeOf>;

/** A listing, and who holds the sockets at `places` that no server of it holds. */
async function scanFor(state: State, places: readonly Place[], signal: AbortSignal): Promise<RemoteScan> {
  return scanOf(state, places, await recordsOf(state, [{ task: 'processes' }], signal), signal);
}

async function scanOf(
  state: State,
  places: readonly Place[],
  records: readonly LookRecord[],
  signal: AbortSignal,
): Promise<RemoteScan> {
  const scan = scanIn([records]);
  const claimed = new Set(scan.processes.flatMap(({ sockets }) => (sockets ?? []).map(({ inode }) => inode)));
  const inodes = places
    .flatMap(({ address, port }) => socketsAt(address, port, scan))
    .filter((socket) => !claimed.has(socket.inode))
    .map(({ inode }) => inode);
  if (inodes.length === 0) return scan;
  return scanIn([records, await recordsOf(state, [{ task: 'holder', inodes }], signal)]);
}

function fromNode(node: NodeEntry): From {
  return { host: node.host, node: node.id, source: '/proc' };
}

function strangerAt(node: NodeEntry, process: LocalProcess): string {
  const { address, port } = placeOf(node);
  const place = port === 0 ? `the socket ${address}` : `port ${port}`;
  return `${place} on ${node.host} is held by a server of user ${process.uid} (pid ${process.pid}), not by the node's own`;
}

/**
 * In a dead fleet any local user may start a server on the node's port: one of a user that owns neither the node's files
 * nor the machine is not the node, gets no password, and is not stopped in its place.
 */
async function processOn(
  state: State,
  node: NodeEntry,
  signal: AbortSignal,
  scanning = scanFor(state, [placeOf(node)], signal),
): Promise<Seen<LocalProcess | null>> {
  try {
    const [scan, owners] = await Promise.all([scanning, ownersOf(state, node, signal)]);
    if (scan.incomplete !== undefined) return missed('denied', scan.incomplete, fromNode(node));
    const seen = await orByPidFile(state, node, processOf(node, scan, fromNode(node)), scan, owners, signal);
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

async function processAndUnit(
  state: State,
  node: NodeEntry,
  unit: { readonly name: string; readonly properties: readonly string[] },
  signal: AbortSignal,
): Promise<{ readonly process: Seen<LocalProcess | null>; readonly shown: string }> {
  const task = { task: 'unit' as const, unit: unit.name, properties: unit.properties };
  const records = await recordsOf(state, [task, { task: 'processes' }], signal);
  const shown = records.find(({ kind }) => kind === 'unit')?.body ?? new Uint8Array();
  const scanning = scanOf(state, [placeOf(node)], records, signal);
  return { process: await processOn(state, node, signal, scanning), shown: textOf(shown) };
}

/** Where socket, title and arguments tell nothing, and a server is there that tells nothing either: the pidfile. */
async function orByPidFile(
  state: State,
  node: NodeEntry,
  seen: Seen<LocalProcess | null>,
  scan: RemoteScan,
  owners: Owners,
  signal: AbortSignal,
): Promise<Seen<LocalProcess | null>> {
  const unnamed = scan.processes.some(hasNoPort);
  if (!seen.ok || seen.value !== null || !unnamed) return seen;
  const named = await pidFileOf(state, node, scan, owners, signal);
  return named.is === 'node' ? { ...seen, value: named.process } : seen;
}

async function pidFileOf(
  state: State,
  node: NodeEntry,
  scan: RemoteScan,
  owners: Owners,
  signal: AbortSignal,
): Promise<PidFileSight> {
  const { pidFile: path } = owners;
  if (path === undefined) return { is: 'none' };
  const options = { timeoutMs: defaultLimits.lookTimeoutMs, limitBytes: 4096 };
  const result = await state.shell.look(atPath(PID_FILE, path, 'stay'), options, signal);
  if (result.status === 40) return { is: 'none' };
  if (result.status !== 0) return { is: 'unreadable', says: `pidfile ${path} cannot be read` };
  const [text = '', said = ''] = textOf(result.stdout).split('\n');
  const ours = new Set([0, owners.login, ...owners.files]);
  const name = said.startsWith('name ') ? said.slice(5) : undefined;
  const others = state.entry.nodes.filter(({ id }) => id !== node.id);
  return judgePidFile(node, { path, text }, scan, { isOurs: (uid) => ours.has(uid), nameOf: () => name, others });
}

async function pidFileOn(state: State, node: NodeEntry, signal: AbortSignal): Promise<PidFileSight> {
  const [scan, owners] = await Promise.all([scanFor(state, [placeOf(node)], signal), ownersOf(state, node, signal)]);
  return pidFileOf(state, node, scan, owners, signal);
}

/** Seen once: who owns a node's places does not change under a run, and is asked before each password. */
function ownersOf(state: State, node: NodeEntry, signal: AbortSignal): Promise<Owners> {
  const before = state.owners.get(node.id);
  if (before) return before;
  const owners = readOwners(state.shell, node, signal);
  state.owners.set(node.id, owners);
  owners.then(
    ({ files }) => files.length === 0 && state.owners.delete(node.id),
    () => state.owners.delete(node.id),
  );
  return owners;
}

async function vouchOn(state: State, endpoint: RedisEndpoint, signal: AbortSignal): Promise<Seen<true>> {
  const { entry } = state;
  const from: From = { host: entry.name, source: `/proc/net ${wordsOfPlace(endpoint)}` };
  const node = nodeAt(entry, endpoint);
  if (node === undefined) return missed('denied', `${wordsOfPlace(endpoint)} is no place of ${endpoint.node}`, from);
  try {
    if ((await state.channel.mayHavePassword?.(signal)) === false) return missed('denied', KEY_IS_NEW, from);
    const [scan, owners] = await Promise.all([scanFor(state, [endpoint], signal), ownersOf(state, node, signal)]);
    const listener = listenerAt(endpoint.address, endpoint.port, entry.name, scan);
    if (listener.kind === 'none') return missed('denied', `nothing listens at ${wordsOfPlace(endpoint)}`, from);
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
  const places = entry.nodes.map(placeOf);
  return {
    scan: (signal) => scanFor(state, places, signal),
    listener: async (address, port, signal) =>
      listenerAt(address, port, entry.name, await scanFor(state, [{ address, port }], signal)),
    of: (node, signal) => processOn(state, node, signal),
    withUnit: (node, unit, signal) => processAndUnit(state, node, unit, signal),
    lastUser: (node) => state.users.get(node.id),
    vouch: (endpoint, signal) => vouchOn(state, endpoint, signal),
    pidFile: (node, signal) => pidFileOn(state, node, signal),
  };
}
