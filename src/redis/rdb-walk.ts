import { createCrc64 } from './crc64.js';
import { integerText, latin1, lzfDecompress } from './rdb-text.js';
import { moduleShapes, opcode, opcodeShapes, type Shape, valueShapes } from './rdb-values.js';

/** What a walk through an RDB file tells while it goes. */
export interface RdbEvents {
  header(version: number): void;
  aux(key: string, value: string): void;
  /** The keys that follow are of this database. */
  selectDb(database: number): void;
  resizeDb(keys: bigint, expires: bigint): void;
  /** One whole key with its value was passed. */
  key(expires: boolean): void;
  /** The EOF opcode and, from version 5 on, its checksum were read. */
  end(checksum: 'right' | 'wrong' | 'none'): void;
}

export interface RdbWalk {
  /**
   * Takes the next bytes and returns how many of them belong to the RDB: all, until the file has ended. Throws Error
   * with the byte offset for what is no RDB or cannot be walked.
   */
  feed(chunk: Uint8Array): number;
  /** Whether the end of the RDB was reached; what follows is not part of it. */
  ended(): boolean;
}

/** Aux strings longer than this are not looked at: memory stays constant whatever the file claims. */
const longestCaptured = 4096;

const keyedShapes: ReadonlyMap<number, readonly Shape[]> = new Map(
  [...valueShapes].map(([type, shapes]) => [type, ['string', ...shapes] as const]),
);
const moduleLoop: readonly Shape[] = [];

interface Captured {
  bytes: Uint8Array;
  filled: number;
  kind: 'text' | 'integer' | 'lzf';
  length: number;
}

