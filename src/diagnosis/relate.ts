import type { Relation } from '../model/diagnosis.js';
import { known } from '../model/seen.js';
import type { AofComparison } from '../model/survey.js';
import type { Graph } from './graph.js';
import { bornHere, type Holding } from './holding.js';
import { short } from './names.js';
import { ALL, type Common, commonOf, type Share, sharesOf } from './shares.js';
import { tailOf } from './tail.js';

/**
 * How the data of `own` stands to the data of `other`. Offsets are compared only inside one history; between histories
 * only through a proved cut. Never a guess: what cannot be joined is `incomparable`.
 */
export function relate(own: Holding, other: Holding, graph: Graph, comparisons: readonly AofComparison[]): Relation {
  if (other.source === 'unknown') return { kind: 'incomparable', why: `${other.node}: ${other.sourceWhy}` };
  if (own.source === 'unknown') return { kind: 'incomparable', why: `${own.node}: ${own.sourceWhy}` };
  if (other.empty) return { kind: 'empty', why: `${other.node} holds no key: ${whyEmpty(other)}` };
  if (own.empty) return { kind: 'contained', why: `${own.node} holds no key` };
  return withOwnWrites(own, other, withBytes(own, other, graph, comparisons));
}

function whyEmpty(holding: Holding): string {
  if (holding.source === 'rdb') return 'the RDB file that it would load is empty';
  return holding.source === 'running' ? 'it runs, and answers with an empty data set' : holding.sourceWhy;
}

/**
 * A replica that takes writes counts them in no offset, and they may delete or replace what its master wrote: it is proved
 * to contain nobody, and nobody is proved to contain all of it.
 */
function withOwnWrites(own: Holding, other: Holding, relation: Relation): Relation {
  if (relation.kind !== 'contains' && relation.kind !== 'equal' && relation.kind !== 'contained') return relation;
  if (hasOwnWrites(own)) return changed(own);
  if (relation.kind === 'contained') return hasOwnWrites(other) ? changed(other) : relation;
  if (!other.writable) return relation;
  const why = `${other.node} ${takesWrites}, and its own are counted nowhere`;
  return { kind: 'possible-tail', cut: other.end?.offset ?? 0n, why };
}

/** A master that stopped is none, whatever its file says of replicas: what it wrote in a history of its own is counted. */
function hasOwnWrites(holding: Holding): boolean {
  const { replicaOf } = known(holding.redis.config) ?? {};
  const wasMaster = holding.source !== 'running' && replicaOf === undefined;
  return holding.writable && !(wasMaster && bornHere(holding, holding.end?.replid));
}

function changed({ node }: Holding): Relation {
  return { kind: 'incomparable', why: `${node} ${takesWrites}, and may have changed or deleted what it copied` };
}

const takesWrites = 'is a replica that accepts writes (replica-read-only no)';

/** What the bytes of two AOFs say wins over what the logs leave open. */
function withBytes(own: Holding, other: Holding, graph: Graph, comparisons: readonly AofComparison[]): Relation {
  const relation = byHistory(own, other, graph);
  const find = (of: string, within: string, value: 'contained' | 'not-contained'): AofComparison | undefined =>
    comparisons.find(
      (each) => each.of === of && each.within === within && each.result.ok && each.result.value === value,
    );
  const forward = find(other.node, own.node, 'contained');
  const back = find(own.node, other.node, 'contained');
  // Each has all of the other: one by the bytes, the other because it made the history that the first only followed.
  if (forward && relation.kind === 'contained') return { kind: 'equal', why: same(own, other, forward) };
  if (back && relation.kind === 'contains') return { kind: 'equal', why: same(other, own, back) };
  if (forward && back) return { kind: 'equal', why: `the AOFs of ${own.node} and ${other.node} end in the same bytes` };
  if (forward)
    return {
      kind: 'contains',
      why: `the last ${forward.comparedBytes} bytes of ${other.node}'s AOF stand, byte for byte, inside ${own.node}'s`,
    };
  if (back)
    return { kind: 'contained', why: `the end of ${own.node}'s AOF stands, byte for byte, inside ${other.node}'s` };
  if (find(other.node, own.node, 'not-contained') && relation.kind === 'possible-tail')
    return provenTail(own, other, relation.cut);
  const turned = find(own.node, other.node, 'not-contained') ? byHistory(other, own, graph) : undefined;
  if (turned?.kind !== 'possible-tail') return relation;
  const mirrored = provenTail(other, own, turned.cut);
  const { otherEndUnknown: _known, ...rest } = mirrored;
  return { ...rest, ownBytes: mirrored.otherBytes, otherBytes: mirrored.ownBytes };
}

