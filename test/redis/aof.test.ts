import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aofTail, createAofReader, parseManifest, summariseAof } from '../../src/redis/aof.js';
import { aofOf, joinBytes } from './aof-bytes.js';
import { olderRdb } from './rdb-bytes.js';

function fixture(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`../fixtures/aof/${name}`, import.meta.url)));
}

function scan(...chunks: readonly Uint8Array[]) {
  const reader = createAofReader();
  for (const chunk of chunks) reader.feed(chunk);
  return reader.end();
}

const bytewise = (bytes: Uint8Array) => [...bytes].map((byte) => Uint8Array.of(byte));
const text = (value: string) => new TextEncoder().encode(value);
const quiet = { suspicious: [], suspiciousTotal: 0, flushed: false };

describe('the manifest', () => {
  it('is read in file order, comments and unknown keys passed over', () => {
    expect(parseManifest(new TextDecoder().decode(fixture('clean.manifest'))).entries).toEqual([
      { name: 'appendonly.aof.1.base.rdb', seq: 1, type: 'b' },
      { name: 'appendonly.aof.1.incr.aof', seq: 1, type: 'i' },
    ]);
    const manifest = '# made by hand\nfile "a b.aof" seq 2 type h color red\n  SEQ 3 TYPE i FILE c.aof \r\n';
    expect(parseManifest(manifest).entries).toEqual([
      { name: 'a b.aof', seq: 2, type: 'h' },
      { name: 'c.aof', seq: 3, type: 'i' },
    ]);
    expect(parseManifest('# nothing\n').entries).toEqual([]);
  });

  it('is refused with the reason of Redis and the line', () => {
    expect(() => parseManifest('')).toThrow('line 0: Found an empty AOF manifest');
    expect(() => parseManifest('file a seq 1 type b\nfile b seq 1 type b\n')).toThrow(
      'line 2: Found duplicate base file information',
    );
    expect(() => parseManifest('file a seq 2 type i\nfile b seq 2 type i\n')).toThrow(
      'line 2: Found a non-monotonic sequence number',
    );
    expect(() => parseManifest('file a/b seq 2 type i\n')).toThrow("line 1: File can't be a path, just a filename");
  });
});

