import { latin1 } from './rdb-text.js';

/** One whole command of an append-only file. Byte positions count from where the frames began. */
export interface AofCommand {
  /** The first and the second word, cut to 64 bytes. */
  readonly first: string;
  readonly second?: string;
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

export interface AofFrameEvents {
  command?(command: AofCommand): void;
  /** A whole annotation line without `#` and line end, such as `TS:1700000000` (7.0, aof-timestamp-enabled); `end` exclusive. */
  annotation?(text: string, end: number): void;
  /** Bytes of an annotation line, as they come: `from` inclusive, `to` exclusive, positions in the fed chunk. */
  annotationBytes?(from: number, to: number): void;
}

export interface AofFrames {
  /** Takes the next bytes. Throws Error with the byte position for what is no command. */
  feed(chunk: Uint8Array): void;
  /** How many bytes were fed. */
  fed(): number;
  /** Whether the last byte fed ended a command or an annotation. */
  atBoundary(): boolean;
}

const longestWord = 64;
const mostDigits = 15;
const longestAnnotation = 1024;
const star = 0x2a;
const dollar = 0x24;
const hash = 0x23;
const cr = 0x0d;
const lf = 0x0a;

interface Word {
  readonly bytes: Uint8Array;
  length: number;
}

function textOf(word: Word | undefined): string {
  return word === undefined ? '' : String.fromCharCode(...word.bytes.subarray(0, word.length));
}

/**
 * The framing of append-only files (aof.c:loadSingleAppendOnlyFile): `*N`, N times `$LENGTH` and the bytes, lines end
 * in CR LF; lines that begin with `#` between commands are annotations. Pieces of any size, constant memory.
 */
export function createAofFrames(on: AofFrameEvents): AofFrames {
  let state: 'boundary' | 'annotation' | 'count' | 'bulk' | 'length' | 'bytes' | 'bytes-end' = 'boundary';
  let fed = 0;
  let line: number[] = [];
  let number = 0;
  let digits = 0;
  let sawCr = false;
  let start = 0;
  let wordsLeft = 0;
  let wordCount = 0;
  let bytesLeft = 0;
  const kept: readonly Word[] = [0, 1].map(() => ({ bytes: new Uint8Array(longestWord), length: 0 }));
  let keep: Word | undefined;

  function fail(position: number): never {
    throw new Error(`not an append-only file command at byte ${position}`);
  }

  function boundary(byte: number, position: number): void {
    start = position;
    if (byte === hash) {
      state = 'annotation';
      line = [];
    } else if (byte === star) beginNumber('count');
    else fail(position);
  }

  function beginNumber(next: 'count' | 'length'): void {
    state = next;
    number = 0;
    digits = 0;
    sawCr = false;
  }

  function beginCommand(): void {
    if (number < 1) fail(start);
    wordsLeft = number;
    wordCount = 0;
    state = 'bulk';
  }

  function beginWord(): void {
    bytesLeft = number;
    keep = on.command === undefined ? undefined : kept[wordCount];
    if (keep !== undefined) keep.length = 0;
    wordCount += 1;
    state = bytesLeft > 0 ? 'bytes' : 'bytes-end';
    if (bytesLeft === 0) bytesLeft = 2;
  }

  function endWord(position: number): void {
    wordsLeft -= 1;
    state = wordsLeft > 0 ? 'bulk' : 'boundary';
    if (wordsLeft > 0) return;
    const first = textOf(kept[0]);
    on.command?.({ first, ...(wordCount < 2 ? {} : { second: textOf(kept[1]) }), start, end: position + 1 });
  }

  /** Passes over bytes of a word; gives the index behind them. */
  function takeBytes(chunk: Uint8Array, from: number): number {
    const to = Math.min(chunk.length, from + bytesLeft);
    if (keep !== undefined) {
      for (let at = from; at < to && keep.length < longestWord; at++) keep.bytes[keep.length++] = chunk[at] ?? 0;
    }
    bytesLeft -= to - from;
    if (bytesLeft === 0) {
      state = 'bytes-end';
      bytesLeft = 2;
    }
    return to;
  }

  function takeLineEnd(byte: number, position: number): void {
    if (byte !== (bytesLeft === 2 ? cr : lf)) fail(position);
    bytesLeft -= 1;
    if (bytesLeft === 0) endWord(position);
  }

  function takeAnnotation(chunk: Uint8Array, from: number): number {
    let at = from;
    while (at < chunk.length && chunk[at] !== lf) {
      if (line.length < longestAnnotation) line.push(chunk[at] ?? 0);
      at += 1;
    }
    const ended = at < chunk.length;
    on.annotationBytes?.(from, ended ? at + 1 : at);
    if (!ended) return at;
    state = 'boundary';
    on.annotation?.(latin1(Uint8Array.from(line)).replace(/\r$/, ''), fed + at + 1);
    return at + 1;
  }

  function takeDigit(byte: number, position: number): void {
    if (sawCr) {
      if (byte !== lf) fail(position);
      if (state === 'count') beginCommand();
      else beginWord();
    } else if (byte === cr && digits > 0) {
      sawCr = true;
    } else {
      if (byte < 0x30 || byte > 0x39 || digits === mostDigits) fail(position);
      number = number * 10 + byte - 0x30;
      digits += 1;
    }
  }

  function takeByte(chunk: Uint8Array, at: number): number {
    const byte = chunk[at] ?? 0;
    const position = fed + at;
    if (state === 'boundary') {
      boundary(byte, position);
      if (byte === hash) on.annotationBytes?.(at, at + 1);
    } else if (state === 'bulk') {
      if (byte !== dollar) fail(position);
      beginNumber('length');
    } else if (state === 'bytes-end') takeLineEnd(byte, position);
    else takeDigit(byte, position);
    return at + 1;
  }

  return {
    feed(chunk) {
      let at = 0;
      while (at < chunk.length) {
        if (state === 'bytes') at = takeBytes(chunk, at);
        else if (state === 'annotation') at = takeAnnotation(chunk, at);
        else at = takeByte(chunk, at);
      }
      fed += chunk.length;
    },
    fed: () => fed,
    atBoundary: () => state === 'boundary',
  };
}

/**
 * Where whole commands begin that reach to the end of `bytes`, the last one torn at most: at the very start when
 * `wholeFile`, else at the first `*COUNT`, CR LF, `$` behind a line end for which it holds. -1 when there is no such place.
 */
export function findCommands(bytes: Uint8Array, wholeFile: boolean): number {
  // A walk that failed has passed command starts from which it would fail the same way.
  const passed = new Set<number>();
  for (let at = wholeFile ? 0 : nextStart(bytes, 0); at >= 0; at = nextStart(bytes, at + 1)) {
    if (!passed.has(at) && reachesEnd(bytes, at, passed)) return at;
    if (wholeFile) return -1;
  }
  return -1;
}

function reachesEnd(bytes: Uint8Array, from: number, passed: Set<number>): boolean {
  try {
    createAofFrames({ command: ({ start }) => passed.add(from + start) }).feed(bytes.subarray(from));
    return true;
  } catch {
    return false;
  }
}

function nextStart(bytes: Uint8Array, from: number): number {
  for (let at = Math.max(from, 2); at < bytes.length; at++) {
    if (bytes[at] === star && bytes[at - 1] === lf && bytes[at - 2] === cr && looksLikeCommand(bytes, at)) return at;
  }
  return -1;
}

function looksLikeCommand(bytes: Uint8Array, at: number): boolean {
  return /^\*[1-9]\d{0,9}\r\n\$/.test(latin1(bytes.subarray(at, at + 16)));
}
