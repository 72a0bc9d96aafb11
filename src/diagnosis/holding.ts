import type { Evidence, HistoryPoint } from '../model/diagnosis.js';
import type { RdbSummary } from '../model/formats.js';
import { known } from '../model/seen.js';
import type { GroupSurvey, RedisSurvey } from '../model/survey.js';
import { type ProvenEdge, short, type Timeline, timelineOf } from './timeline.js';

/** What one node's data is, and where it ends. */
export interface Holding {
  readonly node: string;
  readonly redis: RedisSurvey;
  readonly timeline: Timeline;
  /** Where the data is: in the running process, or in the file that the node would load. */
  readonly source: 'running' | 'rdb' | 'aof' | 'nothing' | 'unknown';
  readonly sourceWhy: string;
  readonly empty: boolean;
  readonly keys?: bigint;
  readonly end?: HistoryPoint;
  /** Why there is no end, or how it was found. */
  readonly endWhy: string;
  /** The history of `end` was born on this node. */
  readonly origin: boolean;
  /** The data reaches everything that the node itself ever had: it runs, stopped in order, or appends to an AOF. */
  readonly whole: boolean;
  /** Booted again after it last took part in a named history, so it may hold writes of its own since. */
  readonly bootedSince: boolean;
  readonly evidence: readonly Omit<Evidence, 'id'>[];
}

/** The graph of histories and each node's place in it. */
export interface Graph {
  readonly holdings: readonly Holding[];
  readonly edges: readonly ProvenEdge[];
}

/** Joins what the nodes' logs, RDB headers and answers say into one graph. Rules: Redis replication ids, 4.0 and later. */
export function graphOf(group: GroupSurvey): Graph {
  const timelines = group.redis.map(timelineOf);
  const edges = [...timelines.flatMap((timeline) => timeline.edges), ...group.redis.flatMap(edgeOfRunning)];
  const named = namedIds(group, timelines, edges);
  const extra: ProvenEdge[] = [];
  const holdings = group.redis.map((redis, index) => {
    const timeline = timelines[index] ?? timelineOf(redis);
    return holdingOf({ redis, timeline, timelines, named, addEdge: (edge) => extra.push(edge) });
  });
  return { holdings, edges: [...edges, ...extra] };
}

interface Place {
  readonly redis: RedisSurvey;
  readonly timeline: Timeline;
  readonly timelines: readonly Timeline[];
  /** Ids that logs, running nodes or other nodes' headers name, by the nodes that name them. */
  readonly named: ReadonlyMap<string, ReadonlySet<string>>;
  readonly addEdge: (edge: ProvenEdge) => void;
}

