import type { HistoryPoint } from '../model/diagnosis.js';
import { known } from '../model/seen.js';
import type { RedisSurvey } from '../model/survey.js';
import type { LoggedEvidence } from './names.js';
import type { Source } from './source.js';
import type { ProvenEdge, Timeline } from './timeline-shape.js';

/** What one node's data is, and where it ends. */
export interface Holding extends Source {
  readonly node: string;
  readonly redis: RedisSurvey;
  readonly timeline: Timeline;
  readonly empty: boolean;
  readonly keys?: bigint;
  readonly end?: HistoryPoint;
  /** Why there is no end, or how it was found. */
  readonly endWhy: string;
  /** Holds everything that the history of `end` ever was: made here, and the data reaches all that was made. */
  readonly complete: boolean;
  /** `end` counts only what the named history is; started again since, the data may hold more that no offset tells. */
  readonly bootedAlone: boolean;
  /** The history that the node served before it was booted into the unnamed one of `end`. */
  readonly bootedFrom?: string;
  /** A replica that takes writes of its own, which no offset counts. */
  readonly writable: boolean;
  readonly evidence: readonly LoggedEvidence[];
}

/** Everything around a node that its holding is found from. */
export interface Place extends Source {
  readonly redis: RedisSurvey;
  readonly timeline: Timeline;
  readonly timelines: readonly Timeline[];
  readonly group: readonly RedisSurvey[];
  /** Who names each replication id: logs, edges, running nodes, files. */
  readonly named: ReadonlyMap<string, ReadonlySet<string>>;
  readonly addEdge: (edge: ProvenEdge) => void;
  /** The config-epoch at which the sentinels elected this node, when it is the one that they elected last. */
  readonly electedAt?: bigint;
}

type Shared = Pick<Holding, 'node' | 'redis' | 'timeline' | 'source' | 'sourceWhy' | 'writable'>;

/** What is the same for every kind of source. */
export function sharedOf(place: Place): Shared {
  return {
    node: place.redis.node,
    redis: place.redis,
    timeline: place.timeline,
    source: place.source,
    sourceWhy: place.sourceWhy,
    writable: isWritable(place.redis),
  };
}

function isWritable(redis: RedisSurvey): boolean {
  const running = known(redis.running);
  if (running) return running.role === 'replica' && !running.readOnly;
  const line = known(redis.config)?.lines.findLast((each) =>
    ['replica-read-only', 'slave-read-only'].includes(each.name),
  );
  return line?.args[0]?.toLowerCase() === 'no';
}

/** The node made the history itself: it was promoted into it, or drew its id when its first replica came. */
export function bornHere(place: Pick<Place, 'timeline'>, replid: string | undefined): boolean {
  return place.timeline.spans.some((span) => span.id !== undefined && span.id === replid && span.as === 'origin');
}

/**
 * What is proved to have been reached in history `id`: by this node's own log, and, where the history was born here, by
 * whatever any other node received of it (nobody can receive what the origin never produced).
 */
export function floorOf(place: Pick<Place, 'redis' | 'timeline' | 'timelines' | 'group'>, id: string): bigint {
  const own = place.timeline.reached.get(id) ?? 0n;
  if (!bornHere(place, id)) return own;
  const logged = place.timelines.map((timeline) => timeline.reached.get(id) ?? 0n);
  const saved = place.group.map((redis) => {
    const rdb = known(redis.rdb);
    return redis.node !== place.redis.node && rdb?.replid === id ? (rdb.offset ?? 0n) : 0n;
  });
  return [...logged, ...saved].reduce((max, each) => (each > max ? each : max), own);
}
