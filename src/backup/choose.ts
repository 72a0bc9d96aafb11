/**
 * Which node of a group a backup is taken from. Pure: it decides from what was seen a moment ago, and says why, for
 * the node that it takes and for each that it does not.
 */

/** What is known of one node that could give the data. Sizes in bytes; undefined = not seen. */
export interface SourceFacts {
  readonly node: string;
  readonly role: 'master' | 'replica';
  /** Replica: the link to its master is up. */
  readonly linked: boolean;
  /** A full sync or the load of a file is under way. */
  readonly loading: boolean;
  /** Replica: how far it is behind the master; undefined when the master was not seen. */
  readonly lagBytes: bigint | undefined;
  /** Replica: seconds since it heard from its master. */
  readonly silentSeconds: number | undefined;
  readonly usedMemoryBytes: bigint | undefined;
  /** Memory that the host can still give (MemAvailable). */
  readonly availableMemoryBytes: bigint | undefined;
  /** vm.overcommit_memory; with 2 the kernel refuses a fork that could not be backed in full. */
  readonly overcommit: 0 | 1 | 2 | undefined;
  /** Free space where the node's data is. */
  readonly diskFreeBytes: bigint | undefined;
  /** Size of the snapshot that is there now; undefined when there is none. */
  readonly lastSnapshotBytes: bigint | undefined;
  /** Memory in use when that one was made, as it says itself. */
  readonly lastSnapshotMemoryBytes: bigint | undefined;
  /** The node writes an append-only file. */
  readonly aof: boolean;
  /** A full sync writes no file on its disk (`repl-diskless-sync`). */
  readonly disklessSync: boolean | undefined;
  /** It keeps a backlog and has a replication id: a full sync leaves both as they are. */
  readonly keepsLineage: boolean;
  /** No other redis of the group is in fleet.yaml, none is its replica, and no sentinel is connected to it. */
  readonly alone: boolean;
}

/** How a snapshot is to leave the node: written there and copied, or streamed as to a replica without touching its disk. */
export type SnapshotWay = 'bgsave' | 'stream';

export interface SourceWish {
  readonly kind: 'rdb' | 'aof';
  /** Undefined: BGSAVE, and where the disk has no room for it the stream. */
  readonly way?: SnapshotWay | undefined;
  /** Nodes that the operator named; empty = any. */
  readonly named: readonly string[];
}

export type SourceChoice =
  | {
      readonly ok: true;
      readonly node: string;
      readonly role: SourceFacts['role'];
      readonly way: SnapshotWay;
      readonly because: string;
      readonly ruledOut: readonly RuledOut[];
    }
  | { readonly ok: false; readonly ruledOut: readonly RuledOut[] };

export interface RuledOut {
  readonly node: string;
  readonly why: string;
}

/** A replica that heard nothing of its master for so long gives an old snapshot. */
const LONGEST_SILENCE_SECONDS = 60;
/** What a manifest takes. */
const LONGEST_REASON = 2000;
/** Above this a replica is behind, not only on its way. */
const MOST_LAG_BYTES = 64n * 1024n * 1024n;

/**
 * The healthiest replica (linked, not loading, smallest lag, then most free memory), else the master; a node that the
 * operator named wins over the order but not over what would fail. One whose disk has no room for a snapshot is streamed
 * from where that can be done. Not ok when no node fits, with a reason for each.
 */
export function chooseSource(nodes: readonly SourceFacts[], wish: SourceWish): SourceChoice {
  const judged = nodes.map((facts) => judge(facts, wish));
  const ruledOut = judged.flatMap((each) => ('why' in each ? [each] : []));
  const fit = judged.flatMap((each) => ('way' in each ? [each] : []));
  const [best, ...others] = [...fit].sort(inOrder);
  if (best === undefined) return { ok: false, ruledOut };
  const passed = others.map((other) => ({ node: other.node, why: passedOver(best, other) }));
  return {
    ok: true,
    node: best.node,
    role: best.role,
    way: best.way,
    because: reason(best, others, ruledOut, wish).slice(0, LONGEST_REASON),
    ruledOut: [...ruledOut, ...passed],
  };
}

interface Fit extends SourceFacts {
  readonly way: SnapshotWay;
  /** Why it is streamed though nobody asked for that. */
  readonly noBgsave?: string;
}

function judge(facts: SourceFacts, wish: SourceWish): Fit | RuledOut {
  const { node } = facts;
  const why = unfit(facts, wish);
  if (why !== undefined) return { node, why };
  if (wish.kind === 'aof') return { ...facts, way: 'bgsave' };
  const noStream = unfitForStream(facts, wish);
  if (wish.way === 'stream') return noStream === undefined ? { ...facts, way: 'stream' } : { node, why: noStream };
  const noBgsave = unfitForFile(facts);
  if (noBgsave === undefined) return { ...facts, way: 'bgsave' };
  if (wish.way === 'bgsave') return { node, why: noBgsave };
  if (noStream !== undefined) return { node, why: `${noBgsave}; it cannot be streamed from: ${noStream}` };
  return { ...facts, way: 'stream', noBgsave };
}

