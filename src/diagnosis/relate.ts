import type { Relation } from '../model/diagnosis.js';
import type { AofComparison } from '../model/survey.js';
import type { Graph, Holding } from './holding.js';
import { type ProvenEdge, short } from './timeline.js';

/** Default of `repl-timeout`: a replica that hears nothing for this long is dropped by its master (and the log says so). */
const REPL_TIMEOUT_SECONDS = 60;

/** How far a history reaches back into an older one. */
interface Share {
  readonly cut: bigint;
  /** Every cut on the way is a promotion's own record; otherwise `cut` is a lower bound. */
  readonly exact: boolean;
}

/** The histories that `id` grew out of, with the last offset shared with each. `id` itself is not among them. */
export function ancestorsOf(id: string, edges: readonly ProvenEdge[]): ReadonlyMap<string, Share> {
  const found = new Map<string, Share>();
  const visit = (child: string, limit: Share | undefined): void => {
    for (const edge of bestEdges(child, edges)) {
      if (edge.parent === id || found.has(edge.parent)) continue;
      const cut = limit && limit.cut < edge.cut ? limit.cut : edge.cut;
      const share = { cut, exact: edge.exact && (limit?.exact ?? true) };
      found.set(edge.parent, share);
      visit(edge.parent, share);
    }
  };
  visit(id, undefined);
  return found;
}

/** One edge per parent: the promotion's own record, else the highest proved lower bound. */
function bestEdges(child: string, edges: readonly ProvenEdge[]): readonly ProvenEdge[] {
  const best = new Map<string, ProvenEdge>();
  for (const edge of edges) {
    if (edge.child !== child) continue;
    const before = best.get(edge.parent);
    if (!before || (edge.exact && !before.exact) || (edge.exact === before.exact && edge.cut > before.cut))
      best.set(edge.parent, edge);
  }
  return [...best.values()];
}

/**
 * How the data of `own` stands to the data of `other`. Offsets are compared only inside one history; between histories
 * only through a proved cut. Never a guess: what cannot be joined is `incomparable`.
 */
export function relate(own: Holding, other: Holding, graph: Graph, comparisons: readonly AofComparison[]): Relation {
  if (other.source === 'unknown') return { kind: 'incomparable', why: `${other.node}: ${other.sourceWhy}` };
  if (own.source === 'unknown') return { kind: 'incomparable', why: `${own.node}: ${own.sourceWhy}` };
  if (other.empty) return { kind: 'empty', why: `${other.node} holds no key: ${other.sourceWhy}` };
  if (own.empty) return { kind: 'contained', why: `${own.node} holds no key` };
  const compared = comparedBytes(own, other, comparisons);
  if (compared) return compared;
  if (!own.end) return { kind: 'incomparable', why: `${own.node}: ${own.endWhy}` };
  if (!other.end) return { kind: 'incomparable', why: `${other.node}: ${other.endWhy}` };
  if (own.end.replid === other.end.replid) return sameHistory(own, other);
  return acrossHistories(own, other, graph);
}

function comparedBytes(own: Holding, other: Holding, comparisons: readonly AofComparison[]): Relation | undefined {
  const find = (of: string, within: string): AofComparison | undefined =>
    comparisons.find((c) => c.of === of && c.within === within && c.result.ok && c.result.value === 'contained');
  const forward = find(other.node, own.node);
  if (forward)
    return {
      kind: 'contains',
      why: `the last ${forward.comparedBytes} bytes of ${other.node}'s AOF stand, byte for byte, inside ${own.node}'s`,
    };
  const back = find(own.node, other.node);
  if (back)
    return { kind: 'contained', why: `the end of ${own.node}'s AOF stands, byte for byte, inside ${other.node}'s` };
  return undefined;
}

type Ended = Holding & { readonly end: NonNullable<Holding['end']> };

function sameHistory(own: Holding, other: Holding): Relation {
  if (!own.end || !other.end) return { kind: 'incomparable', why: 'no end is known' };
  const id = short(own.end.replid);
  const lag = own.end.offset - other.end.offset;
  if (own.end.precision === 'exact' && other.end.precision === 'exact') {
    if (lag === 0n) return { kind: 'equal', why: `the same history ${id} and the same offset ${own.end.offset}` };
    if (lag > 0n) return { kind: 'contains', lagBytes: lag, why: `the same history ${id}, ${lag} bytes ahead` };
    return { kind: 'contained', lagBytes: -lag, why: `the same history ${id}, ${-lag} bytes behind` };
  }
  if (own.origin && own.whole)
    return { kind: 'contains', why: `history ${id} was made by ${own.node}; ${other.node} only followed it` };
  if (other.origin && other.whole)
    return { kind: 'contained', why: `history ${id} was made by ${other.node}; ${own.node} only followed it` };
  if (own.end.precision === 'exact' && other.end.precision === 'at-least' && other.end.offset > own.end.offset)
    return { kind: 'contained', lagBytes: -lag, why: `the same history ${id}, at least ${-lag} bytes behind` };
  return { kind: 'incomparable', why: `both followed history ${id}, and how far each came was recorded by nobody` };
}

