import type { LogEvent } from '../../src/model/formats.js';

type Body = LogEvent extends infer Event ? (Event extends LogEvent ? Omit<Event, 'at'> : never) : never;
type Role = 'M' | 'S' | 'C';

/** What a data set is, in truth: the numbers of the writes that it holds. */
export type Writes = ReadonlySet<number>;

interface File {
  readonly replid?: string;
  readonly offset?: bigint;
  readonly writes: Writes;
  readonly atMs: number;
}

/** One redis-server 7.0 (or 6.x, where the fleet is `old`) as the property tests believe in it, alive or dead, with what it left on disk. */
export interface Node {
  readonly name: string;
  readonly aof: boolean;
  readonly saves: boolean;
  /** How far its host's clock is ahead. */
  clockMs: number;
  alive: boolean;
  role: 'master' | 'replica';
  /** Who it follows, and whether the link is up and delivers. */
  of?: Node | undefined;
  link: 'up' | 'stalled' | 'down';
  replid: string;
  replid2?: string | undefined;
  cut2: bigint;
  offset: bigint;
  backlog: boolean;
  /** First offset that the backlog can serve. */
  backlogFrom: bigint;
  /** It knows the place in a history from which it could go on (as a replica, or because it was master). */
  cached: boolean;
  writes: Set<number>;
  /** Changes since the last save (INFO, rdb_changes_since_last_save). */
  changes: number;
  /** Commands of the AOF behind its base: a load counts them as changes. */
  appended: number;
  /** Bytes of the link that were sent and have not arrived. */
  file?: File | undefined;
  /** What the AOF holds; the memory's own set while it appends. */
  aofWrites?: Set<number> | undefined;
  appending: boolean;
  started: number;
  readonly log: LogEvent[];
}

export interface Fleet {
  /** 4.0 to 6.2: an AOF begins without a word, and a master that starts from a file draws an id and counts from 0. */
  readonly old: boolean;
  readonly nodes: readonly Node[];
  nowMs: number;
  written: number;
  ids: number;
  epoch: bigint;
  elected: Node | undefined;
  /** How many writes there were when it was elected. */
  electedAt: number;
  /** A replica was promoted by hand since, and no sentinel knows. */
  byHand: boolean;
  /** The highest write that any master acknowledged, by the master. */
  readonly acknowledged: Map<number, Node>;
  /** In which life of its master, and in which history, each write was taken. */
  readonly takenIn: Map<number, { readonly life: number; readonly replid: string }>;
}

export function newId(fleet: Fleet): string {
  fleet.ids += 1;
  return fleet.ids.toString(16).padStart(8, '0').repeat(5);
}

export function say(fleet: Fleet, node: Node, body: Body, role: Role = node.role === 'master' ? 'M' : 'S'): void {
  fleet.nowMs += 1;
  const localMs = fleet.nowMs + node.clockMs;
  const local = new Date(localMs).toISOString();
  const text =
    body.kind === 'loaded-nothing' && node.aof && !fleet.old
      ? '* Creating AOF base file appendonly.aof.1.base.rdb on server start'
      : body.kind;
  node.log.push({
    at: { file: 'redis.log', line: node.log.length + 1, local, localMs, pid: node.started, role, text },
    ...body,
  } as LogEvent);
}

export function addressOf(node: Node): string {
  return `10.0.0.${node.name.slice(2)}:6379`;
}

export function replicasOf(fleet: Fleet, master: Node): Node[] {
  return fleet.nodes.filter((node) => node.alive && node.of === master && node.link !== 'down');
}

/** One write of a client, acknowledged by the master; replicas whose link delivers have it at once. */
export function write(fleet: Fleet, master: Node, bytes: number): void {
  if (!master.alive || master.role !== 'master') return;
  fleet.written += 1;
  fleet.nowMs += 5;
  take(master, fleet.written, master.backlog ? bytes : 0);
  fleet.acknowledged.set(fleet.written, master);
  fleet.takenIn.set(fleet.written, { life: master.started, replid: master.replid });
  if (master.backlog) pass(fleet, master, fleet.written, bytes);
}

function take(node: Node, number: number, bytes: number): void {
  if (!node.writes.has(number)) {
    node.changes += 1;
    if (node.appending) node.appended += 1;
  }
  node.writes.add(number);
  if (node.appending) node.aofWrites?.add(number);
  node.offset += BigInt(bytes);
}

/** Replicas pass on what they get to their own replicas (chains). */
function pass(fleet: Fleet, from: Node, number: number, bytes: number): void {
  for (const replica of replicasOf(fleet, from)) {
    if (replica.link !== 'up') continue;
    take(replica, number, bytes);
    pass(fleet, replica, number, bytes);
  }
}

/** Bytes of a history that are no write: a stop asks replicas that have not got everything (REPLCONF GETACK). */
export function askAll(fleet: Fleet, from: Node, bytes: bigint): void {
  from.offset += bytes;
  for (const replica of replicasOf(fleet, from)) if (replica.link === 'up') askAll(fleet, replica, bytes);
}

/** The bytes that a replica's stalled link holds back are lost with the link. */
export function cutLink(fleet: Fleet, node: Node): void {
  if (node.link === 'down' || !node.of) return;
  if (node.of.alive) say(fleet, node.of, { kind: 'replica-lost', address: addressOf(node) });
  node.link = 'down';
  say(fleet, node, { kind: 'master-lost' });
}

