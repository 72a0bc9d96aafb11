import { known } from '../model/seen.js';
import type { GroupSurvey } from '../model/survey.js';
import { aofHolding } from './aof-holding.js';
import { type Holding, type Place, sharedOf } from './holding.js';
import { rdbHolding } from './rdb-holding.js';
import { edgesOfRestarts } from './restarts.js';
import { edgeOfRunning, runningHolding } from './running-holding.js';
import { lastElected } from './sentinels.js';
import { sourceOf } from './source.js';
import { addressOf } from './state.js';
import { timelineOf } from './timeline.js';
import type { ProvenEdge, Timeline } from './timeline-shape.js';

/** The graph of histories and each node's place in it. */
export interface Graph {
  readonly holdings: readonly Holding[];
  readonly edges: readonly ProvenEdge[];
  /** The same edges by child. */
  readonly parents: ReadonlyMap<string, readonly ProvenEdge[]>;
}

/** Joins what the nodes' logs, RDB headers and answers say into one graph. Rules: Redis replication ids, 4.0 and later. */
export function graphOf(group: GroupSurvey): Graph {
  const timelines = group.redis.map(timelineOf);
  const edges = [...timelines.flatMap((timeline) => timeline.edges), ...group.redis.flatMap(edgeOfRunning)];
  group.redis.forEach((redis, index) => {
    const timeline = timelines[index];
    if (timeline) edges.push(...edgesOfRestarts(redis, timeline, timelines, group.redis));
  });
  const named = namedIds(group, timelines, edges);
  const addEdge = (edge: ProvenEdge): void => void edges.push(edge);
  const elected = lastElected(group);
  const [vote] = elected?.votes ?? [];
  const holdings = timelines.flatMap((timeline, index) => {
    const redis = group.redis[index];
    if (!redis) return [];
    const electedAt = vote && elected?.address === addressOf(redis) ? { electedAt: vote.configEpoch } : {};
    const place = { redis, timeline, timelines, group: group.redis, named, addEdge, ...electedAt };
    return [holdingOf({ ...place, ...sourceOf(redis) })];
  });
  const parents = new Map<string, ProvenEdge[]>();
  for (const edge of edges) {
    const before = parents.get(edge.child);
    if (before) before.push(edge);
    else parents.set(edge.child, [edge]);
  }
  return { holdings, edges, parents };
}

function namedIds(
  group: GroupSurvey,
  timelines: readonly Timeline[],
  edges: readonly ProvenEdge[],
): ReadonlyMap<string, ReadonlySet<string>> {
  const named = new Map<string, Set<string>>();
  const add = (id: string | undefined, node: string): void => {
    if (id === undefined) return;
    const names = named.get(id);
    if (names) names.add(node);
    else named.set(id, new Set([node]));
  };
  for (const timeline of timelines) for (const span of timeline.spans) add(span.id, `log of ${timeline.node}`);
  for (const edge of edges) {
    add(edge.parent, edge.evidence.from.node ?? '');
    add(edge.child, edge.evidence.from.node ?? '');
  }
  for (const redis of group.redis) {
    add(known(redis.running)?.replid, redis.node);
    add(known(redis.rdb)?.replid, `file of ${redis.node}`);
  }
  return named;
}

function holdingOf(place: Place): Holding {
  switch (place.source) {
    case 'running':
      return runningHolding(place);
    case 'rdb':
      return rdbHolding(place);
    case 'aof':
      return aofHolding(place);
    default:
      return {
        ...sharedOf(place),
        empty: place.source === 'nothing',
        ...(place.source === 'nothing' ? { keys: 0n } : {}),
        endWhy: place.sourceWhy,
        complete: false,
        bootedAlone: false,
        evidence: [],
      };
  }
}

/** The node whose log made a history, when one did. */
export function makerOf(graph: Graph, replid: string): Holding | undefined {
  return graph.holdings.find((holding) =>
    holding.timeline.spans.some((span) => span.id === replid && span.as === 'origin'),
  );
}