function same(follower: Holding, maker: Holding, { comparedBytes }: AofComparison): string {
  return `the last ${comparedBytes} bytes of ${maker.node}'s AOF stand, byte for byte, inside ${follower.node}'s, which only followed it`;
}

/** The tail of `other` is there: the bytes are what is known at least, its own end was recorded by nobody. */
function provenTail(own: Holding, other: Holding, cut: bigint): Extract<Relation, { kind: 'forked' }> {
  const past = (own.end?.offset ?? 0n) - cut;
  const kept = (other.end?.offset ?? 0n) - cut;
  return {
    kind: 'forked',
    cut,
    ownBytes: past > 0n ? past : 0n,
    otherBytes: kept > 1n ? kept : 1n,
    ...(other.end?.precision === 'exact' ? {} : { otherEndUnknown: true as const }),
    why: `the end of ${other.node}'s AOF stands nowhere in ${own.node}'s: it holds writes that ${own.node} never got`,
  };
}

export type Ended = Holding & { readonly end: NonNullable<Holding['end']> };

function hasEnd(holding: Holding): holding is Ended {
  return holding.end !== undefined;
}

function byHistory(own: Holding, other: Holding, graph: Graph): Relation {
  if (!hasEnd(own)) return { kind: 'incomparable', why: `${own.node}: ${own.endWhy}` };
  if (!hasEnd(other)) return { kind: 'incomparable', why: `${other.node}: ${other.endWhy}` };
  const mine = sharesOf(own, graph);
  const theirs = sharesOf(other, graph);
  const common = commonOf(mine, theirs, graph);
  if (!common)
    return {
      kind: 'incomparable',
      why: `nothing joins history ${short(own.end.replid)} of ${own.node} to ${short(other.end.replid)} of ${other.node}`,
    };
  if (common.doubtful)
    return { kind: 'incomparable', why: `the records of ${own.node} and ${other.node} contradict each other` };
  const fresh = isFresh(common, mine) || isFresh(common, theirs);
  return covers(own, other, common, [mine, theirs]) ?? apart(own, other, fresh ? withoutExact(common) : common, mine);
}

type Shares = ReadonlyMap<string, Share>;

/** One data set is all of, or a part of, the other. */
function covers(own: Ended, other: Ended, common: Common, [mine, theirs]: [Shares, Shares]): Relation | undefined {
  const otherWithin = isWithin(other, common, mine, theirs);
  const ownWithin = isWithin(own, common, theirs, mine);
  if (otherWithin && ownWithin)
    return { kind: 'equal', why: `both hold history ${short(common.id)} up to the same offset ${own.end.offset}` };
  const fresh = isFresh(common, mine) || isFresh(common, theirs);
  const lag = own.end.offset - other.end.offset;
  if (otherWithin) {
    const counted = isExact(own) && isExact(other) && !fresh && lag >= 0n ? { lagBytes: lag } : {};
    return { kind: 'contains', ...counted, why: whyContains(own, other, common) };
  }
  if (!ownWithin) return undefined;
  const counted = isExact(own) && isExact(other) && !fresh && lag <= 0n ? { lagBytes: -lag } : {};
  return { kind: 'contained', ...counted, why: whyContains(other, own, common) };
}

function withoutExact({ exact, ...common }: Common): Common {
  return common;
}

/** One of the two counts its offsets anew: nothing can be subtracted. */
function isFresh(common: Common, shares: Shares): boolean {
  return shares.get(common.id)?.fresh === true;
}