/**
 * REPLICAOF, or a reconnect: partial when the master can serve it, else a full copy (masterTryPartialResynchronization),
 * which comes whole or dies after it was announced.
 */
export function follow(fleet: Fleet, node: Node, master: Node, copy: 'whole' | 'announced' = 'whole'): void {
  if (!node.alive || !master.alive || node === master || leadsTo(master, node)) return;
  if (node.link !== 'down' && node.of) cutLink(fleet, node);
  const wasMaster = node.role === 'master';
  if (wasMaster || node.of !== master) {
    // From 7.0 on only a history that changes ends the links of its own replicas (replication.c:replicationSetMaster).
    if (fleet.old) dropReplicas(fleet, node);
    node.role = 'replica';
    if (wasMaster) node.cached = true;
    say(fleet, node, { kind: 'replica-of', address: addressOf(master), by: 'sentinel' });
  }
  node.of = master;
  say(fleet, node, { kind: 'connecting-to-master', address: addressOf(master) });
  // -NOMASTERLINK: a replica that has no link serves nobody.
  if (master.role === 'replica' && master.link === 'down') return;
  say(fleet, master, { kind: 'replica-asks', address: addressOf(node) });
  if (node.cached)
    say(fleet, node, { kind: 'partial-requested', replid: node.replid, requestOffset: node.offset + 1n });
  if (node.cached && canServe(master, node)) partial(fleet, node, master);
  else if (copy === 'whole') full(fleet, node, master);
  else say(fleet, node, { kind: 'full-resync', replid: master.replid, offset: master.offset });
}

function leadsTo(node: Node, other: Node): boolean {
  for (let at: Node | undefined = node, hops = 0; at && hops < 10; at = at.of, hops++) if (at === other) return true;
  return false;
}

function canServe(master: Node, node: Node): boolean {
  if (!master.backlog || node.offset + 1n < master.backlogFrom || node.offset > master.offset) return false;
  if (node.replid === master.replid) return true;
  return node.replid === master.replid2 && node.offset <= master.cut2;
}

function partial(fleet: Fleet, node: Node, master: Node): void {
  const from = node.offset;
  say(fleet, master, {
    kind: 'partial-accepted',
    address: addressOf(node),
    offset: from + 1n,
    lengthBytes: master.offset - from,
  });
  say(fleet, node, { kind: 'partial-resync' });
  if (node.replid !== master.replid) {
    node.replid2 = node.replid;
    node.cut2 = from;
    node.replid = master.replid;
    say(fleet, node, { kind: 'master-id-changed', replid: master.replid });
    dropReplicas(fleet, node);
  }
  if (!node.backlog) node.backlogFrom = from + 1n;
  catchUp(fleet, node, master);
  Object.assign(node, { link: 'up', backlog: true, cached: true });
}

function full(fleet: Fleet, node: Node, master: Node): void {
  if (!master.backlog) {
    if (master.role === 'master') {
      Object.assign(master, { replid: newId(fleet), replid2: undefined });
      say(fleet, master, { kind: 'backlog-created', replid: master.replid });
    }
    Object.assign(master, { backlog: true, backlogFrom: master.offset + 1n });
  }
  say(fleet, node, { kind: 'full-resync', replid: master.replid, offset: master.offset });
  // The copy ends at once here; `interruptedCopy` is the other case.
  say(fleet, node, { kind: 'cached-master-discarded' });
  say(fleet, node, { kind: 'flushed' });
  dropReplicas(fleet, node);
  // What the copy throws away was given up by whoever made the node follow: no stop lost it.
  for (const [number, by] of fleet.acknowledged) if (by === node) fleet.acknowledged.delete(number);
  const { replid, offset } = master;
  Object.assign(node, { writes: new Set(master.writes), replid, replid2: undefined, offset, backlog: true });
  Object.assign(node, { backlogFrom: offset + 1n, link: 'up', cached: true, appending: false });
  node.file = snapshot(fleet, node);
  say(fleet, master, { kind: 'replica-synced', address: addressOf(node) });
}

/** Everything that the link brings, and what the node's own replicas then get of it. */
export function catchUp(fleet: Fleet, node: Node, master: Node): void {
  for (const number of master.writes) take(node, number, 0);
  node.offset = master.offset;
  for (const replica of replicasOf(fleet, node)) if (replica.link === 'up') catchUp(fleet, replica, node);
}

/** What a node's replicas see when it changes its role or its history (replication.c:disconnectSlaves). */
export function dropReplicas(fleet: Fleet, node: Node): void {
  for (const replica of replicasOf(fleet, node)) cutLink(fleet, replica);
}

/** The full copy of a replica with AOF is on disk only after this. */
export function rewriteAof(fleet: Fleet, node: Node): void {
  if (!node.alive || !node.aof) return;
  Object.assign(node, { aofWrites: new Set(node.writes), appending: true, appended: 0 });
  say(fleet, node, { kind: 'aof-rewritten' });
}

export function snapshot(fleet: Fleet, node: Node): File {
  const header = node.backlog || node.role === 'replica' ? { replid: node.replid, offset: node.offset } : {};
  const known = node.role === 'master' ? node.backlog : node.cached;
  return { ...(known ? header : {}), writes: new Set(node.writes), atMs: fleet.nowMs + node.clockMs };
}
