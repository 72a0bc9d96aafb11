import type { Weighed } from '../model/plan.js';
import type { RunningRedis } from '../model/survey.js';

/**
 * What a master accepted since it was weighed, in words; undefined when it is known to be nothing. Without a backlog its offset
 * stands still whatever it takes (seen on 7.0.15): then the calls of writing commands decide, and where they were not told, or
 * were set back (CONFIG RESETSTAT), nobody knows. The first replica brings a backlog and another history with it
 * (replication.c:syncCommand), at the offset that stood still.
 */
export function acceptedSince(then: Weighed, now: RunningRedis): string | undefined {
  if (now.replid !== then.replid) return 'writes of another history';
  if (now.offset > then.offset) return `${now.offset - then.offset} bytes`;
  if (now.backlogActive) return undefined;
  if (then.writes === undefined || now.writeCalls === undefined || now.writeCalls < then.writes)
    return 'what nobody can tell: it has no backlog, and its counters of commands do not say';
  const writes = now.writeCalls - then.writes;
  return writes === 0n ? undefined : `${writes} ${writes === 1n ? 'write' : 'writes'}`;
}
