import type { RdbSummary } from '../model/formats.js';
import { known } from '../model/seen.js';
import { bornHere, floorOf, type Holding, type Place, sharedOf } from './holding.js';
import { type LoggedEvidence, short } from './names.js';

/** Not even the first byte: a history may begin with data, so that offset 0 is something. */
const NOTHING_SHARED = -1n;

/** A node that would load its RDB file: the header says where the file ends, whatever the memory held after it. */
export function rdbHolding(place: Place): Holding {
  const rdb = known(place.redis.rdb);
  const keys = rdb?.keys;
  const common = {
    ...sharedOf(place),
    empty: keys === 0n && rdb?.keysExact === true,
    ...(keys === undefined ? {} : { keys }),
    complete: false,
    bootedAlone: false,
    evidence: rdb ? [headerEvidence(place, rdb)] : [],
  };
  if (rdb?.replid === undefined || rdb.offset === undefined) return { ...common, ...unnamed(place) };
  const parent = parentOfBoot(place, rdb.replid);
  if (parent !== undefined && place.timeline.countsAnew) return { ...common, ...unnamed(place) };
  if (parent !== undefined) return { ...common, ...booted(place, parent, rdb.replid, rdb.offset) };
  const counted = countsAll(place, rdb.replid, rdb.offset);
  return {
    ...common,
    end: { replid: rdb.replid, offset: rdb.offset, precision: counted ? 'exact' : 'at-least' },
    endWhy: counted
      ? 'the header of its RDB file'
      : 'the header of its RDB file, saved where it was promoted without a link: its offset stood still whatever was written',
    complete: isWhole(place, rdb.replid) && rdb.offset >= floorOf(place, rdb.replid),
  };
}

/**
 * Up to 6.2 a master that starts from a file has no backlog, and its next save names no history, or one that counts from 0
 * (rdb.c:rdbPopulateSaveInfo). When an orderly stop saved the history that the log names, and each start since loaded that file, it is still all in there.
 */
function unnamed(place: Place): Pick<Holding, 'end' | 'endWhy' | 'complete' | 'bootedAlone'> {
  const { served, servedHeld, bootedFromFile } = place.timeline;
  const none = {
    endWhy: 'its RDB file carries no replication id that any log joins to a history',
    complete: false,
    bootedAlone: false,
  };
  if (!bootedFromFile || served?.finalSave !== true || servedHeld === undefined) return none;
  const reached = servedHeld.as === 'origin' ? floorOf(place, servedHeld.id) : servedHeld.floor;
  return {
    end: {
      replid: servedHeld.id,
      offset: reached > servedHeld.floor ? reached : servedHeld.floor,
      precision: 'at-least',
    },
    endWhy: 'its log: an orderly stop saved this history, and it was booted from that file since',
    complete: servedHeld.as === 'origin',
    bootedAlone: true,
  };
}

/** Whether the header's offset tells how much was written: not where it is still the one of a promotion that no backlog saw. */
function countsAll({ timeline }: Place, replid: string, offset: bigint): boolean {
  if (!timeline.uncounted.has(replid)) return true;
  return !timeline.edges.some((edge) => edge.child === replid && edge.how === 'promotion' && edge.cut === offset);
}

/** The node stopped in order, in a history that it made itself, and the stop saved: nothing of that history is missing. */
function isWhole(place: Place, replid: string): boolean {
  const { served, servedHeld } = place.timeline;
  return served?.finalSave === true && servedHeld?.id === replid && bornHere(place, replid);
}

/**
 * An id that only this node's own file names, after a start: drawn at the start as 7.0 and later do, which keep the offset
 * of the file and log nothing (server.c:loadDataFromDisk). Answers the history that the node served before.
 */
function parentOfBoot(place: Place, replid: string): string | undefined {
  if (place.timeline.bootedSince === 0) return undefined;
  const by = [...(place.named.get(replid) ?? [])].filter((who) => who !== `file of ${place.redis.node}`);
  if (by.length > 0) return undefined;
  return place.timeline.servedHeld?.id ?? place.timeline.spans.findLast((span) => span.id !== undefined)?.id;
}

/**
 * The file was saved by a life after a start as master. When the life before stopped in order and saved, every offset since
 * begins at its end, which is at least what the history is proved to have reached; a file at just that offset holds nothing
 * else. Without that save the start may have loaded an older file, and the bytes up to the offset may be its own.
 */
function booted(
  place: Place,
  parent: string,
  child: string,
  offset: bigint,
): Pick<Holding, 'end' | 'endWhy' | 'complete' | 'bootedAlone'> & { bootedFrom?: string } {
  const { served, servedHeld } = place.timeline;
  const savedAtEnd = served?.finalSave === true && servedHeld?.id === parent;
  const floor = floorOf(place, parent);
  if (savedAtEnd && floor === offset)
    return {
      end: { replid: parent, offset, precision: 'exact' },
      endWhy: 'the header of its RDB file; booted once more since, and nothing was written then',
      complete: bornHere(place, parent),
      bootedAlone: false,
    };
  place.addEdge({
    parent,
    child,
    cut: savedAtEnd ? (floor < offset ? floor : offset) : NOTHING_SHARED,
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
    complete: false,
    bootedAlone: false,
    bootedFrom: parent,
  };
}

function headerEvidence(place: Place, rdb: RdbSummary): LoggedEvidence {
  const where = rdb.replid === undefined ? 'no replication id' : `history ${short(rdb.replid)}, ${rdb.offset}`;
  const sum = rdb.checksum === 'right' ? ', CRC right' : '';
  return {
    from: { host: place.redis.host, node: place.redis.node, source: 'dump.rdb header' },
    place: 'RDB header',
    says: `${where}, ${rdb.complete ? 'complete' : 'cut off'}${sum}`,
  };
}
