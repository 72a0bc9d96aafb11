import type { RdbSummary } from '../model/formats.js';
import { createCrc64 } from './crc64.js';
import { createRdbWalk, type RdbWalk } from './rdb-walk.js';

/** A reader of one whole RDB file, fed in pieces of any size; memory is constant. */
export interface RdbReader {
  /** Takes the next bytes. Throws Error `not an RDB file` for a wrong magic, or what could not be walked with its byte offset. */
  feed(chunk: Uint8Array): void;
  /**
   * What the file holds. `keys` and `expires` are counted, exact when the file is `complete`; a file that stops early
   * gives what was seen, `complete: false`. Bytes after the checksum are ignored, as Redis does. Throws Error
   * `not an RDB file` when not even the magic was fed.
   */
  end(): RdbSummary;
  /** The same counts for each database that was met so far, in the order of the file. */
  databases(): readonly DatabaseCount[];
}

/** Keys of one database of an RDB file, and how many of them have a time to live. */
export interface DatabaseCount {
  readonly database: number;
  readonly keys: bigint;
  readonly expires: bigint;
}

interface Noted {
  readonly walk: RdbWalk;
  /** Facts of the header so far; undefined before the magic was read. */
  facts(): Facts | undefined;
  readonly counted: { keys: bigint; expires: bigint };
  databases(): readonly DatabaseCount[];
  readonly announced: { keys: bigint; expires: bigint; seen: boolean };
  checksum(): 'right' | 'wrong' | 'none' | undefined;
}

type Facts = Pick<RdbSummary, 'version' | 'writtenBy' | 'ctimeSeconds' | 'replid' | 'offset' | 'aofBase'>;

/** `keys` and `expires` as numbers: a file has fewer than 2^53 of them, and a bigint for each key would be slow. */
function createNoted(): Noted {
  let version: number | undefined;
  let checksum: 'right' | 'wrong' | 'none' | undefined;
  let keys = 0;
  let expires = 0;
  let here = { keys: 0, expires: 0 };
  const databases = new Map<number, typeof here>();
  const aux = new Map<string, string>();
  const announced = { keys: 0n, expires: 0n, seen: false };
  const walk = createRdbWalk({
    header(read) {
      version = read;
    },
    aux(key, value) {
      if (knownAux.has(key)) aux.set(key, value);
    },
    selectDb(database) {
      here = databases.get(database) ?? { keys: 0, expires: 0 };
      databases.set(database, here);
    },
    resizeDb(dbKeys, dbExpires) {
      announced.keys += dbKeys;
      announced.expires += dbExpires;
      announced.seen = true;
    },
    key(hasExpire) {
      keys += 1;
      here.keys += 1;
      if (!hasExpire) return;
      expires += 1;
      here.expires += 1;
    },
    end(verdict) {
      checksum = verdict;
    },
  });
  return {
    walk,
    facts: () => (version === undefined ? undefined : factsOf(version, aux)),
    get counted() {
      return { keys: BigInt(keys), expires: BigInt(expires) };
    },
    databases: () =>
      [...databases].map(([database, one]) => ({
        database,
        keys: BigInt(one.keys),
        expires: BigInt(one.expires),
      })),
    announced,
    checksum: () => checksum,
  };
}

const knownAux: ReadonlySet<string> = new Set([
  'redis-ver',
  'valkey-ver',
  'ctime',
  'used-mem',
  'repl-id',
  'repl-offset',
  'aof-base',
  'aof-preamble',
]);

/** A file may be hostile: only values of the form that Redis writes are passed on. */
function factsOf(version: number, aux: ReadonlyMap<string, string>): Facts {
  const writtenBy = matching(aux.get('valkey-ver') ?? aux.get('redis-ver'), /^[\w.+~-]{1,64}$/);
  const ctime = matching(aux.get('ctime'), /^\d{1,15}$/);
  const usedMem = matching(aux.get('used-mem'), /^\d{1,18}$/);
  const replid = matching(aux.get('repl-id'), /^[0-9a-f]{40}$/);
  const offset = matching(aux.get('repl-offset'), /^-?\d{1,19}$/);
  return {
    version,
    ...(writtenBy === undefined ? {} : { writtenBy }),
    ...(ctime === undefined ? {} : { ctimeSeconds: Number(ctime) }),
    ...(usedMem === undefined ? {} : { usedMemoryBytes: BigInt(usedMem) }),
    ...(replid === undefined || offset === undefined ? {} : { replid, offset: BigInt(offset) }),
    aofBase: aux.get('aof-base') === '1' || aux.get('aof-preamble') === '1',
  };
}

