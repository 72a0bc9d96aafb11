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
  /** The node writes an append-only file. */
  readonly aof: boolean;
}

export interface SourceWish {
  readonly kind: 'rdb' | 'aof';
  /** Nodes that the operator named; empty = any. */
  readonly named: readonly string[];
}

export type SourceChoice =
  | { readonly ok: true; readonly node: string; readonly because: string; readonly ruledOut: readonly RuledOut[] }
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
 * operator named wins over the order but not over what would fail. Not ok when no node fits, with a reason for each.
 */
export function chooseSource(nodes: readonly SourceFacts[], wish: SourceWish): SourceChoice {
  const judged = nodes.map((facts) => ({ facts, why: unfit(facts, wish) }));
  const ruledOut = judged.flatMap(({ facts, why }) => (why === undefined ? [] : [{ node: facts.node, why }]));
  const fit = judged.filter(({ why }) => why === undefined).map(({ facts }) => facts);
  const [best, ...others] = [...fit].sort(inOrder);
  if (best === undefined) return { ok: false, ruledOut };
  const passed = others.map((other) => ({ node: other.node, why: passedOver(best, other) }));
  return {
    ok: true,
    node: best.node,
    because: reason(best, others, ruledOut, wish).slice(0, LONGEST_REASON),
    ruledOut: [...ruledOut, ...passed],
  };
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

/** A fork copies what is written while it saves, at worst everything; the new file stands beside the old one until it is renamed. */
function unfitForFork(facts: SourceFacts): string | undefined {
  const { usedMemoryBytes: used, availableMemoryBytes: available, diskFreeBytes: disk } = facts;
  if (used !== undefined && available !== undefined && facts.overcommit === 2 && available < used)
    return `its host cannot back the fork: ${available} bytes of memory left, ${used} in use, and vm.overcommit_memory is 2`;
  if (used !== undefined && available !== undefined && available < used / 4n)
    return `its host has ${available} bytes of memory left, less than a quarter of the ${used} in use`;
  // A snapshot is hardly ever larger than the data in memory.
  const needed = facts.lastSnapshotBytes ?? used;
  if (needed !== undefined && disk !== undefined && disk < needed + needed / 4n)
    return `its disk has ${disk} bytes free, and a snapshot of about ${needed} is written beside the old one`;
  return undefined;
}

function inOrder(a: SourceFacts, b: SourceFacts): number {
  if (a.role !== b.role) return a.role === 'replica' ? -1 : 1;
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

function passedOver(best: SourceFacts, other: SourceFacts): string {
  if (other.role === 'master') return `it is the master, and ${best.node} can spare it the work`;
  if ((other.lagBytes ?? 0n) > (best.lagBytes ?? 0n)) return `it is further behind than ${best.node}`;
  return `as good as ${best.node}, which has more memory left or the earlier name`;
}

function reason(
  best: SourceFacts,
  others: readonly SourceFacts[],
  ruledOut: readonly RuledOut[],
  wish: SourceWish,
): string {
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
