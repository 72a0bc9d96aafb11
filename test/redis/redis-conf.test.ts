import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalName } from '../../src/redis/directive-names.js';
import { parseConfig, printConfig, problemsOf } from '../../src/redis/redis-conf.js';

describe('parseConfig', () => {
  test('keeps every line with its place and takes the directive apart', () => {
    const lines = parseConfig('/etc/redis.conf', '# c\n\n  SlaveOf 10.0.0.1 6379\r\nport 1 # two', ['/a:3']);
    expect(lines.map(({ line, column, name, args, raw }) => ({ line, column, name, args, raw }))).toEqual([
      { line: 1, column: 1, name: '', args: [], raw: '# c' },
      { line: 2, column: 1, name: '', args: [], raw: '' },
      { line: 3, column: 3, name: 'slaveof', args: ['10.0.0.1', '6379'], raw: '  SlaveOf 10.0.0.1 6379\r' },
      { line: 4, column: 1, name: 'port', args: ['1', '#', 'two'], raw: 'port 1 # two' },
    ]);
    expect(lines[2]).toMatchObject({ file: '/etc/redis.conf', includedFrom: ['/a:3'] });
  });

  test('names broken quotes, but not in comments', () => {
    const problems = problemsOf(parseConfig('f', 'a "b\n# it\'s fine\nb c\nd \'e"\n'));
    expect(problems.map(({ line }) => line)).toEqual([1, 4]);
    expect(problems[0]?.says).toBe('Unbalanced quotes in configuration line');
  });

  test('prints every text as it was', () => {
    fc.assert(
      fc.property(configText(), (text) => {
        expect(printConfig(parseConfig('f', text))).toBe(text);
      }),
    );
  });

  test.each(['redis-7.0.15-rewritten.conf', 'sentinel-7.0.15-after-failover.conf', 'sentinel-6.0-poured.conf'])(
    'reads all of %s',
    (name) => {
      const text = readFileSync(new URL(`../fixtures/redis-conf/${name}`, import.meta.url), 'utf8');
      const lines = parseConfig(name, text);
      expect(printConfig(lines)).toBe(text);
      expect(problemsOf(lines)).toEqual([]);
      const directives = text.split('\n').filter((line) => /^\w/.test(line));
      expect(lines.filter((line) => line.name !== '')).toHaveLength(directives.length);
    },
  );
});

test('aliases have one name', () => {
  const names = ['slaveof', 'SLAVE-priority', 'min-slaves-to-write', 'hash-max-ziplist-entries', 'primaryauth', 'port'];
  expect(names.map(canonicalName)).toEqual([
    'replicaof',
    'replica-priority',
    'min-replicas-to-write',
    'hash-max-listpack-entries',
    'masterauth',
    'port',
  ]);
  expect(canonicalName('constructor')).toBe('constructor');
});

function configText(): fc.Arbitrary<string> {
  const line = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('', '# c', 'save ""', 'dir "a b"', "x 'y", 'a\r'),
  );
  return fc.array(line).map((lines) => lines.join('\n'));
}
