import { known } from '../model/seen.js';
import type { RedisSurvey } from '../model/survey.js';
import { type Holding, type Place, sharedOf } from './holding.js';
import { short } from './names.js';
import type { ProvenEdge } from './timeline-shape.js';

/** A node that answers: its own id and offset, unless it is loading or a full copy is about to replace its data. */
export function runningHolding(place: Place): Holding {
  const running = known(place.redis.running);
  const usable = running !== undefined && !running.loading && !running.syncInProgress && running.replid !== '';
  return {
    ...sharedOf(place),
    empty: running?.keys === 0n && !running.loading,
    ...(running === undefined ? {} : { keys: running.keys }),
    ...(usable
      ? { end: { replid: running.replid, offset: running.offset, precision: countsAll(place) ? 'exact' : 'at-least' } }
      : {}),
    endWhy: usable
      ? countsAll(place)
        ? 'its own answer'
        : 'its own answer; without a backlog its offset stands still whatever is written'
      : 'it is loading or in a full resync: its offset says nothing yet',
    complete: usable && running.role === 'master',
    bootedAlone: false,
    evidence: usable
      ? [
          {
            from: { host: place.redis.host, node: place.redis.node, source: 'INFO replication' },
            place: 'INFO replication',
            says: `history ${short(running.replid)}, ${running.offset}, ${running.role}`,
          },
        ]
      : [],
  };
}

/**
 * The offset of a master moves only while it has a backlog (replication.c:replicationFeedSlaves): one that no replica ever
 * joined may have taken any number of writes at the same offset. Not when nothing was changed and nothing saved since its start.
 * A replica without one that went over into another history was master meanwhile: a link would have brought a backlog.
 */
function countsAll({ redis, timeline }: Place): boolean {
  const running = known(redis.running);
  if (running === undefined || running.backlogActive) return true;
  if (running.role === 'replica' && running.replid2 === undefined) return true;
  const unsaved = redis.log.ok && timeline.lastLife !== undefined && timeline.lastLife.savedMs === undefined;
  return running.changesSinceSave === 0n && unsaved;
}

/**
 * The second id of a running node. On a master it is the promotion's own record (replication.c:shiftReplicationId) or the
 * point that it was loaded at (7.0 and later); on a replica it is only how far the replica was when it went over.
 */
export function edgeOfRunning(redis: RedisSurvey): ProvenEdge[] {
  const running = known(redis.running);
  if (!running?.replid2 || running.secondOffset === undefined) return [];
  const cut = running.secondOffset - 1n;
  const exact = running.role === 'master';
  return [
    {
      parent: running.replid2,
      child: running.replid,
      cut,
      how: exact ? 'promotion' : 'followed',
      exact,
      proof: `${redis.node} says: ${short(running.replid2)} is shared up to ${cut}${exact ? '' : ' at least'}`,
      evidence: {
        from: { host: redis.host, node: redis.node, source: 'INFO replication' },
        place: 'INFO replication',
        says: `history ${short(running.replid)} continues ${short(running.replid2)} from ${cut}`,
        raw: `master_replid2:${running.replid2} second_repl_offset:${running.secondOffset}`,
      },
    },
  ];
}
