import type { Relation } from '../model/diagnosis.js';
import { known } from '../model/seen.js';
import type { GroupSurvey } from '../model/survey.js';
import type { Graph } from './graph.js';
import type { Holding } from './holding.js';
import { short } from './names.js';
import { lastElected } from './sentinels.js';
import { addressOf } from './state.js';

/**
 * Who else bears out that `top` is ahead, in words; undefined when only `top` says so. Words from the host of `top` itself
 * count for nothing: who owns one host must not win by it. A lead that only one node asserts is never an automatic winner.
 */
export function witnessOf(
  top: Holding,
  relations: Readonly<Record<string, Relation>>,
  group: GroupSurvey,
  graph: Graph,
): string | undefined {
  const others = graph.holdings.filter((holding) => holding !== top);
  if (others.every((other) => other.empty)) return 'no other node holds data';
  return (
    electedBy(top, group) ??
    sameElsewhere(top, others, relations) ??
    reachedBy(top, others, group) ??
    followedBy(top, others)
  );
}

function electedBy(top: Holding, group: GroupSurvey): string | undefined {
  const elected = lastElected(group);
  if (elected?.address !== addressOf(top.redis)) return undefined;
  const host = (sentinel: string): string | undefined => group.sentinels.find((one) => one.node === sentinel)?.host;
  if (elected.votes.every((vote) => host(vote.sentinel) === top.redis.host)) return undefined;
  const [first] = elected.votes;
  const count = elected.votes.length;
  return `${count} ${count === 1 ? 'sentinel names' : 'sentinels name'} it as master at epoch ${first?.configEpoch}`;
}

function sameElsewhere(
  top: Holding,
  others: readonly Holding[],
  relations: Readonly<Record<string, Relation>>,
): string | undefined {
  const same = others.find((other) => other.redis.host !== top.redis.host && relations[other.node]?.kind === 'equal');
  return same ? `${same.node} holds the same` : undefined;
}

/** Another node's log, or a running master's row for this replica, reaches as far as `top` says that it does. */
function reachedBy(top: Holding, others: readonly Holding[], group: GroupSurvey): string | undefined {
  const end = top.end;
  if (end?.precision !== 'exact') return undefined;
  const logged = others.find((other) => {
    const reached = other.timeline.reached.get(end.replid);
    return other.redis.host !== top.redis.host && reached !== undefined && reached >= end.offset;
  });
  if (logged) return `the log of ${logged.node} has history ${short(end.replid)} up to ${end.offset}`;
  const master = group.redis.find((node) => {
    const running = known(node.running);
    if (node.host === top.redis.host || running?.role !== 'master' || running.replid !== end.replid) return false;
    return running.replicas.some((row) => row.address === addressOf(top.redis) && row.offset >= end.offset);
  });
  return master ? `${master.node} lists it as a replica at ${end.offset}` : undefined;
}

/** A node that others followed into this history was its master: it is ahead of them by its place. */
function followedBy(top: Holding, others: readonly Holding[]): string | undefined {
  const end = top.end;
  if (!end || !top.complete) return undefined;
  const follower = others.find(
    (other) =>
      other.redis.host !== top.redis.host &&
      other.timeline.spans.some((span) => span.id === end.replid && span.of === addressOf(top.redis)),
  );
  return follower
    ? `the log of ${follower.node} says that it followed ${top.node} in history ${short(end.replid)}`
    : undefined;
}
