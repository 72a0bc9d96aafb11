/** What a node says before it gives its whole data to a replica, line by line (replication.c:syncCommand, rdb.c:rdbSaveToSlavesSockets). */

/** The history and the place in it that the data belongs to. */
export interface FullSyncPlace {
  /** 40 lower-case hex digits. */
  readonly replicationId: string;
  readonly offset: bigint;
}

/**
 * How the end of the data is told: `length` for a file that the node wrote first, `mark` (40 bytes behind the data) for
 * what it sends as it saves, with no file in between.
 */
export type PayloadForm =
  | { readonly by: 'length'; readonly bytes: bigint }
  | { readonly by: 'mark'; readonly mark: Uint8Array };

/** Bytes of the mark behind the data (server.h:CONFIG_RUN_ID_SIZE). */
const MARK_BYTES = 40;

/** `FULLRESYNC <replication id> <offset>`, without its `+`; undefined for anything else. */
export function readFullResync(line: string): FullSyncPlace | undefined {
  const [, replicationId, offset] = /^FULLRESYNC ([0-9a-f]{40}) (\d{1,19})$/.exec(line) ?? [];
  return replicationId === undefined || offset === undefined ? undefined : { replicationId, offset: BigInt(offset) };
}

/** `<length>` or `EOF:<mark>`, without its `$`; undefined for anything else. */
export function readPayloadForm(line: string): PayloadForm | undefined {
  if (/^\d{1,19}$/.test(line)) return { by: 'length', bytes: BigInt(line) };
  const mark = /^EOF:([\x21-\x7e]{40})$/.exec(line)?.[1];
  return mark === undefined ? undefined : { by: 'mark', mark: new TextEncoder().encode(mark) };
}

/** Where in what arrived the data ends; feeds are views of the caller's buffers, and what is given out may be one of them. */
export interface PayloadEnd {
  /** The part of the chunk (and of what was held back before) that is data for sure. */
  feed(chunk: Uint8Array): readonly Uint8Array[];
  /** All of the data has been given out. */
  isOver(): boolean;
}

/** Cuts the data out of what arrives. Nothing of what comes behind its end is given out. */
export function payloadEnd(form: PayloadForm): PayloadEnd {
  return form.by === 'length' ? endByLength(form.bytes) : endByMark(form.mark);
}

function endByLength(bytes: bigint): PayloadEnd {
  let left = bytes;
  return {
    feed(chunk) {
      const part = BigInt(chunk.length) > left ? chunk.subarray(0, Number(left)) : chunk;
      left -= BigInt(part.length);
      return part.length === 0 ? [] : [part];
    },
    isOver: () => left === 0n,
  };
}

/** The last bytes are held back: they may be the mark. Nothing comes behind it before the first REPLCONF ACK (replication.c:repl_put_online_on_ack). */
function endByMark(mark: Uint8Array): PayloadEnd {
  let tail: Uint8Array = new Uint8Array(0);
  return {
    feed(chunk) {
      const isLong = chunk.length >= MARK_BYTES;
      const rest = isLong ? chunk : joined(tail, chunk);
      const before = isLong && tail.length > 0 ? [tail] : [];
      const cut = Math.max(0, rest.length - MARK_BYTES);
      tail = rest.slice(cut);
      return cut === 0 ? before : [...before, rest.subarray(0, cut)];
    },
    isOver: () => tail.length === MARK_BYTES && tail.every((byte, index) => byte === mark[index]),
  };
}

function joined(one: Uint8Array, other: Uint8Array): Uint8Array {
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}