function unfit(facts: SourceFacts, wish: SourceWish): string | undefined {
  if (wish.named.length > 0 && !wish.named.includes(facts.node)) return 'another node was named';
  if (facts.loading) return 'it loads data or syncs with its master right now';
  if (facts.role === 'replica' && !facts.linked) return 'its link to the master is down';
  if ((facts.silentSeconds ?? 0) > LONGEST_SILENCE_SECONDS)
    return `it has not heard from its master for ${facts.silentSeconds} s`;
  if (wish.named.length === 0 && (facts.lagBytes ?? 0n) > MOST_LAG_BYTES)
    return `it is ${facts.lagBytes} bytes behind the master`;
  return wish.kind === 'aof' ? unfitForAof(facts) : unfitForFork(facts);
}

function unfitForAof(facts: SourceFacts): string | undefined {
  return facts.aof ? undefined : 'it writes no append-only file (appendonly no)';
}

/** A fork copies what is written while it saves, at worst everything. */
function unfitForFork(facts: SourceFacts): string | undefined {
  const { usedMemoryBytes: used, availableMemoryBytes: available } = facts;
  if (used !== undefined && available !== undefined && facts.overcommit === 2 && available < used)
    return `its host cannot back the fork: ${available} bytes of memory left, ${used} in use, and vm.overcommit_memory is 2`;
  if (used !== undefined && available !== undefined && available < used / 4n)
    return `its host has ${available} bytes of memory left, less than a quarter of the ${used} in use`;
  return undefined;
}

/**
 * The new file stands beside the old one until it is renamed. A save that a full disk ends is no harmless try: a node that
 * saves by itself refuses writes until one succeeds (`stop-writes-on-bgsave-error`).
 */
function unfitForFile(facts: SourceFacts): string | undefined {
  const needed = snapshotBytes(facts);
  const disk = facts.diskFreeBytes;
  if (needed !== undefined && disk !== undefined && disk < needed + needed / 4n)
    return `its disk has ${disk} bytes free, and a snapshot of about ${needed} is written beside the old one`;
  return undefined;
}

/** About how large a snapshot will be: what came since the last one is hardly ever larger on the disk than in memory. */
function snapshotBytes({
  usedMemoryBytes: used,
  lastSnapshotBytes: last,
  lastSnapshotMemoryBytes: before,
}: SourceFacts): bigint | undefined {
  if (last === undefined || used === undefined) return last ?? used;
  return before === undefined || used <= before ? last : last + (used - before);
}

/**
 * A master that is streamed from without a backlog gets a new replication id (replication.c:syncCommand), and a Sentinel that
 * looks meanwhile keeps a replica at port 0 for good (seen on 7.0.15). Only where nobody could miss the one or see the other.
 */
function unfitForStream(facts: SourceFacts, wish: SourceWish): string | undefined {
  if (facts.disklessSync === undefined) return 'whether a full sync writes a file there could not be seen';
  if (!facts.disklessSync) return 'it would write a file for it (repl-diskless-sync no)';
  if (facts.role === 'replica')
    return facts.keepsLineage ? undefined : 'it keeps no backlog, and a full sync would change its replication id';
  if (!facts.alone) return 'it is a master: its replication id, and what sentinels know of its replicas, could change';
  return wish.named.length > 0 ? undefined : 'it is a master and was not named';
}

function inOrder(a: Fit, b: Fit): number {
  if (a.role !== b.role) return a.role === 'replica' ? -1 : 1;
  if (a.way !== b.way) return a.way === 'bgsave' ? -1 : 1;
  return (
    compare(a.lagBytes ?? 0n, b.lagBytes ?? 0n) ||
    compare(b.availableMemoryBytes ?? 0n, a.availableMemoryBytes ?? 0n) ||
    (a.node < b.node ? -1 : 1)
  );
}

function compare(a: bigint, b: bigint): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function passedOver(best: Fit, other: Fit): string {
  if (other.role === 'master') return `it is the master, and ${best.node} can spare it the work`;
  if (other.noBgsave !== undefined && best.way === 'bgsave') return other.noBgsave;
  if ((other.lagBytes ?? 0n) > (best.lagBytes ?? 0n)) return `it is further behind than ${best.node}`;
  return `as good as ${best.node}, which has more memory left or the earlier name`;
}

function reason(best: Fit, others: readonly Fit[], ruledOut: readonly RuledOut[], wish: SourceWish): string {
  const chosen = whyThis(best, others, ruledOut, wish);
  return best.noBgsave === undefined ? chosen : `${chosen} Streamed: ${best.noBgsave}.`;
}

function whyThis(best: Fit, others: readonly Fit[], ruledOut: readonly RuledOut[], wish: SourceWish): string {
  if (wish.named.length > 0) return `${best.node} was named.`;
  if (best.role === 'master') {
    const whys = ruledOut.map(({ node, why }) => `${node}: ${why}`).join('; ');
    return whys === ''
      ? `${best.node} is the master and has no replica.`
      : `No replica fits (${whys}); ${best.node} is the master.`;
  }
  const behind =
    best.lagBytes === undefined ? 'linked to its master' : `linked, ${best.lagBytes} bytes behind the master`;
  const replicas = others.filter(({ role }) => role === 'replica').length;
  return `${best.node} is a replica, ${behind}${replicas === 0 ? '' : `, the first of ${replicas + 1} that fit`}.`;
}
