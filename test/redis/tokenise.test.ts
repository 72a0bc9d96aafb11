import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeText, encodeText } from '../../src/redis/byte-text.js';
import { quoteArg, scanWords, splitArgs } from '../../src/redis/tokenise.js';

const anyText = fc.string({ unit: 'binary' });
const anyBytes = fc.uint8Array({ maxLength: 40 });

describe('splitArgs', () => {
  test.each<[string, string[] | null]>([
    ['', []],
    [' \t\r ', []],
    ['save 900 1', ['save', '900', '1']],
    ['requirepass "#p4$s;%w&0rd=*!"', ['requirepass', '#p4$s;%w&0rd=*!']],
    ['save ""', ['save', '']],
    [String.raw`a "\n\r\t\b\a\x41\q\"\\"`, ['a', '\n\r\t\b\x07Aq"\\']],
    [String.raw`a '\n\'"x'`, ['a', `\\n'"x`]],
    ['dir pre"mid dle"', ['dir', 'premid dle']],
    ["dir pre'mid dle' x", ['dir', 'premid dle', 'x']],
    ['a "b"c', null],
    ['a "b', null],
    ["a 'b", null],
    [String.raw`a "b\x4`, null],
    [String.raw`a "\x4z"`, ['a', 'x4z']],
    ['a b\\"c d"', ['a', 'b\\c d']],
    ['a "\\', null],
    ['port 1 # c', ['port', '1', '#', 'c']],
    ['a\vb \f c', ['a\vb', 'c']],
    ['a b\0c "', ['a', 'b']],
    [String.raw`requirepass "p\xc3\xa4ss"`, ['requirepass', 'päss']],
    ['requirepass pä"\\xc3\\xa4"', ['requirepass', 'pää']],
  ])('%j', (line, words) => {
    expect(splitArgs(line)).toEqual(words);
  });

  test('a byte that is no UTF-8 comes back as that byte', () => {
    expect(splitArgs(String.raw`a "\xff"`)?.map(encodeText)).toEqual([Uint8Array.of(0x61), Uint8Array.of(0xff)]);
  });

  test('words know where they stand', () => {
    const line = String.raw`  user bob ">a \" b"  on`;
    const raws = scanWords(line)?.map(({ start, end }) => line.slice(start, end));
    expect(raws).toEqual(['user', 'bob', String.raw`">a \" b"`, 'on']);
  });
});

describe('quoteArg', () => {
  test('prints bare what needs no quotes and the rest as Redis does', () => {
    expect(['a', '/var/lib/redis', '', 'a b', '#x', 'x#', 'a"b', 'ä', '\x07\n'].map(quoteArg)).toEqual([
      'a',
      '/var/lib/redis',
      '""',
      '"a b"',
      '"#x"',
      'x#',
      String.raw`"a\"b"`,
      String.raw`"\xc3\xa4"`,
      String.raw`"\a\n"`,
    ]);
  });

  test('splitArgs gives every word back', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(anyText, anyBytes.map(decodeText)), { minLength: 1 }), (words) => {
        expect(splitArgs(words.map(quoteArg).join(' '))).toEqual(words);
      }),
    );
  });
});

test('bytes survive being text', () => {
  fc.assert(
    fc.property(anyBytes, anyText, (bytes, text) => {
      expect(encodeText(decodeText(bytes))).toEqual(bytes);
      expect(decodeText(encodeText(text))).toBe(text);
    }),
  );
  expect(decodeText(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61))).toBe('\ufeffa');
});
