import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { startProblems } from '../../src/audit/starts/start-problems.js';
import { parseTarget, type Target } from '../../src/audit/target.js';
import { seedFiles } from './seed-files.js';

const versions = [
  'redis-2.8',
  'redis-5.0',
  'redis-6.0',
  'redis-6.2',
  'redis-7.0',
  'redis-7.2',
  'redis-8.0',
  'valkey-7.2',
  'valkey-8.1',
];

function target(text: string): Target {
  const parsed = parseTarget(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
}

function problems(text: string, kind: 'redis' | 'sentinel' = 'redis', version = 'redis-7.0') {
  return startProblems([{ file: 'a.conf', text }], kind, target(version));
}

function fixture(path: string): string {
  return readFileSync(new URL(`../fixtures/${path}`, import.meta.url), 'utf8');
}

describe('the configs of the articles', () => {
  it.each(seedFiles().map((seed) => [seed.name, seed] as const))('%s', (_name, seed) => {
    expect(problems(seed.text, seed.kind).map(({ line, rule }) => `${line} ${rule}`)).toEqual(seed.expected);
  });
});

describe('files that their own version starts', () => {
  it.each(['redis-6.0', 'redis-7.0', 'redis-8.0', 'valkey-8.1'])('packaged with %s', (version) => {
    expect(problems(fixture(`packaged/${version}/redis.conf`), 'redis', version)).toEqual([]);
    expect(problems(fixture(`packaged/${version}/sentinel.conf`), 'sentinel', version)).toEqual([]);
  });

  it('what CONFIG REWRITE and a failover left; a run id twice stops 6.0', () => {
    expect(problems(fixture('redis-conf/redis-7.0.15-rewritten.conf'))).toEqual([]);
    expect(problems(fixture('redis-conf/sentinel-7.0.15-after-failover.conf'), 'sentinel')).toEqual([]);
    const poured = problems(fixture('redis-conf/sentinel-6.0-poured.conf'), 'sentinel', 'redis-6.0');
    expect(poured.map(({ line, rule }) => `${line} ${rule}`)).toEqual(['22 sentinel-duplicate-known-entry']);
  });
});

describe('the nearest legal form', () => {
  it.each([
    ['appendonly true', 'invalid-value', 'appendonly yes'],
    ['maxmemory 1.5gb', 'invalid-value', 'maxmemory 1536mb'],
    ['maxmemory 2 gb', 'wrong-argument-count', 'maxmemory 2gb'],
    ['appendfsync everysecond', 'invalid-value', 'appendfsync everysec'],
    ['port 70000', 'invalid-value', 'port 65535'],
    ['timeout 60s', 'invalid-value', 'timeout 60'],
    ['port 6380 // 6381', 'inline-comment', 'port 6380'],
    ['appendonlyy yes', 'unknown-directive', 'appendonly'],
    ['\ufefftimeout 0', 'bad-file-encoding', 'timeout 0'],
    ['client-output-buffer-limit normal 0 0 2147483648', 'invalid-value', undefined],
    ['requirepass a b', 'wrong-argument-count', undefined],
    ['requirepas secret', 'unknown-directive', 'requirepass'],
    ['vm-enabled no', 'unknown-directive', undefined],
    [`timeout \${T}`, 'placeholder-value', undefined],
  ])('%s', (text, rule, nearest) => {
    const [problem] = problems(text);
    expect({ rule: problem?.rule, nearest: problem?.nearest }).toEqual({ rule, nearest });
  });

  it('is legal itself', () => {
    const [problem] = problems('client-output-buffer-limit replica 256mb 64mb 60s');
    expect(problem?.nearest).toBe('client-output-buffer-limit replica 256mb 64mb 60');
    expect(problems(problem?.nearest ?? '')).toEqual([]);
  });
});

describe('order and versions', () => {
  it('the first problem is the one that is reported, sentinel lines after all others since 6.2', () => {
    const text = 'sentinel auth-pass m x\nsentinel monitor m 127.0.0.1 6379 2\nport x\n';
    const found = (version: string) =>
      problems(text, 'sentinel', version).map(({ line, reported }) => [line, reported]);
    expect(found('redis-7.0')).toEqual([[3, true]]);
    expect(found('redis-6.0')).toEqual([
      [1, true],
      [3, false],
    ]);
  });

  it.each([
    ['io-threads 4', 'redis-5.0', 'directive-not-in-version'],
    ['gopher-enabled no', 'redis-7.0', 'directive-not-in-version'],
    ['primaryauth x', 'redis-8.0', 'directive-not-in-version'],
    ['appenddirname x', 'redis-6.2', 'directive-not-in-version'],
    ['hash-max-listpack-entries 5', 'redis-6.0', 'directive-not-in-version'],
  ])('%s on %s', (text, version, rule) => {
    expect(problems(text, 'redis', version).map((problem) => problem.rule)).toEqual([rule]);
    expect(problems(text, 'redis', version === 'redis-7.0' ? 'redis-6.0' : 'valkey-8.1')).toEqual([]);
  });

  it('follows an include and names its file', () => {
    const files = [
      { file: '/c/a.conf', text: 'include b.conf\nport x\n' },
      { file: '/c/b.conf', text: 'timeout y\ninclude a.conf\n' },
    ];
    expect(startProblems(files, 'redis', target('redis-7.0')).map(({ file, line }) => `${file}:${line}`)).toEqual([
      '/c/b.conf:1',
      '/c/a.conf:2',
    ]);
  });

  it('says nothing of a directive that a newer server may have', () => {
    expect(problems('some-later-directive 5', 'redis', 'redis-9.0')).toEqual([]);
    expect(problems('apendonly yes', 'redis', 'redis-9.0').map(({ rule }) => rule)).toEqual(['unknown-directive']);
  });
});

describe('hostile text', () => {
  it('is always answered', () => {
    const word = fc.constantFrom(
      'sentinel',
      'monitor',
      'user',
      '"',
      "'",
      '\0',
      '\x1b[2J',
      'constructor',
      '__proto__',
      '(',
      '+@',
      'port',
      '%R~',
      '{',
      '9'.repeat(40),
    );
    const text = fc
      .array(fc.oneof(word, fc.string()), { maxLength: 40 })
      .map((words) => words.join(' ').replaceAll('9 ', '\n'));
    fc.assert(
      fc.property(
        text,
        fc.constantFrom(...versions),
        fc.constantFrom('redis' as const, 'sentinel' as const),
        (said, version, kind) => {
          for (const problem of problems(said, kind, version)) expect(problem.line).toBeGreaterThan(0);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('10 000 bad lines and a line of 10 MB are answered in time', () => {
    const many = Array.from({ length: 10_000 }, (_, at) => `nosuch-${at} # x`).join('\n');
    const before = performance.now();
    expect(problems(many)).toHaveLength(10_000);
    expect(problems(`maxmemory ${'9'.repeat(10_000_000)}`)).toHaveLength(1);
    expect(performance.now() - before).toBeLessThan(8000);
  });

  it('no message or form holds a secret', () => {
    const lines = [
      'requirepass hunter2 x',
      'user bob on >hunter2 +@nosuch',
      'sentinel auth-pass m hunter2 x',
      'masterauht hunter2',
      'tls-key-file-pass a hunter2',
    ];
    const shown = lines.flatMap((text) => [...problems(text), ...problems(text, 'sentinel')]);
    expect(shown.length).toBeGreaterThan(5);
    expect(JSON.stringify(shown)).not.toContain('hunter2');
  });
});