function matching(text: string | undefined, form: RegExp): string | undefined {
  return text !== undefined && form.test(text) ? text : undefined;
}

function countedSummary(noted: Noted): RdbSummary {
  const facts = noted.facts();
  if (facts === undefined) throw new Error('not an RDB file');
  const complete = noted.walk.ended();
  return { ...facts, ...noted.counted, keysExact: complete, complete, checksum: noted.checksum() ?? 'not-checked' };
}

/** A reader that walks every value of RDB versions 6 to 12 (Redis 2.8 to 8.0), counts the keys and checks the CRC64. */
export function createRdbReader(): RdbReader {
  const noted = createNoted();
  return {
    feed(chunk) {
      noted.walk.feed(chunk);
    },
    end: () => countedSummary(noted),
    databases: noted.databases,
  };
}

/** An RDB that something else follows (the preamble of an append-only file): tells how many bytes of a chunk were its own. */
export interface RdbPreamble {
  feed(chunk: Uint8Array): number;
  ended(): boolean;
  summary(): RdbSummary;
}

/** The same as `createRdbReader`, for an RDB with something behind it. */
export function createRdbPreamble(): RdbPreamble {
  const noted = createNoted();
  return { feed: noted.walk.feed, ended: noted.walk.ended, summary: () => countedSummary(noted) };
}

/**
 * What the first and the last bytes (64 KiB each are plenty) of an RDB file of `sizeBytes` tell. A file that fits into
 * both is read in full and its CRC checked. Otherwise `keys` is the sum of the RESIZEDB counts in the head, and
 * `complete` says that nine bytes before the end stands the EOF opcode: one torn file in 256 has that byte by chance.
 * What cannot be walked (a type of a later version) hides counts, never the header. Throws Error `not an RDB file`.
 */
export function readRdbEdges(head: Uint8Array, tail: Uint8Array, sizeBytes: bigint): RdbSummary {
  const whole = wholeFile(head, tail, sizeBytes);
  const noted = createNoted();
  let walked = true;
  try {
    noted.walk.feed(whole ?? head);
  } catch (error) {
    if (noted.facts() === undefined) throw error;
    walked = false;
  }
  if (whole !== undefined && walked) return countedSummary(noted);
  const facts = noted.facts();
  if (facts === undefined) throw new Error('not an RDB file');
  const { keys, expires, seen } = noted.announced;
  const end = whole ?? (tail.length === 0 ? head : tail);
  return {
    ...facts,
    ...(seen ? { keys, expires } : {}),
    keysExact: false,
    complete: (whole !== undefined || tail.length > 0) && end.length > 8 && end[end.length - 9] === 0xff,
    checksum: whole === undefined ? 'not-checked' : checksumOf(whole),
  };
}

function wholeFile(head: Uint8Array, tail: Uint8Array, sizeBytes: bigint): Uint8Array | undefined {
  if (BigInt(head.length) >= sizeBytes) return head;
  if (BigInt(head.length + tail.length) < sizeBytes) return undefined;
  const whole = new Uint8Array(Number(sizeBytes));
  whole.set(head);
  whole.set(tail, whole.length - tail.length);
  return whole;
}

function checksumOf(whole: Uint8Array): RdbSummary['checksum'] {
  const at = whole.length - 8;
  if (at < 9) return 'not-checked';
  if (whole.subarray(at).every((byte) => byte === 0)) return 'none';
  const crc = createCrc64();
  crc.update(whole, 0, at);
  return crc.equals(whole, at) ? 'right' : 'wrong';
}
