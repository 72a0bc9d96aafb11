import type { AofFile, AofSummary, RdbSummary } from '../model/formats.js';
import { commandName, isExpectedInAof } from './aof-commands.js';
import { type AofCommand, createAofFrames, findCommands } from './aof-frames.js';
import { parseManifest } from './aof-manifest.js';
import { createRdbPreamble, type RdbPreamble, readRdbEdges } from './rdb.js';

export { parseManifest } from './aof-manifest.js';

/** What one append-only file holds. */
export interface AofScan {
  /** Whole commands, SELECT, MULTI and EXEC counted too; the preamble's keys are not commands. */
  readonly commands: number;
  /**
   * Up to here the file can be kept: behind the last whole command that no open MULTI holds. It is what
   * `redis-check-aof` calls ok_up_to; what the server itself cuts off leaves an open MULTI standing.
   */
  readonly okUpToBytes: bigint;
  /** `open-multi` also when the last command is torn: the transaction before it swallows every later write. */
  readonly tail: 'clean' | 'torn' | 'open-multi';
  readonly lastTimestampSeconds?: number;
  readonly preamble?: RdbSummary;
  /** Commands that Redis does not write into an AOF itself, with where they begin; the first `suspiciousLimit`. */
  readonly suspicious: readonly { readonly command: string; readonly atByte: bigint }[];
  readonly suspiciousTotal: number;
  /** Whether FLUSHALL or FLUSHDB occurs. */
  readonly flushed: boolean;
}

/** A reader of one append-only file (base, incremental, or the single file of 6.2 and earlier), fed in pieces of any size. */
export interface AofReader {
  /** Takes the next bytes. Throws Error with the byte position for what Redis would refuse as bad format. */
  feed(chunk: Uint8Array): void;
  end(): AofScan;
}

/** How many suspicious commands are kept by name unless told otherwise. */
const defaultSuspiciousLimit = 100;

const timestamp = /^TS:(\d{1,15})$/;

