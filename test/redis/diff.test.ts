import fc from 'fast-check';
import { expect, test } from 'vitest';
import { diffLines } from '../../src/redis/diff.js';

const text = fc.array(fc.constantFrom('a', 'b', 'c', ''), { maxLength: 12 });

test('each side can be read out of the difference', () => {
  fc.assert(
    fc.property(text, text, (before, after) => {
      const lines = diffLines(before, after);
      const side = (op: '+' | '-') =>
        lines.filter((line) => line.op === ' ' || line.op === op).map((line) => line.text);
      expect([side('-'), side('+')]).toEqual([before, after]);
    }),
  );
});

test('a changed line is one line out and one in', () => {
  const ops = diffLines(['a', 'b', 'c'], ['a', 'x', 'c']).map(({ op, text: line }) => op + line);
  expect(ops).toEqual([' a', '-b', '+x', ' c']);
});

test('a changed part too large to align is still right', () => {
  const before = Array.from({ length: 2500 }, (_, at) => `b${at}`);
  const after = before.map((line, at) => (at % 2 === 0 ? line.toUpperCase() : `${line}x`));
  const lines = diffLines(before, after);
  expect(lines.filter(({ op }) => op !== '+')).toHaveLength(2500);
  expect(lines.filter(({ op }) => op !== '-').map((line) => line.text)).toEqual(after);
});