function isExact(holding: Ended): boolean {
  return holding.end.precision === 'exact' && !holding.bootedAlone;
}

/** All that `other` holds is in the common part: its own end is recorded, or the whole of its history is. */
function isWithin(other: Ended, common: Common, mine: Shares, its: Shares): boolean {
  if (other.bootedAlone) return false;
  if (mine.get(other.end.replid)?.low === ALL) return true;
  return isExact(other) && its.get(common.id)?.fresh === undefined && other.end.offset <= common.low;
}

function whyContains(own: Ended, other: Ended, common: Common): string {
  const id = short(other.end.replid);
  if (own.end.replid !== other.end.replid)
    return `history ${short(common.id)} is shared up to ${sharedUpTo(common)}, and ${other.node} ends at ${other.end.offset}`;
  if (own.complete) return `history ${id} was made by ${own.node}; ${other.node} only followed it`;
  return `the same history ${id}, ${own.end.offset - other.end.offset} bytes ahead`;
}

function sharedUpTo(common: Common): string {
  if (common.low === ALL) return 'its end';
  return common.exact === common.low ? `${common.low}` : `${common.low} at least`;
}

/** Neither is proved to be within the other. */
function apart(own: Ended, other: Ended, common: Common, mine: Shares): Relation {
  const cut = common.exact;
  if (cut !== undefined && own.end.offset > cut && other.end.offset > cut) {
    const ownBytes = own.end.offset - cut;
    const otherBytes = other.end.offset - cut;
    const asked = ownBytes === GETACK_BYTES ? own : otherBytes === GETACK_BYTES ? other : undefined;
    if (asked) return { kind: 'incomparable', why: whyAsked(asked, cut, common) };
    const why = `shared up to ${cut} of ${short(common.id)}; then ${own.node} went on by ${ownBytes} bytes and ${other.node} by ${otherBytes}`;
    return { kind: 'forked', cut, ownBytes, otherBytes, why };
  }
  const low = common.low === ALL ? other.end.offset : common.low;
  const successor = wentOnFrom(own, other, mine);
  if (successor && other.bootedFrom !== undefined)
    return tailOf(
      other,
      low,
      `${other.node} was booted again after it served ${short(other.bootedFrom)}, and may have taken writes`,
    );
  if (successor && other.bootedAlone && other.end.offset <= low)
    return tailOf(other, low, `${other.node} was booted again since, and may have taken writes`);
  if (successor && !isExact(other) && other.end.offset <= low)
    return tailOf(
      other,
      low,
      `${other.node} served ${short(other.end.replid)} when it stopped, and where it ended was recorded by nobody`,
    );
  return { kind: 'incomparable', why: whyApart(own, other, common) };
}

/**
 * `*3 REPLCONF GETACK *`: what WAIT asks the replicas, and from 7.0 on a stop that waits for them (server.c:prepareForShutdown;
 * seen on 7.0.15). It is a part of the history and no write.
 */
const GETACK_BYTES = 37n;

function whyAsked({ node }: Ended, cut: bigint, { id }: Common): string {
  return `shared up to ${cut} of ${short(id)}; then ${node} went on by ${GETACK_BYTES} bytes, which may be its question how far its replicas were, and no write`;
}

/** `own` grew out of the history that `other` was in, or made all of it. */
function wentOnFrom(own: Ended, other: Ended, mine: Shares): boolean {
  const of = other.bootedFrom ?? other.end.replid;
  if (own.end.replid === of) return mine.get(of)?.low === ALL;
  return mine.has(of);
}

function whyApart(own: Ended, other: Ended, common: Common): string {
  const shared = `both hold history ${short(common.id)}${common.low > 0n && common.low !== ALL ? ` up to ${common.low} at least` : ''}`;
  const open = [own, other].filter((each) => each.end.precision === 'at-least' || each.bootedAlone);
  if (open.length > 0)
    return `${shared}; how far ${open.map((each) => each.node).join(' and ')} went was recorded by nobody`;
  return `${shared}; where they split was not recorded`;
}