describe('the reader of one append-only file', () => {
  it('reads what a server wrote', () => {
    expect(scan(fixture('clean.incr.aof'))).toEqual({
      commands: 8,
      okUpToBytes: 229n,
      tail: 'clean',
      lastTimestampSeconds: expect.any(Number),
      ...quiet,
    });
    expect(scan(fixture('torn.incr.aof'))).toMatchObject({ commands: 8, okUpToBytes: 229n, tail: 'torn' });
    expect(scan(fixture('open-multi.incr.aof'))).toMatchObject({ commands: 10, okUpToBytes: 229n, tail: 'open-multi' });
    expect(scan()).toEqual({ commands: 0, okUpToBytes: 0n, tail: 'clean', ...quiet });
  });

  it('calls a torn command inside an open transaction an open transaction', () => {
    const whole = aofOf(['SET', 'a', '1'], ['MULTI'], ['SET', 'b', '1'], ['SET', 'c', '1']);
    const bytes = whole.subarray(0, -4);
    expect(scan(bytes)).toMatchObject({ commands: 3, okUpToBytes: 27n, tail: 'open-multi' });
  });

  it('gives the same for every length, byte by byte and in one piece', () => {
    const rdb = olderRdb().bytes;
    const commands = aofOf(['SELECT', '0'], '#TS:1700000000\r\n', ['MULTI'], ['SET', 'k', ''], ['EXEC'], ['DEL', 'k']);
    const whole = joinBytes(rdb, commands);
    for (let size = 1; size <= whole.length; size++) {
      const bytes = whole.subarray(0, size);
      if (size >= 5 && size < 9) expect(() => scan(bytes)).toThrow('not an RDB file');
      else expect(scan(...bytewise(bytes))).toEqual(scan(bytes));
    }
    expect(scan(whole)).toMatchObject({
      commands: 5,
      okUpToBytes: BigInt(whole.length),
      tail: 'clean',
      lastTimestampSeconds: 1700000000,
      preamble: { keys: 10n, checksum: 'right' },
    });
    expect(scan(rdb.subarray(0, -20))).toMatchObject({ tail: 'torn', okUpToBytes: 0n, preamble: { complete: false } });
  });

  it('gives the same for any pieces of any commands', () => {
    const word = fc.string({ maxLength: 80, unit: 'grapheme' });
    const commands = fc.array(fc.array(word, { minLength: 1, maxLength: 4 }), { maxLength: 6 });
    fc.assert(
      fc.property(commands, fc.array(fc.nat(500)), fc.nat(400), (lists, cuts, cut) => {
        const whole = aofOf(...lists);
        const bytes = whole.subarray(0, whole.length - (cut % (whole.length + 1)));
        const edges = [0, ...cuts.map((edge) => edge % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
        const chunks = edges.slice(1).map((edge, index) => bytes.subarray(edges[index], edge));
        expect(scan(...chunks)).toEqual(scan(bytes));
        expect(scan(whole).commands).toBe(lists.length);
      }),
    );
  });

  it('names every command that Redis does not write there itself', () => {
    const hostile = [
      ['CONFIG', 'SET', 'port', '16399'],
      ['REPLICAOF', 'attacker', '6379'],
      ['migrate', '10.0.0.9', '6379', 'k', '0', '100'],
      ['SAVE'],
      ['MODULE', 'LOAD', '/path.so'],
      ['EVAL', 'while true do end', '0'],
      ['CONFIG', 'SET', 'dir', '/root/.ssh'],
      ['SHUTDOWN'],
      ['FUNCTION', 'KILL'],
      ['FCALL', 'f', '0'],
      ['DEBUG', 'RELOAD'],
    ];
    for (const command of hostile) {
      const before = aofOf(['SET', 'a', '1']);
      const { suspicious, commands } = scan(joinBytes(before, aofOf(command)));
      expect(suspicious).toEqual([{ command: expect.any(String), atByte: BigInt(before.length) }]);
      expect(commands).toBe(2);
    }
    expect(scan(aofOf(['function', 'kill'])).suspicious).toEqual([{ command: 'function|kill', atByte: 0n }]);
  });

  it('takes what Redis writes, in any case of letters, and tells a flush', () => {
    const usual = aofOf(
      ['select', '0'],
      ['Set', 'a', '1'],
      ['FUNCTION', 'LOAD', 'x'],
      ['xgroup', 'CREATE', 's', 'g', '0'],
    );
    expect(scan(usual)).toMatchObject({ suspicious: [], flushed: false });
    expect(scan(aofOf(['FlushAll', 'ASYNC']))).toMatchObject({ suspicious: [], flushed: true });
  });

  it('keeps the count but not every name', () => {
    const many = aofOf(...Array.from({ length: 250 }, () => ['PING']));
    expect(scan(many)).toMatchObject({ suspiciousTotal: 250, suspicious: { length: 100 } });
  });

  it('throws with the place where the format breaks', () => {
    const good = aofOf(['SET', 'a', '1']);
    for (const [bad, at] of [
      ['garbage\r\n', 27],
      ['\0\0\0\0', 27],
      ['*0\r\n', 27],
      ['*1\r\n+OK\r\n', 31],
      ['*1\r\n$1\r\nabc', 36],
      ['*x\r\n', 28],
      ['*1\n$', 29],
    ] as const) {
      expect(() => scan(joinBytes(good, text(bad)))).toThrow(`not an append-only file command at byte ${at}`);
    }
  });
});

describe('how a file ends, from its last bytes', () => {
  const padding = aofOf(...Array.from({ length: 3000 }, (_, at) => ['SET', `key${at}`, 'v'.repeat(at % 50)]));
  const last = (bytes: Uint8Array) => aofTail(bytes.subarray(-65_536), false);

  it('is found from any cut of the front', () => {
    const torn = joinBytes(padding.subarray(-2000), text('*3\r\n$3\r\nSET\r\n$1\r\nt'));
    for (let from = 0; from < 200; from++) {
      expect(aofTail(padding.subarray(-2000 + from), false)).toBe('clean');
      expect(aofTail(torn.subarray(from), false)).toBe('torn');
    }
  });

  it('tells an open transaction, also a torn one', () => {
    expect(last(joinBytes(padding, aofOf(['MULTI'], ['SET', 'a', '1'])))).toBe('open-multi');
    expect(last(joinBytes(padding, aofOf(['MULTI'], ['SET', 'a', '1']).subarray(0, -3)))).toBe('open-multi');
    expect(last(joinBytes(padding, aofOf(['MULTI'], ['SET', 'a', '1'], ['EXEC'])))).toBe('clean');
  });

  it('is not misled by commands inside a value', () => {
    const inner = `\r\n${'*1\r\n$4\r\nPING\r\n'.repeat(20)}x`;
    const bytes = aofOf(['SET', 'a', inner], ['SET', 'b', '1']);
    expect(aofTail(bytes.subarray(20), false)).toBe('clean');
  });

  it('is unknown where no command begins in reach or bytes are no commands', () => {
    expect(last(joinBytes(padding, aofOf(['SET', 'big', 'b'.repeat(70_000)])))).toBe('unknown');
    expect(last(joinBytes(padding, text('garbage\r\n')))).toBe('unknown');
    expect(last(joinBytes(padding, new Uint8Array(100)))).toBe('unknown');
    expect(aofTail(text('nothing'), true)).toBe('unknown');
    expect(aofTail(new Uint8Array(0), true)).toBe('clean');
  });
});

describe('the summary of a node', () => {
  const seen = (name: string, sizeBytes: number) => ({
    name,
    path: `/data/appendonlydir/${name}`,
    sizeBytes: BigInt(sizeBytes),
    mtimeMs: 1000,
  });
  const manifest = { path: '/data/appendonlydir/m', text: new TextDecoder().decode(fixture('clean.manifest')) };
  const base = { head: fixture('empty.base.rdb'), tail: new Uint8Array(0) };
  const baseFile = seen('appendonly.aof.1.base.rdb', base.head.length);

  it('joins manifest, files and tail', () => {
    const incr = fixture('clean.incr.aof');
    const files = [seen('stray.aof', 5), seen('appendonly.aof.1.incr.aof', incr.length), baseFile];
    expect(summariseAof({ manifest, files, base, lastTail: incr })).toEqual({
      layout: 'multi',
      manifestPath: manifest.path,
      files: [
        { ...baseFile, type: 'base', seq: 1 },
        { ...seen('appendonly.aof.1.incr.aof', incr.length), type: 'incr', seq: 1 },
      ],
      tail: 'clean',
      lastTimestampSeconds: expect.any(Number),
      empty: false,
    });
  });

  it('is empty only when it is known that nothing is in the files', () => {
    const files = [baseFile, seen('appendonly.aof.1.incr.aof', 0)];
    expect(summariseAof({ manifest, files, base })).toMatchObject({ empty: true, tail: 'clean' });
    expect(summariseAof({ manifest, files })).toMatchObject({ empty: false });
    const incr = seen('appendonly.aof.1.incr.aof', 0);
    // A server does not start without a file that its manifest names: nobody knows what was in it (seen on 7.0.15).
    for (const there of [[], [baseFile], [incr]])
      expect(() => summariseAof({ manifest, files: there, base })).toThrow('which is not there');
    const torn = { head: base.head.subarray(0, -9), tail: base.tail };
    const tornFile = seen('appendonly.aof.1.base.rdb', torn.head.length);
    expect(summariseAof({ manifest, files: [tornFile, incr], base: torn })).toMatchObject({ empty: false });
    const older = olderRdb().bytes;
    const full = { files: [seen('appendonly.aof.1.base.rdb', older.length), incr], base: { ...base, head: older } };
    expect(summariseAof({ manifest, ...full })).toMatchObject({ empty: false });
  });

  it('reads the single file of earlier versions', () => {
    const bytes = fixture('torn.incr.aof');
    const file = { name: 'appendonly.aof', path: '/data/appendonly.aof', sizeBytes: BigInt(bytes.length), mtimeMs: 1 };
    expect(summariseAof({ files: [file], lastTail: bytes })).toMatchObject({
      layout: 'single',
      files: [{ ...file, type: 'single', seq: 1 }],
      tail: 'torn',
      empty: false,
    });
    expect(summariseAof({ files: [] })).toEqual({ layout: 'single', files: [], tail: 'clean', empty: true });
  });

  it('orders for loading, history last, and keeps the order of the incrementals', () => {
    const text = 'file h seq 1 type h\nfile i2 seq 2 type i\nfile i3 seq 3 type i\nfile b seq 2 type b\n';
    const { files, tail } = summariseAof({
      manifest: { path: 'm', text },
      files: ['i3', 'i2', 'b'].map((name) => seen(name, 9)),
    });
    expect(files.map(({ name }) => name)).toEqual(['b', 'i2', 'i3', 'h']);
    expect(tail).toBe('unknown');
  });
});
