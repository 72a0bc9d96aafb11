import { known } from '../model/seen.js';
import type { Graph } from './graph.js';
import type { Holding } from './holding.js';
import { short } from './names.js';
import { addressOf } from './state.js';
import type { Timeline } from './timeline-shape.js';

/**
 * What shows that a node without AOF was master in a history before the one that its log names, whose end nobody saved or went
 * on from; undefined where nothing does. A log may have been rotated away, so the other nodes' logs are asked, too.
 */
export function earlierLife(master: Holding, graph: Graph): string | undefined {
  const { node, timeline } = master;
  if (timeline.diedUnnamed)
    return `${node} was master in a life of which its log shows the end alone, without an orderly stop that saved: what it held then, and no replica got, is on no disk that was looked at`;
  for (const replica of graph.holdings) {
    if (replica === master) continue;
    const gone = goneHistory(replica.timeline, master, graph);
    if (gone === undefined) continue;
    return `${replica.node} followed ${node} in history ${short(gone)}, ${node} is in another one now, and no log shows that anybody saved the first or went on from it: what it held is on no disk that was looked at`;
  }
  return undefined;
}

/**
 * A history that the node followed the master in, and that the master's data and log know nothing of. Its own log judges what it
 * names; a history that another node made, or that anybody went on from, is no loss of this one.
 */
function goneHistory(timeline: Timeline, master: Holding, graph: Graph): string | undefined {
  const address = addressOf(master.redis);
  const made = graph.holdings.flatMap((holding) => holding.timeline.spans.filter(({ as }) => as !== 'follower'));
  const mine = [...master.timeline.spans, ...made].map(({ id }) => id);
  const explained = new Set([...mine, ...graph.edges.map(({ parent }) => parent), idNow(master)]);
  return timeline.spans.find(({ id, as, of = address }) => {
    if (as !== 'follower' || id === undefined || of !== address) return false;
    return !explained.has(id) && (timeline.reached.get(id) ?? 0n) > 0n;
  })?.id;
}

function idNow({ redis, source }: Holding): string | undefined {
  return source === 'running' ? known(redis.running)?.replid : known(redis.rdb)?.replid;
}
