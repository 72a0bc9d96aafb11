import { known } from '../model/seen.js';
import { serverName } from '../redis/versions.js';
import type { Versus } from './candidate.js';
import type { Holding } from './holding.js';
import { tooOldFor, whyNoLoad } from './server-versions.js';

/** The order of candidates, and why a node of an older server was put first. */
export interface OldestFirst {
  readonly ranked: readonly Holding[];
  readonly oldest?: string;
}

/**
 * Among nodes that hold the very same data as the first, the one that most others can copy from goes first: a server refuses
 * the RDB of a newer one. Data decides before versions, and a master that runs stays.
 */
export function oldestFirst(ranked: readonly Holding[], versus: Versus): OldestFirst {
  const [top] = ranked;
  if (top === undefined || known(top.redis.running)?.role === 'master') return { ranked };
  const redis = ranked.map((holding) => holding.redis);
  const unable = (holding: Holding): number => tooOldFor(holding.redis, redis).length;
  const same = ranked.filter(
    (each) => each === top || (isSame(top, each, versus) && whyNoLoad(each.redis) === undefined),
  );
  const best = same.reduce((first, holding) => (unable(holding) < unable(first) ? holding : first), top);
  if (best === top) return { ranked };
  const server = known(best.redis.server);
  return {
    ranked: [best, ...ranked.filter((holding) => holding !== best)],
    oldest: `holds the same as ${top.node} and runs the older server (${server ? serverName(server) : ''}): the others can copy from it, and ${best.node} could not copy from ${top.node}`,
  };
}

/** Nothing tells the two apart: equal both ways, and each other node stands to both alike. */
function isSame(top: Holding, other: Holding, versus: Versus): boolean {
  const of = versus.get(top.node) ?? {};
  const its = versus.get(other.node) ?? {};
  if (of[other.node]?.kind !== 'equal' || its[top.node]?.kind !== 'equal') return false;
  return Object.keys(of).every((node) => node === other.node || of[node]?.kind === its[node]?.kind);
}
