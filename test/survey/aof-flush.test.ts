import { describe, expect, test } from 'vitest';
import { createFlushSearch } from '../../src/survey/aof-flush.js';
import { aofOf } from '../redis/aof-bytes.js';

function found(...files: readonly Uint8Array[]) {
  const search = createFlushSearch();
  for (const file of files) {
    search.nextFile();
    for (let at = 0; at < file.length; at += 7) search.feed(file.subarray(at, at + 7));
  }
  return search.found();
}

const before = aofOf(['SET', 'a', '1'], ['SET', 'b', '2']);
const after = aofOf(['SET', 'c', '3']);

describe('the last FLUSHALL in append-only files', () => {
  test('none', () => {
    expect(found(before, after)).toBeNull();
    expect(found(aofOf(['SET', 'FLUSHALL', 'flushall']))).toBeNull();
  });

  test('with the bytes up to it and after it, over several files', () => {
    const flush = aofOf(['FLUSHALL']);
    const bytes = (parts: readonly Uint8Array[]) => BigInt(parts.reduce((sum, part) => sum + part.length, 0));
    const second = Uint8Array.from([...before, ...aofOf(['flushdb']), ...after]);
    expect(found(before, second, after)).toEqual({
      command: 'FLUSHDB',
      beforeBytes: bytes([before, before, aofOf(['flushdb'])]),
      afterBytes: bytes([after, after]),
    });
    expect(found(flush)).toEqual({ command: 'FLUSHALL', beforeBytes: bytes([flush]), afterBytes: 0n });
  });

  test('a torn end is no obstacle', () => {
    const torn = Uint8Array.from([...aofOf(['FLUSHALL']), ...after.subarray(0, after.length - 4)]);
    expect(found(torn)).toMatchObject({ command: 'FLUSHALL' });
  });
});