/** A reader with constant memory. An RDB preamble (4.0+) is walked and its checksum compared. */
export function createAofReader(options: { readonly suspiciousLimit?: number } = {}): AofReader {
  const limit = options.suspiciousLimit ?? defaultSuspiciousLimit;
  const suspicious: { command: string; atByte: bigint }[] = [];
  let suspiciousTotal = 0;
  let commands = 0;
  let flushed = false;
  let inMulti = false;
  let okUpTo = 0;
  let lastTimestampSeconds: number | undefined;
  let preamble: RdbPreamble | undefined;
  let preambleBytes = 0;
  let opening: Uint8Array | undefined = new Uint8Array(0);

  function command({ first, second, start, end }: AofCommand): void {
    commands += 1;
    const name = commandName(first, second);
    if (name === 'flushall' || name === 'flushdb') flushed = true;
    if (!isExpectedInAof(name)) {
      suspiciousTotal += 1;
      if (suspicious.length < limit) suspicious.push({ command: name, atByte: BigInt(preambleBytes + start) });
    }
    if (name === 'multi') inMulti = true;
    if (name === 'exec') inMulti = false;
    if (!inMulti) okUpTo = preambleBytes + end;
  }

  const frames = createAofFrames({
    command,
    annotation(text, end) {
      if (!inMulti) okUpTo = preambleBytes + end;
      const seconds = timestamp.exec(text)?.[1];
      if (seconds !== undefined) lastTimestampSeconds = Number(seconds);
    },
  });

  /** The first five bytes decide: `REDIS` is a preamble (aof.c:loadSingleAppendOnlyFile). */
  function open(chunk: Uint8Array): Uint8Array {
    const start = joined(opening ?? chunk.subarray(0, 0), chunk);
    const magic = [...'REDIS'].every((letter, at) => at >= start.length || start[at] === letter.charCodeAt(0));
    if (magic && start.length < 5) {
      opening = start;
      return chunk.subarray(chunk.length);
    }
    opening = undefined;
    if (magic) preamble = createRdbPreamble();
    return start;
  }

  function takePreamble(chunk: Uint8Array): Uint8Array {
    if (preamble === undefined || preamble.ended()) return chunk;
    const used = preamble.feed(chunk);
    preambleBytes += used;
    if (preamble.ended()) okUpTo = preambleBytes;
    return chunk.subarray(used);
  }

  function tail(): AofScan['tail'] {
    if (inMulti) return 'open-multi';
    const tornPreamble = preamble !== undefined && !preamble.ended();
    return tornPreamble || (opening?.length ?? 0) > 0 || !frames.atBoundary() ? 'torn' : 'clean';
  }

  return {
    feed(chunk) {
      const rest = takePreamble(opening === undefined ? chunk : open(chunk));
      if (rest.length === 0) return;
      try {
        frames.feed(rest);
      } catch (error) {
        throw preambleBytes === 0 ? error : new Error(`${message(error)}, ${preambleBytes} bytes of preamble before`);
      }
    },
    end: () => ({
      commands,
      okUpToBytes: BigInt(okUpTo),
      tail: tail(),
      ...(lastTimestampSeconds === undefined ? {} : { lastTimestampSeconds }),
      ...(preamble === undefined ? {} : { preamble: preamble.summary() }),
      suspicious,
      suspiciousTotal,
      flushed,
    }),
  };
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  if (first.length === 0) return second;
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

type TailReading = Pick<AofSummary, 'tail' | 'lastTimestampSeconds'>;

/**
 * How an append-only file ends, from its last bytes (64 KiB are plenty). With `wholeFile` the bytes are all of it.
 * Otherwise the first place is taken from which whole commands reach to the end; a transaction that began before the
 * bytes in reach is not seen. `unknown` when there is no such place (one value larger than the tail, or no AOF).
 */
export function aofTail(tail: Uint8Array, wholeFile: boolean): AofSummary['tail'] {
  return readTail(tail, wholeFile).tail;
}

function readTail(tail: Uint8Array, wholeFile: boolean): TailReading {
  const at = wholeFile ? 0 : findCommands(tail, false);
  return (at < 0 ? undefined : scanned(tail.subarray(at))) ?? { tail: 'unknown' };
}

function scanned(bytes: Uint8Array): TailReading | undefined {
  const reader = createAofReader({ suspiciousLimit: 0 });
  try {
    reader.feed(bytes);
  } catch {
    return undefined;
  }
  const { tail, lastTimestampSeconds } = reader.end();
  return { tail, ...(lastTimestampSeconds === undefined ? {} : { lastTimestampSeconds }) };
}

export interface AofFileSeen {
  readonly name: string;
  readonly path: string;
  readonly sizeBytes: bigint;
  readonly mtimeMs: number;
}

/** What a look at a node's append-only files brought back. */
export interface AofSeen {
  /** The manifest of 7.0+; left out for the single file of earlier versions. */
  readonly manifest?: { readonly path: string; readonly text: string };
  /** The files that exist, those the manifest does not list too (they are ignored, as Redis does); or the single file. */
  readonly files: readonly AofFileSeen[];
  /** First and last bytes of the base file; `tail` empty when `head` is all of it. */
  readonly base?: { readonly head: Uint8Array; readonly tail: Uint8Array };
  /** Last bytes of the last incremental, or of the single file; all of it when it is no longer. */
  readonly lastTail?: Uint8Array;
}

/**
 * The summary of a node's append-only files in load order. A listed file that does not exist has `sizeBytes` 0 and
 * `mtimeMs` 0 (Redis refuses to start then). Throws Error with Redis' reason for a manifest that Redis refuses.
 */
export function summariseAof(seen: AofSeen): AofSummary {
  const files = seen.manifest === undefined ? singleFile(seen.files) : listedFiles(seen.manifest.text, seen.files);
  const last = files.findLast(({ type }) => type === 'incr' || type === 'single');
  const base = baseState(files, seen.base);
  const end = last === undefined ? { tail: base.tail } : lastState(last, seen.lastTail);
  const live = files.filter(({ type }) => type === 'incr' || type === 'single');
  return {
    layout: seen.manifest === undefined ? 'single' : 'multi',
    ...(seen.manifest === undefined ? {} : { manifestPath: seen.manifest.path }),
    files,
    ...end,
    empty: base.empty && live.every(({ sizeBytes }) => sizeBytes === 0n),
  };
}

function singleFile(files: readonly AofFileSeen[]): readonly AofFile[] {
  return files.slice(0, 1).map((file) => ({ ...file, type: 'single' as const, seq: 1 }));
}

const fileTypes = { b: 'base', i: 'incr', h: 'history' } as const;

/**
 * Base first, then the incrementals: the order in which Redis loads them, whatever the order of the lines. Throws where one
 * is not there (aof.c:loadAppendOnlyFiles takes that as fatal).
 */
function listedFiles(text: string, files: readonly AofFileSeen[]): readonly AofFile[] {
  const order = { base: 0, incr: 1, history: 2 };
  const listed = parseManifest(text).entries.map(({ name, seq, type }) => {
    const file = files.find((candidate) => candidate.name === name);
    // One that is superseded may be gone already; without any other the server does not start.
    if (file === undefined && type !== 'h') throw new Error(`the manifest names ${name}, which is not there`);
    const { path, sizeBytes, mtimeMs } = file ?? { path: name, sizeBytes: 0n, mtimeMs: 0 };
    return { name, path, type: fileTypes[type], seq, sizeBytes, mtimeMs };
  });
  return listed.toSorted((one, other) => order[one.type] - order[other.type]);
}

function lastState(last: AofFile, tail: Uint8Array | undefined): TailReading {
  if (last.sizeBytes === 0n) return { tail: 'clean' };
  if (tail === undefined) return { tail: 'unknown' };
  return readTail(tail, BigInt(tail.length) >= last.sizeBytes);
}

/** A base that could not be read counts as data: `empty` is only said when it is known. */
function baseState(
  files: readonly AofFile[],
  base: AofSeen['base'],
): { readonly empty: boolean; readonly tail: AofSummary['tail'] } {
  const file = files.find(({ type }) => type === 'base');
  if (file === undefined || file.sizeBytes === 0n) return { empty: true, tail: 'clean' };
  if (base === undefined) return { empty: false, tail: 'unknown' };
  if (base.head[0] === 0x2a || base.head[0] === 0x23) {
    const end = base.tail.length === 0 ? base.head : base.tail;
    return { empty: false, tail: aofTail(end, BigInt(end.length) >= file.sizeBytes) };
  }
  try {
    const rdb = readRdbEdges(base.head, base.tail, file.sizeBytes);
    return { empty: rdb.complete && rdb.keysExact && rdb.keys === 0n, tail: rdb.complete ? 'clean' : 'torn' };
  } catch {
    return { empty: false, tail: 'unknown' };
  }
}
