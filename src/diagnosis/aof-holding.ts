import { known } from '../model/seen.js';
import { floorOf, type Holding, type Place, sharedOf } from './holding.js';
import type { LoggedEvidence } from './names.js';

/**
 * A node that would load its AOF. AOFs carry no id and no offset (aof.c): the node's own log says which history was written
 * into it, others how far that history went.
 */
export function aofHolding(place: Place): Holding {
  const { aof } = place.timeline;
  const common = {
    ...sharedOf(place),
    empty: false,
    complete: aof?.as === 'origin' && isWhole(place),
    bootedAlone: aof?.booted === true,
    evidence: [aofEvidence(place)],
  };
  if (aof === undefined) return { ...common, complete: false, endWhy: whyNoEnd(place) };
  const exact = orderlyEnd(place, aof.id);
  if (exact !== undefined && exact >= aof.floor)
    return {
      ...common,
      end: { replid: aof.id, offset: exact, precision: 'exact' },
      endWhy: 'the RDB header of the same orderly stop',
    };
  const untold = aof.as === 'origin' ? undefined : whyUntold(place);
  if (untold !== undefined) return { ...common, endWhy: untold };
  const floor = aof.as === 'origin' ? floorOf(place, aof.id) : aof.floor;
  return {
    ...common,
    end: { replid: aof.id, offset: floor > aof.floor ? floor : aof.floor, precision: 'at-least' },
    endWhy: 'its log names the history; how far it went was recorded by nobody',
  };
}

/**
 * Why the node was master after the last that its log tells of it, which then lost lines: what it took as master stands in
 * its AOF and in no record. A sentinel notes an address only after that node answered as master
 * (sentinel.c:sentinelRefreshInstanceInfo, sentinelFailoverReconfNextSlave).
 */
function whyUntold({ timeline, electedAt = 0n }: Place): string | undefined {
  if (timeline.masterUntold) return 'its log has lines of a master behind the last history that it names as a replica';
  if (electedAt > 0n && timeline.spans.every((span) => span.as !== 'origin'))
    return `sentinels name it as master at epoch ${electedAt}, and its log tells nothing of that`;
  return undefined;
}

/** A torn end says that the disk did not get all: a power cut takes what was not synced, a killed process takes nothing. */
function isWhole(place: Place): boolean {
  const tail = known(place.redis.aof)?.tail;
  return tail === undefined || tail === 'clean' || tail === 'unknown';
}

/** The RDB that the same stop wrote has the id and the offset that the AOF has not. */
function orderlyEnd(place: Place, id: string): bigint | undefined {
  const { served, servedHeld, bootedSince, aofCurrent } = place.timeline;
  const rdb = known(place.redis.rdb);
  const same = aofCurrent && served?.finalSave === true && bootedSince === 0 && servedHeld?.id === id;
  return same && rdb?.complete === true && rdb.replid === id ? rdb.offset : undefined;
}

function whyNoEnd(place: Place): string {
  if (!place.redis.log.ok) return 'an AOF names no history, and the log that would name it was not seen';
  if (place.timeline.spans.every((span) => span.id === undefined))
    return 'an AOF names no history, and its log names none either';
  return 'its log does not show that the AOF holds what the node had in memory';
}

/** `#TS:` lines of aof-timestamp-enabled, by the clock of the node itself. */
function lastNoted(seconds: number | undefined): string {
  return seconds === undefined ? '' : `, last annotated ${new Date(seconds * 1000).toISOString()} by its own clock`;
}

function aofEvidence(place: Place): LoggedEvidence {
  const aof = known(place.redis.aof);
  const size = aof?.files.reduce((sum, file) => sum + file.sizeBytes, 0n) ?? 0n;
  return {
    from: { host: place.redis.host, node: place.redis.node, source: aof?.manifestPath ?? 'appendonly.aof' },
    place: 'AOF',
    says: `${aof?.files.length ?? 0} files, ${size} bytes, ends ${aof?.tail ?? 'unknown'}${lastNoted(aof?.lastTimestampSeconds)}`,
  };
}
