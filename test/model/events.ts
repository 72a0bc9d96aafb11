import {
  addressOf,
  askAll,
  catchUp,
  cutLink,
  dropReplicas,
  type Fleet,
  follow,
  type Node,
  newId,
  replicasOf,
  say,
  snapshot,
} from './fleet.js';

/** What can happen to the fleet beside writes. Every function follows redis 7.0.15 (6.0.16 where the fleet is `old`) and leaves the log lines that it leaves. */

export function promote(fleet: Fleet, node: Node, elect = true): void {
  if (!node.alive || node.role !== 'replica') return;
  if (node.link !== 'down') cutLink(fleet, node);
  dropReplicas(fleet, node);
  const { replid, offset } = node;
  const fresh = newId(fleet);
  Object.assign(node, { role: 'master', of: undefined, replid2: replid, cut2: offset, replid: fresh, cached: false });
  say(fleet, node, { kind: 'cached-master-discarded' });
  say(fleet, node, { kind: 'promoted', parent: replid, cut: offset, replid: fresh });
  say(fleet, node, { kind: 'master-mode', by: 'sentinel' });
  fleet.byHand = !elect;
  if (!elect) return;
  fleet.epoch += 1n;
  fleet.elected = node;
  fleet.electedAt = fleet.written;
}

/** BGSAVE: the child's "DB saved on disk" stands in the same log. */
export function save(fleet: Fleet, node: Node): void {
  if (!node.alive) return;
  node.file = snapshot(fleet, node);
  node.changes = 0;
  say(fleet, node, { kind: 'saved' }, 'C');
}

function dropLinks(fleet: Fleet, node: Node): void {
  for (const replica of replicasOf(fleet, node)) {
    replica.link = 'down';
    say(fleet, replica, { kind: 'master-lost' });
  }
  if (node.of?.alive && node.link !== 'down') say(fleet, node.of, { kind: 'replica-lost', address: addressOf(node) });
}

export function crash(fleet: Fleet, node: Node): void {
  if (!node.alive) return;
  node.alive = false;
  dropLinks(fleet, node);
  node.link = 'down';
}

/** `*3 REPLCONF GETACK *` */
const GETACK_BYTES = 37n;

/**
 * SIGTERM: a master waits until its replicas have everything, unless a link stalls for longer than shutdown-timeout; for
 * those it asks first, and that is a part of its history (7.0, server.c:prepareForShutdown; seen on 7.0.15).
 */
export function stop(fleet: Fleet, node: Node): void {
  if (!node.alive) return;
  say(fleet, node, { kind: 'shutdown-requested', by: 'SIGTERM' });
  const isBehind = replicasOf(fleet, node).some((replica) => replica.offset !== node.offset);
  if (!fleet.old && node.role === 'master' && isBehind) askAll(fleet, node, GETACK_BYTES);
  if (node.saves) {
    node.file = snapshot(fleet, node);
    say(fleet, node, { kind: 'saved' });
  }
  if (node.appending) say(fleet, node, { kind: 'aof-synced' });
  say(fleet, node, { kind: 'exited' });
  crash(fleet, node);
}

/** Starts a dead node from what it would load (server.c:loadDataFromDisk): as master under an id that nothing logs. */
export function start(fleet: Fleet, node: Node, as: 'master' | 'replica'): void {
  if (node.alive) return;
  const loaded = node.aof ? undefined : node.file;
  node.started += 1;
  node.changes = node.aof ? node.appended : 0;
  Object.assign(node, { alive: true, role: as, link: 'down', of: undefined, replid2: undefined, backlogFrom: 1n });
  say(fleet, node, { kind: 'started', version: fleet.old ? '6.0.16' : '7.0.15', flavour: 'redis' }, 'C');
  if (node.aof) loadAof(fleet, node);
  else if (loaded) say(fleet, node, { kind: 'loaded-rdb' });
  else say(fleet, node, { kind: 'loaded-nothing' });
  if (!node.aof) node.writes = new Set(loaded?.writes ?? []);
  place(fleet, node, as, loaded);
  say(fleet, node, { kind: 'ready' });
}

function loadAof(fleet: Fleet, node: Node): void {
  say(fleet, node, node.aofWrites ? { kind: 'loaded-aof' } : { kind: 'loaded-nothing' });
  node.aofWrites ??= new Set();
  node.writes = new Set(node.aofWrites);
  node.appending = true;
}

function place(fleet: Fleet, node: Node, as: 'master' | 'replica', loaded: Node['file']): void {
  const fresh = newId(fleet);
  if (loaded?.replid === undefined || loaded.offset === undefined || (fleet.old && as === 'master')) {
    Object.assign(node, { replid: fresh, offset: 0n, backlog: false, cached: false });
    return;
  }
  const { replid, offset } = loaded;
  if (as === 'master') {
    Object.assign(node, { replid: fresh, replid2: replid, cut2: offset, offset, backlog: true, cached: false });
    node.backlogFrom = offset + 1n;
    return;
  }
  // Its backlog begins with its link.
  Object.assign(node, { replid, offset, backlog: false, cached: true });
  say(fleet, node, { kind: 'cached-master-from-disk' });
}

/** The link holds back what the master sends, or brings it all. */
export function stall(node: Node): void {
  if (node.link === 'up') node.link = 'stalled';
}

export function resume(fleet: Fleet, node: Node): void {
  if (node.link !== 'stalled' || !node.of?.alive) return;
  catchUp(fleet, node, node.of);
  node.link = 'up';
}

/** No replica for repl-backlog-ttl: the backlog goes and a new id is drawn, without a word (replicationCron). */
export function loseBacklog(fleet: Fleet, node: Node): void {
  if (!node.alive || node.role !== 'master' || !node.backlog || replicasOf(fleet, node).length > 0) return;
  Object.assign(node, { backlog: false, replid: newId(fleet), replid2: undefined });
}

/** A full copy that is announced and dies with the link: the data is what it was, in memory and on disk. */
export function interruptedCopy(fleet: Fleet, node: Node, master: Node): void {
  if (!master.backlog || node.role === 'master') return;
  follow(fleet, node, master, 'announced');
}