/** A walk over one RDB file, fed in pieces of any size. Memory is constant: no value is kept. */
export function createRdbWalk(on: RdbEvents): RdbWalk {
  const crc = createCrc64();
  let data: Uint8Array = new Uint8Array(0);
  let at = 0;
  let fedBefore = 0;
  let summed = 0;
  let skip = 0;
  let length = 0;
  let phase: 'magic' | 'opcode' | 'body' | 'checksum' | 'ended' = 'magic';
  let version = 0;
  let current = 0;
  let hasExpire = false;
  let collecting = false;
  let collected: (string | number)[] = [];
  let captured: Captured | undefined;
  // The stack of open shapes as three columns: a frame object for each value would cost a third of the speed.
  const frameShapes: (readonly Shape[])[] = [];
  const frameAt: number[] = [];
  const frameLeft: number[] = [];

  function fail(what: string): never {
    throw new Error(`${what} at byte ${fedBefore + at}`);
  }

  function push(shapes: readonly Shape[], times: number): void {
    if (times === 0) return;
    frameShapes.push(shapes);
    frameAt.push(0);
    frameLeft.push(times);
  }

  function pop(): void {
    frameShapes.pop();
    frameAt.pop();
    frameLeft.pop();
  }

  /** Reads a length into `length`; false when the bytes of it are not all here (nothing is consumed then). */
  function readLength(): boolean {
    if (at >= data.length) return false;
    const first = data[at] as number;
    if (first < 0x40) {
      length = first;
      at += 1;
      return true;
    }
    const bytes = first < 0x80 ? 2 : first === 0x80 ? 5 : first === 0x81 ? 9 : fail('unknown length encoding');
    if (at + bytes > data.length) return false;
    if (bytes === 2) {
      length = ((first & 0x3f) << 8) | (data[at + 1] as number);
    } else {
      const view = new DataView(data.buffer, data.byteOffset + at + 1, bytes - 1);
      length = bytes === 5 ? view.getUint32(0) : view.getUint32(0) * 0x1_0000_0000 + view.getUint32(4);
    }
    at += bytes;
    return true;
  }

  function capture(kind: Captured['kind'], bytes: number, full: number): void {
    if (!collecting) return;
    if (bytes > longestCaptured || full > longestCaptured) collected.push('');
    else if (bytes === 0) collected.push('');
    else captured = { bytes: new Uint8Array(bytes), filled: 0, kind, length: full };
  }

  function readLzfHeader(): boolean {
    const start = at;
    at += 1;
    if (readLength()) {
      const compressed = length;
      if (readLength()) {
        skip = compressed;
        capture('lzf', compressed, length);
        return true;
      }
    }
    at = start;
    return false;
  }

  /** Reads the head of a string and leaves its bytes in `skip`. */
  function readString(): boolean {
    if (at >= data.length) return false;
    const first = data[at] as number;
    if (first < 0xc0) {
      if (!readLength()) return false;
      skip = length;
      capture('text', length, length);
      return true;
    }
    if (first === 0xc3) return readLzfHeader();
    if (first > 0xc3) fail(`unknown string encoding ${first}`);
    skip = 1 << (first - 0xc0);
    at += 1;
    capture('integer', skip, skip);
    return true;
  }

  function takeSkipped(): void {
    const here = Math.min(skip, data.length - at);
    if (captured !== undefined) {
      captured.bytes.set(data.subarray(at, at + here), captured.filled);
      captured.filled += here;
    }
    at += here;
    skip -= here;
    if (skip > 0 || captured === undefined) return;
    const { bytes, kind } = captured;
    if (kind === 'integer') collected.push(integerText(bytes));
    else collected.push(latin1(kind === 'lzf' ? decompressed(bytes, captured.length) : bytes));
    captured = undefined;
  }

  function decompressed(bytes: Uint8Array, full: number): Uint8Array {
    return lzfDecompress(bytes, full) ?? fail('bad LZF data');
  }

  function readFloatText(): boolean {
    if (at >= data.length) return false;
    const bytes = data[at] as number;
    at += 1;
    // 253, 254 and 255 stand for not-a-number and the infinities (rdb.c:rdbLoadDoubleValue).
    skip = bytes < 253 ? bytes : 0;
    return true;
  }

  /** One shape of the open frame; false when more bytes are needed. */
  function step(shape: Shape, frame: number): boolean {
    if (shape === 'string') {
      if (!readString()) return false;
    } else if (shape === 'length') {
      if (!readLength()) return false;
      if (collecting) collected.push(length);
    } else if (shape === 'float-text') {
      if (!readFloatText()) return false;
    } else if (shape === 'module-values') {
      frameAt[frame] = (frameAt[frame] as number) + 1;
      push(moduleLoop, 1);
      return true;
    } else if ('raw' in shape) {
      skip = shape.raw;
    } else {
      if (!readLength()) return false;
      frameAt[frame] = (frameAt[frame] as number) + 1;
      push(shape.each, length);
      return true;
    }
    frameAt[frame] = (frameAt[frame] as number) + 1;
    return true;
  }

  function stepModule(): boolean {
    if (!readLength()) return false;
    const shapes = moduleShapes[length] ?? fail(`unknown module value mark ${length}`);
    if (shapes.length === 0) pop();
    else push(shapes, 1);
    return true;
  }

  function finish(): void {
    phase = 'opcode';
    if (current === opcode.aux) on.aux(String(collected[0]), String(collected[1]));
    else if (current === opcode.selectDb) on.selectDb(Number(collected[0]));
    else if (current === opcode.resizeDb) on.resizeDb(BigInt(collected[0] ?? 0), BigInt(collected[1] ?? 0));
    else if (current === opcode.expireMilliseconds || current === opcode.expireSeconds) hasExpire = true;
    else if (valueShapes.has(current)) {
      on.key(hasExpire);
      hasExpire = false;
    }
  }

  function body(): boolean {
    for (;;) {
      if (skip > 0) {
        takeSkipped();
        if (skip > 0) return false;
      }
      const frame = frameShapes.length - 1;
      if (frame < 0) {
        finish();
        return true;
      }
      const shapes = frameShapes[frame] as readonly Shape[];
      if (shapes === moduleLoop) {
        if (!stepModule()) return false;
        continue;
      }
      const index = frameAt[frame] as number;
      if (index < shapes.length) {
        if (!step(shapes[index] as Shape, frame)) return false;
        continue;
      }
      const left = (frameLeft[frame] as number) - 1;
      if (left === 0) pop();
      else {
        frameLeft[frame] = left;
        frameAt[frame] = 0;
      }
    }
  }

  function magic(): boolean {
    const text = latin1(data.subarray(0, 9));
    const short = text.startsWith('VALKEY'.slice(0, text.length)) || text.startsWith('REDIS'.slice(0, text.length));
    if (!short) throw new Error('not an RDB file');
    if (data.length < 9) return false;
    const digits = /^(?:REDIS(\d{4})|VALKEY(\d{3}))$/.exec(text);
    if (digits === null) throw new Error('not an RDB file');
    version = Number(digits[1] ?? digits[2]);
    at = 9;
    phase = 'opcode';
    on.header(version);
    return true;
  }

  function readOpcode(): boolean {
    if (at >= data.length) return false;
    current = data[at] as number;
    if (current === opcode.eof) {
      at += 1;
      crc.update(data, summed, at);
      summed = at;
      phase = 'checksum';
      return true;
    }
    const shapes = opcodeShapes.get(current) ?? keyedShapes.get(current);
    if (shapes === undefined) fail(`unknown value type ${current}`);
    at += 1;
    collecting = current === opcode.aux || current === opcode.resizeDb || current === opcode.selectDb;
    collected = [];
    push(shapes, 1);
    phase = 'body';
    return true;
  }

  function readChecksum(): boolean {
    if (version < 5) {
      phase = 'ended';
      on.end('none');
      return true;
    }
    if (at + 8 > data.length) return false;
    const none = data.subarray(at, at + 8).every((byte) => byte === 0);
    const verdict = none ? 'none' : crc.equals(data, at) ? 'right' : 'wrong';
    at += 8;
    summed = at;
    phase = 'ended';
    on.end(verdict);
    return true;
  }

  function advance(): boolean {
    if (phase === 'body') return body();
    if (phase === 'opcode') return readOpcode();
    if (phase === 'magic') return magic();
    if (phase === 'checksum') return readChecksum();
    return false;
  }

  const ended = () => phase === 'ended';

  return {
    feed(chunk) {
      if (ended()) return 0;
      const carried = data.length;
      data = carried === 0 ? chunk : joined(data, chunk);
      while (advance());
      if (!ended()) {
        crc.update(data, summed, at);
        fedBefore += at;
        data = data.slice(at);
        at = 0;
        summed = 0;
        return chunk.length;
      }
      const used = at - carried;
      fedBefore += at;
      data = new Uint8Array(0);
      return used;
    },
    ended,
  };
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
