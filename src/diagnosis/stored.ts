import type { LogEvent } from '../model/formats.js';

/** A place in a history: at least `floor` of `id`, which this node made itself or only followed. */
export interface Held {
  readonly id: string;
  readonly floor: bigint;
  readonly as: 'origin' | 'follower';
  /** Started again since as nobody's replica: there may be writes of its own beyond what the history counts. */
  readonly booted?: true;
  /** The life before `booted` stopped in order with its AOF current: the AOF has all that the memory had of the history. */
  readonly whole?: true;
}

/**
 * What a node held, as its log tells it: in memory, and in the AOF, which are not the same from the end of a full copy until
 * the AOF is rewritten (replication.c:readSyncBulkPayload stops the AOF; the old one stays on disk until the rewrite).
 */
export interface DataWalk {
  memory?: Held | undefined;
  aof?: Held | undefined;
  /** The AOF receives what the memory receives; undefined while the log does not say. */
  appending?: boolean | undefined;
  /** Started with no data, and up to 6.2 the log does not say whether with an AOF; nothing has replaced or rewritten it since. */
  blank?: boolean | undefined;
  /** A full copy that was announced and not seen to replace the memory. */
  incoming?: Held | undefined;
}

/** The node goes on in a history, with the same data. */
export function goOn(data: DataWalk, held: Held): void {
  data.memory = held;
  data.incoming = undefined;
  if (data.appending === true) data.aof = held;
}

/** The node is proved to hold `offset` of the history that it is in. */
export function advance(data: DataWalk, id: string, offset: bigint): void {
  if (data.memory?.id !== id || data.memory.floor >= offset) return;
  const { whole, ...held } = data.memory;
  data.memory = { ...held, floor: offset };
  if (data.appending === true && data.aof?.id === id) data.aof = data.memory;
}

/** A partial resynchronization was asked for: it names the history and the offset that the memory is at. */
export function asksFrom(data: DataWalk, id: string, offset: bigint): void {
  if (data.memory?.id === id) {
    data.incoming = undefined;
    advance(data, id, offset);
    return;
  }
  const copied = data.incoming?.id === id;
  if (copied) Object.assign(data, { appending: false, blank: false });
  data.incoming = undefined;
  data.memory = { id, floor: offset, as: 'follower' };
  if (data.appending === true) data.aof = data.memory;
}

/** An orderly stop writes and syncs the AOF (server.c:finishShutdown): it then holds whatever the memory held. */
export function settle(data: DataWalk, isClean: boolean): void {
  const current = data.appending === true && data.incoming === undefined;
  if (isClean && current && data.aof !== undefined) data.aof = { ...data.aof, whole: true };
}

/** What events say of memory and AOF beyond the names of histories. */
export function noteData(data: DataWalk, event: LogEvent): void {
  switch (event.kind) {
    case 'started':
      Object.assign(data, { memory: undefined, appending: undefined, incoming: undefined, blank: false });
      return;
    case 'loaded-aof':
      if (data.aof) data.aof = { ...data.aof, booted: true };
      data.memory = data.aof;
      data.appending = true;
      return;
    case 'loaded-rdb':
      data.appending = false;
      return;
    case 'loaded-nothing':
      // Only 7.0 and later say that they made a new AOF; "ready" without a load says nothing about one.
      data.appending = event.at.text.includes('AOF base file');
      data.blank = !data.appending;
      data.aof = undefined;
      return;
    case 'full-resync':
      data.incoming = { id: event.replid, floor: event.offset, as: 'follower' };
      return;
    case 'flushed':
      data.memory = data.incoming;
      data.incoming = undefined;
      Object.assign(data, { appending: false, blank: false });
      return;
    case 'aof-synced':
      syncedAtStop(data);
      return;
    case 'aof-rewritten':
      rewritten(data);
      return;
    default:
      return;
  }
}

/**
 * There was an AOF at the stop. One that is switched on later begins with a rewrite (aof.c:startAppendOnly), so without one
 * it was there since the start and holds all that was written.
 */
function syncedAtStop(data: DataWalk): void {
  if (data.blank !== true || data.incoming !== undefined) return;
  Object.assign(data, { aof: data.memory, appending: true, blank: false });
}

/** With a copy under way it is not known which of the two data sets was written. */
function rewritten(data: DataWalk): void {
  const certain = data.incoming === undefined;
  data.aof = certain ? data.memory : undefined;
  data.appending = certain;
  data.blank = false;
}
