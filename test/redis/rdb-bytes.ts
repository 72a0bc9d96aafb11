import { createCrc64 } from '../../src/redis/crc64.js';

type Piece = number | string | readonly Piece[];

/** Bytes from numbers (one byte each), texts (length and bytes) and lists of both. */
function pieces(...parts: readonly Piece[]): number[] {
  return parts.flatMap((part) => {
    if (typeof part === 'number') return [part];
    if (typeof part === 'string') return [part.length, ...[...part].map((letter) => letter.charCodeAt(0))];
    return pieces(...part);
  });
}

/** A whole RDB file of `version` around `body`, with the right checksum. */
export function rdbOf(version: number, ...body: readonly Piece[]): Uint8Array {
  const magic = [...`REDIS${String(version).padStart(4, '0')}`].map((letter) => letter.charCodeAt(0));
  const bytes = Uint8Array.from([...magic, ...pieces(...body), 0xff]);
  const crc = createCrc64();
  crc.update(bytes);
  const whole = new Uint8Array(bytes.length + 8);
  whole.set(bytes);
  new DataView(whole.buffer).setBigUint64(bytes.length, crc.value(), true);
  return whole;
}

const zeros = (count: number): number[] => Array.from({ length: count }, () => 0);
const id = (last: number): number[] => [...zeros(15), last];

/** Keys of the types that Redis 2.8 to 5.0 wrote and whose values need no inner format, with how many there are. */
export function olderRdb(): { readonly bytes: Uint8Array; readonly keys: number; readonly expires: number } {
  const far = [0xff, 0xff, 0xff, 0x7f];
  const bytes = rdbOf(
    9,
    [0xfe, 0],
    [0, 'text', 'v'],
    [0xfd, far, 0, 'seconds', 'v'],
    [1, 'list', 2, 'a', [0xc1, 0x2c, 0x01]],
    [2, 'set', 1, 'a'],
    [3, 'scores', 4, 'a', '1.5', 'b', 253 + 1, 'c', 253 + 2, 'd', '-0.25'],
    [4, 'hash', 1, 'f', 'v'],
    [5, 'scores2', 1, 'a', zeros(8)],
    [0xf8, 3, 0xfc, far, 0, 0, 0, 0x7f, 0, 'milliseconds', [0xc0, 0x80]],
    [0xf9, 7, 15, 'stream', 0, 0, 0, 0, 1, 'group', 0, 1, 0, 1, 'consumer', zeros(8), 0],
    [0xfe, 0x40, 0x0f, 0, 'elsewhere', [0xc2, 1, 2, 3, 4]],
  );
  return { bytes, keys: 10, expires: 2 };
}

/** Values of 7.2 and 7.4 and module values: what no server of 7.0 can load, as rdb.c of those versions writes them. */
export function newerRdb(): { readonly bytes: Uint8Array; readonly keys: number; readonly expires: number } {
  const moduleId = [0x81, 1, 2, 3, 4, 5, 6, 7, 8];
  const moduleValues = [1, 5, 2, 0x80, 0, 0, 1, 0, 3, zeros(4), 4, zeros(8), 5, 'text', 0];
  const bytes = rdbOf(
    12,
    [0xfa, 'redis-ver', '7.4.0'],
    [0xf7, moduleId, 2, 2, moduleValues],
    [0xf5, 'library'],
    [0xf6, 'name', 'LUA', 1, 'about', 'code'],
    [0xf6, 'name', 'LUA', 0, 'code'],
    [0xfe, 0],
    [0xf4, 0x40, 0xff, 3, 1],
    [0xfb, 9, 1],
    [7, 'module', moduleId, moduleValues],
    [20, 'set', 'listpack'],
    [22, 'early hash', 1, 0, 'f', 'v'],
    [23, 'early small hash', 'listpack'],
    [24, 'hash', zeros(8), 2, 0, 'f', 'v', 0x41, 0, 'g', 'w'],
    [0xfc, zeros(8), 25, 'small hash', zeros(8), 'listpack'],
    [19, 'stream 2', 1, 'node', 'listpack', 1, 1, 1, 1, 1, 0, 0, 1, 1, 'g', 1, 1, 1, 0, 1, 'c', zeros(8), 0],
    [21, 'stream 3', 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 'g', 0, 0, 0, 1, id(1), zeros(8), 1, 1, 'c', zeros(16), 1, id(1)],
    [18, 'list', 2, 1, 'plain', 2, 'listpack'],
  );
  return { bytes, keys: 9, expires: 1 };
}
