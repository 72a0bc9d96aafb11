import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRdbReader, readRdbEdges } from '../../src/redis/rdb.js';
import { joinBytes } from './aof-bytes.js';
import { newerRdb, olderRdb, rdbOf } from './rdb-bytes.js';

const nothing = new Uint8Array(0);

function fixture(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`../fixtures/rdb/${name}.rdb`, import.meta.url)));
}

function read(...chunks: readonly Uint8Array[]) {
  const reader = createRdbReader();
  for (const chunk of chunks) reader.feed(chunk);
  return reader.end();
}

const types = fixture('all-types-7.0.15');
const replica = fixture('replica-7.0.15');

describe('the reader of whole RDB files', () => {
  it.each(['all-types-7.0.15', 'all-types-lfu-7.0.15', 'all-types-lru-7.0.15'])('walks %s', (name) => {
    // INFO keyspace when it was saved: db0:keys=20,expires=2 and db3:keys=2,expires=1.
    expect(read(fixture(name))).toEqual({
      version: 10,
      writtenBy: '7.0.15',
      ctimeSeconds: expect.any(Number),
      usedMemoryBytes: expect.any(BigInt),
      aofBase: false,
      keys: 22n,
      expires: 3n,
      keysExact: true,
      complete: true,
      checksum: 'right',
    });
  });

  it('reads the place in the history that a replica saved', () => {
    expect(read(replica)).toMatchObject({ replid: '217b42f1db8e1026ba02fea568df4c26c3d72e9d', offset: 73n, keys: 0n });
  });

  it('knows an AOF base', () => {
    const base = new Uint8Array(readFileSync(new URL('../fixtures/aof/empty.base.rdb', import.meta.url)));
    expect(read(base)).toMatchObject({ aofBase: true, keys: 0n, complete: true });
    expect(read(base)).not.toHaveProperty('replid');
  });

  it.each([
    ['2.8 to 5.0', olderRdb()],
    ['7.2, 7.4 and modules', newerRdb()],
  ])('walks the types of %s', (_versions, { bytes, keys, expires }) => {
    const counts = { keys: BigInt(keys), expires: BigInt(expires) };
    expect(read(bytes)).toMatchObject({ ...counts, keysExact: true, complete: true, checksum: 'right' });
    expect(read(...[...bytes].map((byte) => Uint8Array.of(byte)))).toEqual(read(bytes));
  });

  it('gives the same however the file is cut into pieces', () => {
    fc.assert(
      fc.property(fc.constantFrom(types, replica, newerRdb().bytes), fc.array(fc.nat(2000)), (bytes, cuts) => {
        const edges = [0, ...cuts.map((cut) => cut % bytes.length), bytes.length].sort((one, other) => one - other);
        const chunks = edges.slice(1).map((edge, index) => bytes.subarray(edges[index], edge));
        expect(read(...chunks)).toEqual(read(bytes));
      }),
    );
  });

  it('never calls a file right in which one bit is wrong', () => {
    fc.assert(
      fc.property(fc.nat(types.length - 1), fc.nat(7), (at, bit) => {
        const bad = types.slice();
        bad[at] = (bad[at] ?? 0) ^ (1 << bit);
        let verdict: string;
        try {
          const { complete, checksum } = read(bad);
          verdict = complete ? checksum : 'incomplete';
        } catch (error) {
          verdict = String(error);
        }
        expect(verdict).not.toBe('right');
      }),
      { numRuns: 500 },
    );
  });

  it('calls every shorter piece incomplete', () => {
    for (let size = 9; size < types.length; size++) {
      expect(read(types.subarray(0, size))).toMatchObject({
        complete: false,
        keysExact: false,
        checksum: 'not-checked',
      });
    }
    expect(() => read(types.subarray(0, 8))).toThrow('not an RDB file');
  });

  it('tells a missing checksum from a wrong one, and ignores what stands behind', () => {
    const none = joinBytes(types.subarray(0, -8), new Uint8Array(8));
    expect(read(none)).toMatchObject({ complete: true, checksum: 'none' });
    expect(read(joinBytes(types, Uint8Array.of(1, 2, 3)))).toEqual(read(types));
  });

  it('names what it cannot walk with its place', () => {
    expect(() => read(rdbOf(12, [0xfe, 0, 99]))).toThrow('unknown value type 99 at byte 11');
    expect(() => read(rdbOf(12, [6, 'k', 1]))).toThrow('unknown value type 6 at byte 9');
    expect(() => read(rdbOf(12, [0, 'k', 0xc4]))).toThrow('unknown string encoding 196 at byte 12');
    expect(() => read(rdbOf(12, [0xfe, 0x82]))).toThrow('unknown length encoding at byte 10');
    expect(() => read(rdbOf(12, [7, 'm', 1, 9]))).toThrow('unknown module value mark 9 at byte');
    for (const text of ['*2\r\n', 'REDIX0010', 'REDIS00x0', 'VALKEYxyz', ''])
      expect(() => read(new TextEncoder().encode(text))).toThrow('not an RDB file');
  });

  it('takes nothing from a header that Redis would not write', () => {
    const hostile = rdbOf(
      10,
      [0xfa, 'redis-ver', '7\u001b[2J', 0xfa, 'repl-id', '../../etc', 0xfa, 'repl-offset', 'x'],
      [0xfa, 'ctime', '-1', 0xfa, 'other', [0x80, 0, 0, 0x20, 0], Array.from({ length: 0x2000 }, () => 65)],
    );
    expect(read(hostile)).toEqual({
      version: 10,
      aofBase: false,
      keys: 0n,
      expires: 0n,
      keysExact: true,
      complete: true,
      checksum: 'right',
    });
  });

  it('reads compressed header strings and refuses bad ones', () => {
    const id = 'ab'.repeat(20);
    const lzf = [0xc3, 7, 40, 2, 0x61, 0x62, 0x61, 0xe0, 28, 1];
    expect(read(rdbOf(10, [0xfa, 'repl-id', lzf, 0xfa, 'repl-offset', [0xc1, 0xff, 0x7f]]))).toMatchObject({
      replid: id,
      offset: 32767n,
    });
    expect(() => read(rdbOf(10, [0xfa, 'repl-id', [0xc3, 2, 40, 0xe0, 28]]))).toThrow('bad LZF data at byte');
  });

  it('does not follow a length into memory', () => {
    const huge = [0x81, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    expect(read(rdbOf(10, [0, 'k', huge, 'rest']))).toMatchObject({ complete: false, keys: 0n });
    expect(() => read(rdbOf(10, [1, 'k', huge, 'rest']))).toThrow('unknown string encoding 255 at byte 26');
  });
});

describe('the first and the last bytes of an RDB file', () => {
  const size = BigInt(types.length);

  it('are read in full when they are all of it', () => {
    expect(readRdbEdges(types, nothing, size)).toEqual(read(types));
    expect(readRdbEdges(types.subarray(0, 1200), types.subarray(-1000), size)).toEqual(read(types));
  });

  it('give header, announced keys and whether the file ends', () => {
    const summary = readRdbEdges(types.subarray(0, 400), types.subarray(-50), size);
    expect(summary).toEqual({
      version: 10,
      writtenBy: '7.0.15',
      usedMemoryBytes: 1_262_632n,
      ctimeSeconds: read(types).ctimeSeconds,
      aofBase: false,
      keys: 20n,
      expires: 2n,
      keysExact: false,
      complete: true,
      checksum: 'not-checked',
    });
    const torn = types.subarray(0, -3);
    expect(readRdbEdges(torn.subarray(0, 400), torn.subarray(-50), BigInt(torn.length)).complete).toBe(false);
    expect(readRdbEdges(types.subarray(0, 60), nothing, size)).toMatchObject({ complete: false, keysExact: false });
    expect(readRdbEdges(types.subarray(0, 60), nothing, size)).not.toHaveProperty('keys');
  });

  it('give the header of a file whose values are of a later version', () => {
    const later = rdbOf(13, [0xfa, 'redis-ver', '9.9.9', 0xfe, 0, 0xfb, 4, 1, 99, 'k']);
    expect(readRdbEdges(later, nothing, BigInt(later.length))).toEqual({
      version: 13,
      writtenBy: '9.9.9',
      aofBase: false,
      keys: 4n,
      expires: 1n,
      keysExact: false,
      complete: true,
      checksum: 'right',
    });
    const valkey = new TextEncoder().encode('VALKEY080');
    expect(readRdbEdges(valkey, nothing, 1000n)).toMatchObject({ version: 80, complete: false });
  });

  it('throw for what is no RDB file', () => {
    expect(() => readRdbEdges(new TextEncoder().encode('*1\r\n$4\r\nPING\r\n'), nothing, 14n)).toThrow(
      'not an RDB file',
    );
    expect(() => readRdbEdges(nothing, nothing, 0n)).toThrow('not an RDB file');
  });
});
