import { known } from '../model/seen.js';
import type { RedisSurvey } from '../model/survey.js';
import { floorOf } from './holding.js';
import { short } from './names.js';
import type { ProvenEdge, Restart, Timeline } from './timeline-shape.js';

/**
 * What joins a master that was started again from its AOF to the history that it served before: it draws a new id, counts
 * from 0 and logs neither (server.c:loadDataFromDisk gives an AOF no id; seen on 7.0.15). Only after an orderly stop, which
 * leaves nothing of the memory out of the AOF; after a crash nothing is joined.
 */
export function edgesOfRestarts(
  redis: RedisSurvey,
  timeline: Timeline,
  timelines: readonly Timeline[],
  group: readonly RedisSurvey[],
): ProvenEdge[] {
  return timeline.restarts.flatMap((restart) => {
    const child = restart.child ?? idNow(redis);
    if (child === undefined || child === restart.held.id) return [];
    return [edgeOf(restart, child, cutOf(restart, redis, timeline, timelines, group), redis)];
  });
}

/** The id of the running master, which its log does not name; one that has a second id says itself what it grew out of. */
function idNow(redis: RedisSurvey): string | undefined {
  const running = known(redis.running);
  const unnamed = running?.role === 'master' && !running.loading && running.replid2 === undefined;
  return unnamed && running.replid !== '' ? running.replid : undefined;
}

/** A history that was made here has nowhere more than is here; of one that was followed, what log and file prove. */
function cutOf(
  { held }: Restart,
  redis: RedisSurvey,
  timeline: Timeline,
  timelines: readonly Timeline[],
  group: readonly RedisSurvey[],
): bigint {
  const header = known(redis.rdb);
  const saved = header?.replid === held.id ? (header.offset ?? 0n) : 0n;
  const answered = group.map((each) => {
    const running = known(each.running);
    return running?.replid === held.id ? running.offset : 0n;
  });
  const others = held.as === 'origin' ? [floorOf({ redis, timeline, timelines, group }, held.id), ...answered] : [];
  return [saved, ...others].reduce((max, each) => (each > max ? each : max), held.floor);
}

function edgeOf(restart: Restart, child: string, cut: bigint, redis: RedisSurvey): ProvenEdge {
  const parent = restart.held.id;
  return {
    parent,
    child,
    cut,
    how: 'restart',
    exact: false,
    fresh: true,
    proof: `${redis.node} stopped in order in ${short(parent)} and was started again from its AOF`,
    evidence: {
      from: { host: redis.host, node: redis.node, source: 'redis log' },
      place: 'redis log',
      says: `started again from its AOF after it served ${short(parent)}`,
    },
  };
}
