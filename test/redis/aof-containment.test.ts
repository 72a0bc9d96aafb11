import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { containmentWindow, createContainment } from '../../src/redis/aof-containment.js';
import { aofOf } from './aof-bytes.js';

const text = (value: string) => new TextEncoder().encode(value);

function found(needle: Uint8Array, ...chunks: readonly Uint8Array[]): number {
  const search = createContainment(needle);
  for (const chunk of chunks) search.feed(chunk);
  return search.found();
}

describe('the end of the window', () => {
  const whole = aofOf(['SET', 'a', '1'], ['MULTI'], ['SET', 'b', '2'], ['EXEC'], ['SET', 'c', '3']);

  it('ends before a transaction without its EXEC: a load takes nothing of it', () => {
    const open = aofOf(['MULTI'], ['SET', 'd', '4'], ['SET', 'e', '5']);
    const torn = Uint8Array.from([...whole, ...open.subarray(0, open.length - 3)]);
    expect(containmentWindow(torn, 4096)).toEqual(whole);
    expect(containmentWindow(open, 4096)).toBeUndefined();
  });

  it('holds a transaction that was carried out', () => {
    expect(containmentWindow(whole, 4096)).toEqual(whole);
  });
});

describe('the search', () => {
  it('counts overlapping places, over the edges of pieces', () => {
    expect(found(text('aba'), text('ababab'), text('a'))).toBe(3);
    expect(found(text('aba'), ...[...'xabxaba'].map(text))).toBe(1);
    expect(found(text('aba'), text('xyz'))).toBe(0);
    expect(found(text(''), text('xyz'))).toBe(0);
  });

  it('counts what a slow search counts', () => {
    const few = fc.array(fc.constantFrom(1, 2), { maxLength: 60 });
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(1, 2), { minLength: 1, maxLength: 5 }),
        few,
        fc.nat(60),
        (needle, hay, cut) => {
          const places = hay.filter((_, at) => needle.every((byte, index) => hay[at + index] === byte)).length;
          const bytes = Uint8Array.from(hay);
          expect(found(Uint8Array.from(needle), bytes.subarray(0, cut), bytes.subarray(cut))).toBe(places);
        },
      ),
    );
  });

  it('passes over annotations between commands, not inside values', () => {
    const needle = aofOf(['SET', 'a', '#TS:1\r\n'], ['SET', 'b', '2']);
    const file = aofOf('#TS:1700000000\r\n', ['SET', 'a', '#TS:1\r\n'], '#TS:1700000001\r\n', ['SET', 'b', '2']);
    expect(found(needle, file)).toBe(1);
    expect(found(needle, ...[...file].map((byte) => Uint8Array.of(byte)))).toBe(1);
  });
});

describe('the window', () => {
  const first = aofOf(['SELECT', '0'], ['SET', 'a', '1']);
  const second = ['SET', 'b', '22'];

  it('is every whole command but the leading SELECT and the annotations', () => {
    const incr = aofOf('#TS:1\r\n', ['SELECT', '0'], ['SET', 'a', '1'], '#TS:2\r\n', second);
    expect(containmentWindow(incr, 1000)).toEqual(aofOf(['SET', 'a', '1'], second));
  });

  it('keeps to the size and begins at a command', () => {
    const incr = aofOf(['SET', 'a', '1'], ['SELECT', '3'], second);
    expect(containmentWindow(incr, 60)).toEqual(aofOf(second));
    expect(containmentWindow(incr, 28)).toEqual(aofOf(second));
    expect(containmentWindow(incr, 27)).toBeUndefined();
    expect(containmentWindow(incr.subarray(3), 1000)).toEqual(aofOf(second));
  });

  it('leaves a torn command out', () => {
    expect(containmentWindow(aofOf(['SET', 'a', '1'], second).subarray(0, -1), 1000)).toEqual(aofOf(['SET', 'a', '1']));
  });

  it('is undefined without a whole write command', () => {
    expect(containmentWindow(new Uint8Array(0), 1000)).toBeUndefined();
    expect(containmentWindow(aofOf(['SELECT', '0'], ['MULTI']), 1000)).toBeUndefined();
    expect(containmentWindow(first.subarray(0, -5), 1000)).toBeUndefined();
    expect(containmentWindow(text('no commands at all'), 1000)).toBeUndefined();
  });

  it('is found in a file that goes on, and not in one that lacks its last command', () => {
    const window = containmentWindow(aofOf(['SELECT', '0'], ['SET', 'a', '1'], second), 1000) ?? new Uint8Array(0);
    expect(found(window, aofOf(['SELECT', '0'], ['SET', 'z', '0'], ['SET', 'a', '1'], second, ['SET', 'c', '3']))).toBe(
      1,
    );
    expect(found(window, aofOf(['SELECT', '0'], ['SET', 'z', '0'], ['SET', 'a', '1'], ['SET', 'c', '3']))).toBe(0);
  });
});
