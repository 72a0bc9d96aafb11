import { describe, expect, it } from 'vitest';
import { markdown, markdownBlock, markdownCode, printable, printableProse } from '../../src/report/escape.js';
import { paint, table, widthOf, wrap } from '../../src/report/layout.js';
import { clockTime, dateAndTime, duration, grouped, size } from '../../src/report/quantities.js';
import { said } from '../../src/report/said.js';
import { diagnosis, ids, lineage } from './builders.js';

describe('escapes', () => {
  it('write out what could move a cursor, turn text round or hide', () => {
    expect(printable('a\u001b[2J\r\n\t\u007f\u009b')).toBe('a\\x1b[2J\\x0d\\x0a\\x09\\x7f\\x9b');
    expect(printable('\u202epv1\u200b\u{e0041}\ud800')).toBe('\\u{202e}pv1\\u{200b}\\u{e0041}\\u{d800}');
    expect(printable('p\u0432 1')).toBe('p\\u{432} 1');
  });

  it('leave what an operator writes readable', () => {
    expect(printableProse('pv1 끊김 01:12')).toBe('pv1 끊김 01:12');
    expect(printableProse('a\u2066b\u00a0c\u2028d\u001b')).toBe('a\\u{2066}b\\xa0c\\u{2028}d\\x1b');
  });

  it('keep a value from becoming markup', () => {
    expect(markdown('[x](http://e) `a` <b> *c* @all')).toBe('\\[x\\](http&#58;//e) \\`a\\` \\<b\\> \\*c\\* &#64;all');
    expect(markdown('- item')).toBe('\\- item');
    expect(markdown('1. item')).toBe('1\\. item');
    expect(markdownCode('a``b')).toBe('```a``b```');
    expect(markdownCode('`')).toBe('`` ` ``');
    expect(markdownBlock(['```', 'x'])).toBe('````\n```\nx\n````');
  });
});

describe('wrap', () => {
  it('keeps numbers and their units together and never cuts a word', () => {
    const text = 'The winner has 12 648 116 bytes that the other one lacks';
    for (let width = 10; width < 60; width += 1) {
      const lines = wrap(text, width);
      expect(lines.join(' ')).toBe(text);
      expect(lines.some((line) => line.includes('12 648 116 bytes'))).toBe(true);
    }
    expect(wrap('abcdefghij', 4)).toEqual(['abcdefghij']);
  });

  it('hangs the lines after the first, and stops at 80 columns on wide terminals', () => {
    expect(wrap('one two three', 9, '- ', '  ')).toEqual(['- one two', '  three']);
    expect(wrap('word '.repeat(60), 200).every((line) => line.length <= 80)).toBe(true);
    expect(wrap('', 80)).toEqual(['']);
  });

  it('counts wide characters twice', () => {
    expect(widthOf('끊김')).toBe(4);
    expect(wrap('끊김 끊김', 8)).toEqual(['끊김', '끊김']);
  });
});

describe('table', () => {
  const columns = [{ title: 'A' }, { title: 'N', align: 'right' as const, drop: 2 }, { title: 'X', drop: 1 }];
  const rows = [{ cells: ['name', '1 000', 'extra'] }, { sign: '?', cells: ['n', '7', ''], note: 'why not' }];
  const plain = { colour: false, width: 80 };

  it('aligns, signs and notes', () => {
    expect(table(columns, rows, plain)).toEqual([
      '  A         N  X',
      '  name  1 000  extra',
      '? n         7         why not',
    ]);
  });

  it('drops whole columns in their order and never shortens a cell', () => {
    expect(table(columns, rows, { ...plain, width: 15 })).toEqual([
      '  A         N',
      '  name  1 000',
      '? n         7',
      '      why not',
    ]);
    expect(table(columns, rows, { ...plain, width: 4 })[1]).toBe('  name');
  });
});

describe('quantities', () => {
  it('read as people say them', () => {
    expect([0, 999, 1000, 1204877n, -1234].map(grouped)).toEqual(['0', '999', '1 000', '1 204 877', '-1 234']);
    expect([87, 1500, 405_000_000, 1_230_000_000n].map(size)).toEqual(['87 bytes', '1.5 KB', '405 MB', '1.2 GB']);
    expect([400, 9960, 28_000, 59_700, 3_268_000, 21_000_000, 540_000_000].map(duration)).toEqual([
      '0.4 s',
      '10 s',
      '28 s',
      '1 min',
      '54 min 28 s',
      '5 h 50 min',
      '6 d 6 h',
    ]);
  });

  it('name the zone once and the day only when it is another', () => {
    const at = Date.parse('2026-11-20T17:07:44Z');
    expect(dateAndTime(at, 540)).toBe('Sat 21 Nov 2026 02:07:44 +09:00');
    expect(dateAndTime(at, -210)).toBe('Fri 20 Nov 2026 13:37:44 -03:30');
    expect(dateAndTime(Number.NaN, 0)).toBe('time unknown');
    expect(clockTime(at, 540, at + 3_600_000)).toBe('02:07:44');
    expect(clockTime(at, 540, at + 86_400_000)).toBe('21 Nov 02:07:44');
  });

  it('are painted after padding and not at all without colour', () => {
    expect(paint('good', 'ok', true)).toBe('\u001b[32mok\u001b[0m');
    expect(paint('good', 'ok', false)).toBe('ok');
  });
});

describe('what the diagnosis says', () => {
  it('is shown with letters for histories and grouped numbers, and nothing else changed', () => {
    const value = diagnosis({ lineage: lineage({ A: 'pv1', B: 'pv2' }, [['A', 'B', 1n]], []) });
    expect(said(`history ${ids.B}, 5d1f0c9e is shared up to 81223104`, value)).toBe(
      'history B, A is shared up to 81 223 104',
    );
    const other = '10.0.0.1:26379 pid 28536 port 26379 21 Nov 2026 7.0.15 a-12345 x12345 12345.';
    expect(said(other, value)).toBe(other.replace('12345.', '12 345.').replace('x12 345', 'x12345'));
    expect(said('5d1f0c9ea \u001b', value)).toBe('5d1f0c9ea \\x1b');
  });
});
