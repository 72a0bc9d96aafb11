import type { Graph } from './graph.js';
import type { Holding } from './holding.js';
import type { ProvenEdge } from './timeline-shape.js';

/** How much of a history a data set holds: at least `low`; just `exact`, where the records say it. */
export interface Share {
  readonly low: bigint;
  readonly exact?: bigint;
  /** The records contradict each other. */
  readonly doubtful?: true;
  /** Joined through a start that counts from 0 again: the data's own offset says nothing about this history. */
  readonly fresh?: true;
}

/** All of a history, however far it went. Larger than any offset (they are signed 64-bit in Redis). */
export const ALL = 1n << 64n;

/** More steps than any honest group has edges; hostile logs end here, with lower bounds that are still true. */
const MOST_STEPS = 100_000;

/** The histories that `id` grew out of, with how much of each it shares. `id` itself is not among them. */
export function ancestorsOf(id: string, graph: Graph): ReadonlyMap<string, Share> {
  const low = lowerBounds(id, graph);
  const { exact, doubtful } = exactCuts(id, graph);
  const shares = new Map<string, Share>();
  for (const [parent, { bound, fresh }] of low) {
    const cut = exact.get(parent);
    if (fresh) shares.set(parent, cut === undefined ? { low: bound, fresh } : { low: 0n, doubtful: true });
    else if (cut === undefined) shares.set(parent, { low: bound });
    else if (doubtful.has(parent) || bound > cut) shares.set(parent, { low: 0n, doubtful: true });
    else shares.set(parent, { low: cut, exact: cut });
  }
  return shares;
}

/** For each ancestor the highest bound over all ways to it; a way shares what its lowest edge shares. */
function lowerBounds(id: string, graph: Graph): Map<string, Bound> {
  const found = new Map<string, Bound>();
  const work: { readonly child: string; readonly limit: Bound }[] = [{ child: id, limit: { bound: ALL } }];
  for (let steps = 0; work.length > 0 && steps < MOST_STEPS; steps++) {
    const next = work.pop();
    if (!next) break;
    if (next.child !== id && found.get(next.child) !== next.limit) continue;
    for (const edge of highest(graph.parents.get(next.child))) {
      const bound = boundAlong(edge, next.limit);
      const before = found.get(edge.parent);
      if (edge.parent === id || (before !== undefined && before.bound >= bound.bound)) continue;
      found.set(edge.parent, bound);
      work.push({ child: edge.parent, limit: bound });
    }
  }
  return found;
}

interface Bound {
  readonly bound: bigint;
  readonly fresh?: true;
}

/** Whatever holds the first byte of a fresh history holds its parent up to the cut. */
function boundAlong(edge: ProvenEdge, limit: Bound): Bound {
  if (edge.fresh && limit.bound >= 0n) return { bound: edge.cut, fresh: true };
  if (edge.cut >= limit.bound) return limit;
  return limit.fresh ? { bound: edge.cut, fresh: true } : { bound: edge.cut };
}

/** One edge for each parent, the one that proves most. */
function highest(edges: readonly ProvenEdge[] = []): Iterable<ProvenEdge> {
  const best = new Map<string, ProvenEdge>();
  for (const edge of edges) {
    const before = best.get(edge.parent);
    if (before === undefined || edge.cut > before.cut) best.set(edge.parent, edge);
  }
  return best.values();
}

/** The way along promotions alone: where each edge is the promotion's own record, the lowest of them is the very cut. */
function exactCuts(id: string, graph: Graph): { exact: Map<string, bigint>; doubtful: Set<string> } {
  const exact = new Map<string, bigint>();
  const doubtful = new Set<string>();
  const work = [{ child: id, limit: ALL }];
  for (let next = work.pop(); next !== undefined; next = work.pop())
    for (const edge of graph.parents.get(next.child) ?? []) {
      if (!edge.exact || edge.parent === id) continue;
      const cut = edge.cut < next.limit ? edge.cut : next.limit;
      const before = exact.get(edge.parent);
      if (before !== undefined && before !== cut) doubtful.add(edge.parent);
      if (before !== undefined) continue;
      exact.set(edge.parent, cut);
      work.push({ child: edge.parent, limit: cut });
    }
  return { exact, doubtful };
}

type End = NonNullable<Holding['end']>;

/** What a data set holds of its own history and of each that it grew out of. */
export function sharesOf(holding: Holding & { readonly end: End }, graph: Graph): ReadonlyMap<string, Share> {
  const { end, complete } = holding;
  const own: Share = {
    low: complete ? ALL : end.offset,
    ...(end.precision === 'exact' && !complete ? { exact: end.offset } : {}),
  };
  const shares = new Map<string, Share>([[end.replid, own]]);
  for (const [id, share] of ancestorsOf(end.replid, graph))
    shares.set(id, end.precision === 'exact' ? limited(share, end.offset) : share);
  return shares;
}

/** A file that ends before the cut holds no more than up to its end. */
function limited(share: Share, offset: bigint): Share {
  if (share.doubtful || share.fresh || (share.exact === undefined && share.low <= offset)) return share;
  const low = share.low < offset ? share.low : offset;
  if (share.exact === undefined) return { low };
  return { low, exact: share.exact < offset ? share.exact : offset };
}

/** What two data sets have in common: at least `low`; just `exact`, where nothing closer can join them. */
export interface Common {
  readonly low: bigint;
  readonly exact?: bigint;
  /** The history that they are proved to share most of. */
  readonly id: string;
  readonly doubtful?: true;
}

/** Undefined where no history joins the two. */
export function commonOf(
  own: ReadonlyMap<string, Share>,
  other: ReadonlyMap<string, Share>,
  graph: Graph,
): Common | undefined {
  const joined: { id: string; low: bigint; exact?: bigint; doubtful: boolean }[] = [];
  for (const [id, mine] of own) {
    const theirs = other.get(id);
    if (theirs)
      joined.push({ id, doubtful: mine.doubtful === true || theirs.doubtful === true, ...least(mine, theirs) });
  }
  const best = joined.reduce<(typeof joined)[number] | undefined>((a, b) => (a && a.low >= b.low ? a : b), undefined);
  if (!best) return undefined;
  const base = { id: best.id, low: best.low };
  if (joined.some((each) => each.doubtful)) return { ...base, doubtful: true };
  const exact = joined.reduce<(typeof joined)[number] | undefined>(
    (a, b) => (b.exact !== undefined && (a?.exact === undefined || b.exact > a.exact) ? b : a),
    undefined,
  );
  if (exact?.exact === undefined) return base;
  const farther = ancestorsOf(exact.id, graph);
  const open = joined.some((each) => each.exact === undefined && !farther.has(each.id));
  return open || best.low > exact.exact ? base : { ...base, id: exact.id, exact: exact.exact };
}

/** The lesser of two shares of one history: one of them leaves it there, and the other holds at least as much of it. */
function least(a: Share, b: Share): { low: bigint; exact?: bigint } {
  const low = a.low < b.low ? a.low : b.low;
  if (a.exact !== undefined && b.low >= a.exact) return { low, exact: a.exact };
  if (b.exact !== undefined && a.low >= b.exact) return { low, exact: b.exact };
  return { low };
}