function acrossHistories(own: Holding, other: Holding, graph: Graph): Relation {
  if (!own.end || !other.end) return { kind: 'incomparable', why: 'no end is known' };
  const ownAncestors = ancestorsOf(own.end.replid, graph.edges);
  const back = ownAncestors.get(other.end.replid);
  if (back) return overAncestor(own as Ended, other as Ended, limited(back, own.end.offset));
  const forth = ancestorsOf(other.end.replid, graph.edges).get(own.end.replid);
  if (forth) return underDescendant(own as Ended, other as Ended, limited(forth, other.end.offset), graph);
  return throughCommon(own as Ended, other as Ended, graph);
}

/** A file that ends before the cut shares only what it holds. */
function limited(share: Share, offset: bigint): Share {
  return offset < share.cut ? { cut: offset, exact: share.exact } : share;
}

function overAncestor(own: Ended, other: Ended, share: Share): Relation {
  const id = short(other.end.replid);
  const past = other.end.offset - share.cut;
  if (other.end.precision === 'exact' && past <= 0n)
    return {
      kind: 'contains',
      lagBytes: own.end.offset - other.end.offset,
      why: `${id} is shared up to ${share.cut}, and ${other.node} ends at ${other.end.offset}`,
    };
  if (past > 0n && share.exact && own.end.offset >= share.cut) return forked(own, other, share.cut, id);
  if (past > 0n)
    return {
      kind: 'incomparable',
      why: `${id} is shared up to ${share.cut} at least; ${other.node} ends at ${other.end.offset}`,
    };
  return tail(
    other,
    share.cut,
    `${other.node} served ${id} when it stopped, and where it ended was recorded by nobody`,
  );
}

/** `other` went on from `own`'s history: it holds everything of `own` unless `own` went on too. */
function underDescendant(own: Ended, other: Ended, share: Share, graph: Graph): Relation {
  const mirrored = overAncestor(other, own, share);
  if (mirrored.kind === 'forked') return { ...mirrored, ownBytes: mirrored.otherBytes, otherBytes: mirrored.ownBytes };
  if (mirrored.kind === 'incomparable') return mirrored;
  if (ownRestartOf(other, graph) === own.end.replid && mirrored.kind === 'contains' && mirrored.lagBytes === 0n)
    return tail(other, share.cut, `${other.node} was booted again since and may have taken writes`);
  return {
    kind: 'contained',
    ...(mirrored.kind === 'contains' && mirrored.lagBytes !== undefined ? { lagBytes: mirrored.lagBytes } : {}),
    why: `${other.node} went on from ${short(own.end.replid)} into ${short(other.end.replid)}`,
  };
}

function throughCommon(own: Ended, other: Ended, graph: Graph): Relation {
  const mine = ancestorsOf(own.end.replid, graph.edges);
  const theirs = ancestorsOf(other.end.replid, graph.edges);
  const restartedFrom = ownRestartOf(other, graph);
  const mineOfRestart = restartedFrom === undefined ? undefined : mine.get(restartedFrom);
  if (mineOfRestart && other.bootedSince) {
    const last = theirs.get(restartedFrom ?? '');
    if (last && last.cut <= mineOfRestart.cut)
      return tail(other, last.cut, `${other.node} was booted again since and may have taken writes`);
  }
  for (const [id, share] of mine) {
    const theirShare = theirs.get(id);
    if (!theirShare) continue;
    const cut = share.cut < theirShare.cut ? share.cut : theirShare.cut;
    if (!share.exact && !theirShare.exact)
      return { kind: 'incomparable', why: `both grew out of ${short(id)}, and where they split was not recorded` };
    return forked(own, other, cut, short(id));
  }
  return {
    kind: 'incomparable',
    why: `nothing joins history ${short(own.end.replid)} of ${own.node} to ${short(other.end.replid)} of ${other.node}`,
  };
}

function ownRestartOf(holding: Ended, graph: Graph): string | undefined {
  return graph.edges.find((edge) => edge.how === 'restart' && edge.child === holding.end.replid)?.parent;
}

function forked(own: Ended, other: Ended, cut: bigint, id: string): Relation {
  const ownBytes = own.end.offset - cut;
  const otherBytes = other.end.offset - cut;
  return {
    kind: 'forked',
    cut,
    ownBytes,
    otherBytes,
    why: `shared up to ${cut} of ${id}; then ${own.node} went on by ${ownBytes} bytes and ${other.node} by ${otherBytes}`,
  };
}

function tail(other: Holding, cut: bigint, why: string): Relation {
  const boundSeconds = tailSeconds(other);
  return { kind: 'possible-tail', cut, ...(boundSeconds === undefined ? {} : { boundSeconds }), why };
}

/**
 * For how long the node may have taken writes that no replica got: since its last replica was lost, on its own clock;
 * while none was logged as lost, at most repl-timeout, after which the master would have dropped it and said so.
 */
function tailSeconds(holding: Holding): number | undefined {
  const { served, replicasLostAtMs, hadReplicas } = holding.timeline;
  if (holding.bootedSince || served?.lastMs === undefined) return undefined;
  if (replicasLostAtMs !== undefined)
    return Math.max(1, Math.ceil((served.lastMs - replicasLostAtMs) / 1000)) + REPL_TIMEOUT_SECONDS;
  return hadReplicas || !holding.origin ? REPL_TIMEOUT_SECONDS : undefined;
}