function namedIds(
  group: GroupSurvey,
  timelines: readonly Timeline[],
  edges: readonly ProvenEdge[],
): ReadonlyMap<string, ReadonlySet<string>> {
  const named = new Map<string, Set<string>>();
  const add = (id: string | undefined, node: string): void => {
    if (id) named.set(id, (named.get(id) ?? new Set()).add(node));
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

function edgeOfRunning(redis: RedisSurvey): ProvenEdge[] {
  const running = known(redis.running);
  if (!running?.replid2 || running.secondOffset === undefined) return [];
  const cut = running.secondOffset - 1n;
  return [
    {
      parent: running.replid2,
      child: running.replid,
      cut,
      how: 'promotion',
      exact: true,
      proof: `${redis.node} says: ${short(running.replid2)} is shared up to ${cut}`,
      evidence: {
        from: { host: redis.host, node: redis.node, source: 'INFO replication' },
        place: 'INFO replication',
        says: `history ${short(running.replid)} continues ${short(running.replid2)} from ${cut}`,
        raw: `master_replid2:${running.replid2} second_repl_offset:${running.secondOffset}`,
      },
    },
  ];
}

function holdingOf(place: Place): Holding {
  const { redis, timeline } = place;
  const base = { node: redis.node, redis, timeline };
  const source = sourceOf(redis);
  if (source.source === 'running') return runningHolding(base, place);
  if (source.source === 'unknown' || source.source === 'nothing')
    return {
      ...base,
      ...source,
      empty: source.source === 'nothing',
      ...(source.source === 'nothing' ? { keys: 0n } : {}),
      endWhy: source.sourceWhy,
      origin: false,
      whole: false,
      bootedSince: timeline.bootedSince > 0,
      evidence: [],
    };
  return source.source === 'rdb'
    ? rdbHolding(base, place, source.sourceWhy)
    : aofHolding(base, place, source.sourceWhy);
}

type Base = Pick<Holding, 'node' | 'redis' | 'timeline'>;

function sourceOf(redis: RedisSurvey): Pick<Holding, 'source' | 'sourceWhy'> {
  if (redis.process.ok && redis.process.value !== null) {
    if (redis.running.ok) return { source: 'running', sourceWhy: 'it runs and answers' };
    return { source: 'unknown', sourceWhy: `it runs and does not answer: ${redis.running.detail}` };
  }
  if (!redis.process.ok) return { source: 'unknown', sourceWhy: `not known whether it runs: ${redis.process.detail}` };
  const config = known(redis.config);
  if (!config) return { source: 'unknown', sourceWhy: 'its redis.conf could not be read' };
  return config.appendonly ? aofSource(redis) : rdbSource(redis);
}

function aofSource(redis: RedisSurvey): Pick<Holding, 'source' | 'sourceWhy'> {
  if (redis.aof.ok)
    return redis.aof.value.empty
      ? { source: 'nothing', sourceWhy: 'appendonly is yes and the AOF holds nothing' }
      : { source: 'aof', sourceWhy: 'appendonly is yes: it would load the AOF and never look at the RDB' };
  if (redis.aof.why === 'absent') return { source: 'nothing', sourceWhy: 'appendonly is yes and there is no AOF' };
  return { source: 'unknown', sourceWhy: `its AOF could not be read: ${redis.aof.detail}` };
}

function rdbSource(redis: RedisSurvey): Pick<Holding, 'source' | 'sourceWhy'> {
  if (redis.rdb.ok) {
    if (!redis.rdb.value.complete)
      return { source: 'unknown', sourceWhy: 'its RDB file is cut off and would not load' };
    if (redis.rdb.value.checksum === 'wrong')
      return { source: 'unknown', sourceWhy: 'its RDB file has a wrong checksum and would not load' };
    return { source: 'rdb', sourceWhy: 'appendonly is no: it would load the RDB file' };
  }
  if (redis.rdb.why === 'absent') return { source: 'nothing', sourceWhy: 'there is no RDB file' };
  return { source: 'unknown', sourceWhy: `its RDB file could not be read: ${redis.rdb.detail}` };
}

function runningHolding(base: Base, place: Place): Holding {
  const running = known(base.redis.running);
  const usable = running !== undefined && !running.loading && !running.syncInProgress && running.replid !== '';
  return {
    ...base,
    source: 'running',
    sourceWhy: 'it runs and answers',
    empty: running?.keys === 0n && !running.loading,
    ...(running === undefined ? {} : { keys: running.keys }),
    ...(usable ? { end: { replid: running.replid, offset: running.offset, precision: 'exact' as const } } : {}),
    endWhy: usable ? 'its own answer' : 'it is loading or in a full resync: its offset says nothing yet',
    origin: running?.role === 'master' || bornHere(place, running?.replid),
    whole: true,
    bootedSince: false,
    evidence: usable
      ? [
          {
            from: { host: base.redis.host, node: base.node, source: 'INFO replication' },
            place: 'INFO replication',
            says: `history ${short(running.replid)}, ${running.offset}, ${running.role}`,
          },
        ]
      : [],
  };
}

function bornHere(place: Place, replid: string | undefined): boolean {
  return place.timeline.spans.some((span) => span.id !== undefined && span.id === replid && span.as === 'origin');
}

/**
 * What is proved to have been reached in history `id` on this node: by its own log, and, where the history was born
 * here, by whatever any other node received of it (nobody can receive what the origin never produced).
 */
function floorOf(place: Place, id: string): bigint {
  const own = place.timeline.reached.get(id) ?? 0n;
  if (!bornHere(place, id)) return own;
  return place.timelines.reduce((max, timeline) => {
    const reached = timeline.reached.get(id) ?? 0n;
    return reached > max ? reached : max;
  }, own);
}

function rdbHolding(base: Base, place: Place, sourceWhy: string): Holding {
  const rdb = known(base.redis.rdb);
  const keys = rdb?.keys;
  const lastId = base.timeline.spans.findLast((span) => span.id !== undefined)?.id;
  const common = {
    ...base,
    source: 'rdb' as const,
    sourceWhy,
    empty: keys === 0n && rdb?.keysExact === true,
    ...(keys === undefined ? {} : { keys }),
    whole: base.timeline.served?.clean === true,
    bootedSince: base.timeline.bootedSince > 0,
    evidence: rdb ? [headerEvidence(base, rdb)] : [],
  };
  if (rdb?.replid === undefined || rdb.offset === undefined)
    return { ...common, origin: false, endWhy: 'its RDB file carries no replication id' };
  const silent = isSilent(place, rdb.replid);
  if (silent && lastId !== undefined) return { ...common, ...restarted(place, lastId, rdb.replid, rdb.offset) };
  return {
    ...common,
    end: { replid: rdb.replid, offset: rdb.offset, precision: 'exact' },
    endWhy: 'the header of its RDB file',
    origin: bornHere(place, rdb.replid),
  };
}

/** An id that only this node's own file names, after a restart: drawn at the restart, as 7.0 and later do, offset kept. */
function isSilent(place: Place, replid: string): boolean {
  const by = [...(place.named.get(replid) ?? [])].filter((who) => who !== `file of ${place.redis.node}`);
  return by.length === 0 && place.timeline.bootedSince > 0;
}

/**
 * The file was saved by a life after a restart. 7.0 and later resume the offset under a new id, so when the saved
 * offset is what the history is proved to have reached before, nothing was written since.
 */
function restarted(
  place: Place,
  parent: string,
  child: string,
  offset: bigint,
): Pick<Holding, 'end' | 'endWhy' | 'origin'> {
  const floor = floorOf(place, parent);
  const origin = bornHere(place, parent);
  if (floor === offset)
    return {
      end: { replid: parent, offset, precision: 'exact' },
      endWhy: 'the header of its RDB file; booted once more since, and nothing was written then',
      origin,
    };
  place.addEdge({
    parent,
    child,
    cut: floor < offset ? floor : offset,
    how: 'restart',
    exact: false,
    proof: `${place.redis.node} was booted again: its file goes on from ${short(parent)}`,
    evidence: {
      from: { host: place.redis.host, node: place.redis.node, source: 'redis log' },
      place: 'redis log',
      says: `started again after it served ${short(parent)}`,
    },
  });
  return {
    end: { replid: child, offset, precision: 'exact' },
    endWhy: `the header of its RDB file, saved after it was booted again (it continues ${short(parent)})`,
    origin: true,
  };
}

function headerEvidence(base: Base, rdb: RdbSummary): Omit<Evidence, 'id'> {
  const where = rdb.replid === undefined ? 'no replication id' : `history ${short(rdb.replid)}, ${rdb.offset}`;
  const sum = rdb.checksum === 'right' ? ', CRC right' : '';
  return {
    from: { host: base.redis.host, node: base.node, source: 'dump.rdb header' },
    place: 'RDB header',
    says: `${where}, ${rdb.complete ? 'complete' : 'cut off'}${sum}`,
  };
}

/** AOFs carry no id and no offset (aof.c); the node's own log says which history it was in, others how far that went. */
function aofHolding(base: Base, place: Place, sourceWhy: string): Holding {
  const last = base.timeline.spans.findLast((span) => span.id !== undefined);
  const rdb = known(base.redis.rdb);
  const common = {
    ...base,
    source: 'aof' as const,
    sourceWhy,
    empty: false,
    whole: true,
    bootedSince: base.timeline.bootedSince > 0,
    evidence: [aofEvidence(base)],
  };
  if (last?.id === undefined)
    return { ...common, origin: false, endWhy: 'an AOF names no history, and its log is not there to say which one' };
  const origin = bornHere(place, last.id);
  const clean = base.timeline.served?.clean && base.timeline.bootedSince === 0;
  if (clean && rdb?.replid === last.id && rdb.offset !== undefined)
    return {
      ...common,
      end: { replid: last.id, offset: rdb.offset, precision: 'exact' },
      endWhy: 'the RDB header of the same orderly stop',
      origin,
    };
  return {
    ...common,
    end: { replid: last.id, offset: floorOf(place, last.id), precision: 'at-least' },
    endWhy: 'its log names the history; how far it went was recorded by nobody',
    origin,
  };
}

function aofEvidence(base: Base): Omit<Evidence, 'id'> {
  const aof = known(base.redis.aof);
  const size = aof?.files.reduce((sum, file) => sum + file.sizeBytes, 0n) ?? 0n;
  return {
    from: { host: base.redis.host, node: base.node, source: aof?.manifestPath ?? 'appendonly.aof' },
    place: 'AOF',
    says: `${aof?.files.length ?? 0} files, ${size} bytes, ends ${aof?.tail ?? 'unknown'}`,
  };
}
