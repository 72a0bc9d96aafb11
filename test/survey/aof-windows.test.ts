import { describe, expect, it } from 'vitest';
import { createContainment } from '../../src/redis/aof-containment.js';
import { verdictOf, windowsOf } from '../../src/survey/aof-windows.js';

function command(...words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`;
}

function writes(from: number, to: number, value = 'v'): string {
  return Array.from({ length: to - from }, (_, n) => command('SET', `key:${from + n}`, value)).join('');
}

const select = command('SELECT', '0');

function compare(former: string, successor: string): string {
  const bytes = new TextEncoder().encode(former);
  const end = bytes.subarray(Math.max(0, bytes.length - 1024 * 1024));
  const windows = windowsOf({ bytes: end, whole: end.length === bytes.length });
  if (windows.length === 0) return 'no window';
  const found = windows.map((window) => {
    const search = createContainment(window.bytes);
    search.feed(new TextEncoder().encode(successor));
    return search.found();
  });
  return verdictOf(windows, found).result;
}

describe('the end of a former master in its successor', () => {
  const shared = writes(0, 3000);

  it('is contained when its last writes stand there once', () => {
    expect(compare(select + shared, select + shared + writes(3000, 3100))).toBe('contained');
    expect(compare(`${select + shared}*3\r\n$3\r\nSET\r\n$9\r\nkey:`, select + shared + writes(5000, 5100))).toBe(
      'contained',
    );
  });

  it('is contained when the successor began its file later', () => {
    expect(compare(select + shared, select + writes(2700, 3000) + writes(4000, 4100))).toBe('contained');
  });

  it('is contained when the whole file is a handful of commands', () => {
    expect(compare(select + writes(0, 3), select + writes(0, 3) + writes(7, 9))).toBe('contained');
  });

  it('is not contained when it has writes of its own, however few', () => {
    expect(compare(select + shared + writes(9000, 9001), select + shared + writes(3000, 3100))).toBe('not-contained');
    expect(compare(select + shared + writes(9000, 9900), select + shared + writes(3000, 3100))).toBe('not-contained');
  });

  it('is not known when the files have nothing in common', () => {
    expect(compare(select + shared, select + writes(3000, 3100))).toBe('unknown');
    expect(compare(select + writes(9000, 9003), select + writes(0, 9))).toBe('unknown');
  });

  it('is not known when its end stands there more than once', () => {
    const counted = command('INCR', 'counter').repeat(4000);
    expect(compare(select + counted, select + counted + command('INCR', 'counter'))).toBe('unknown');
  });

  it('has no window in a file without a write', () => {
    expect(compare(select, select + shared)).toBe('no window');
    expect(compare('', select + shared)).toBe('no window');
  });
});
