import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { keyedHash, secretToken } from '../../src/model/secret.js';
import { parseConfig, problemsOf } from '../../src/redis/redis-conf.js';
import { redactArgv, redactConfig, redactWords, showRaw } from '../../src/redis/secrets.js';
import { quoteArg } from '../../src/redis/tokenise.js';

const T = secretToken;
const sha = '5af9463b20f5b699cd9e077637ca6598eb6a90c78f893d1cf0e302e159fb110d';

describe('redactConfig', () => {
  test.each([
    ['requirepass foo', `requirepass ${T('foo')}`],
    ['  MASTERAUTH "a \\" b"\r', `  MASTERAUTH ${T('a " b')}\r`],
    ['requirepass a b', `requirepass ${T('a')} ${T('b')}`],
    ['requirepass ""', 'requirepass ""'],
    ['primaryauth x', `primaryauth ${T('x')}`],
    ['sentinel auth-pass stn-master #p4', `sentinel auth-pass stn-master ${T('#p4')}`],
    ['SENTINEL Auth-Pass m a b', `SENTINEL Auth-Pass m ${T('a')} ${T('b')}`],
    ['sentinel sentinel-pass x', `sentinel sentinel-pass ${T('x')}`],
    ['tls-key-file-pass k', `tls-key-file-pass ${T('k')}`],
    ['tls-client-key-file-pass k', `tls-client-key-file-pass ${T('k')}`],
    [`user bob on >pw #${sha} ~* +@all`, `user bob on >${T('pw')} #${T(sha)} ~* +@all`],
    ['user bob ">my pw" <old', `user bob >${T('my pw')} <${T('old')}`],
    ['# requirepass foo', `# requirepass ${T('foo')}`],
    ['#requirepass "foo"', `#requirepass ${T('foo')}`],
    ['# was: sentinel auth-pass m pw', `# was: sentinel auth-pass m ${T('pw')}`],
    ['# auth-pass m pw', `# auth-pass m ${T('pw')}`],
    ['# ??? requirepass pw', `# ??? requirepass ${T('pw')}`],
    ['# user bob on >pw', `# user bob on >${T('pw')}`],
    ['# redis-cli -a pw info', `# redis-cli -a ${T('pw')} info`],
    ['# redis-server --requirepass pw', `# redis-server --requirepass ${T('pw')}`],
    ['requirepass "foo', `requirepass "${T('"foo')}`],
    ['masterauth a"b"c', `masterauth "${T('a"b"c')}`],
    ['"requirepass" "foo', `"requirepass" "${T('"foo')}`],
    ['sentinel auth-pass m "a b', `sentinel auth-pass m "${T('"a b')}`],
    ['sentinel auth-pass "m pw', `sentinel auth-pass "m ${T('pw')}`],
    ['user bob >a "b', `user bob >"${T('a "b')}`],
    ['requirepas foobar', `requirepas ${T('foobar')}`],
    ['masteraut x', `masteraut ${T('x')}`],
    ['REQUIREPASSS "a b"', `REQUIREPASSS ${T('a b')}`],
    ['require-pass foo', `require-pass ${T('foo')}`],
    ['requirepassword foo', `requirepassword ${T('foo')}`],
    ['requirepass=foo', `requirepass=${T('foo')}`],
    ['masterauth:foo', `masterauth:${T('foo')}`],
    ['password foo', `password ${T('foo')}`],
    ['sentinel auth-pas stn-master pw', `sentinel auth-pas stn-master ${T('pw')}`],
    ['sentinel authpass stn-master pw', `sentinel authpass stn-master ${T('pw')}`],
    ['sentinal auth-pass stn-master pw', `sentinal auth-pass stn-master ${T('pw')}`],
    ['usr bob on >pw', `usr bob on >${T('pw')}`],
    ['# requirepas foo', `# requirepas ${T('foo')}`],
    ['masteruser bob', 'masteruser bob'],
    ['tls-key-file /etc/redis/redis.key', 'tls-key-file /etc/redis/redis.key'],
    ['tls-auth-clients optional', 'tls-auth-clients optional'],
    ['sentinel auth-user stn-master bob', 'sentinel auth-user stn-master bob'],
    ['# requires a restart', '# requires a restart'],
    ['port 6379', 'port 6379'],
    ['user bob on nopass ~* &* +@all -@dangerous', 'user bob on nopass ~* &* +@all -@dangerous'],
  ])('%s', (raw, redacted) => {
    expect(redactConfig(raw).text).toBe(redacted);
    expect(redactConfig(redacted).text).toBe(redacted);
  });

  test.each([
    ['a comment', '# user user >a '],
    ['a broken line', 'user "x" >a "user '],
    ['a line of many passwords', 'user bob >a'],
  ])('%s of hundreds of kilobytes takes no time to speak of', (_name, start) => {
    const raw = `${start} ${'user >pw '.repeat(40_000)}`;
    const began = performance.now();
    expect(redactConfig(raw).text).not.toContain('pw');
    expect(performance.now() - began).toBeLessThan(4000);
  });

  test('keeps what takes effect, by directive', () => {
    const text = [
      'requirepass one',
      'requirepass "two 2"',
      '# requirepass three',
      'masterauth m\nmasterauth ""',
      'sentinel auth-pass a pa',
      'sentinel auth-pass "b c" pb',
      'user bob on >ub',
      'sentinel sentinel-pass x y',
    ].join('\n');
    const { secrets } = redactConfig(text);
    expect([...secrets].map(([key, secret]) => [key, secret.reveal((word) => word)])).toEqual([
      ['requirepass', 'two 2'],
      ['auth-pass a', 'pa'],
      ['auth-pass b c', 'pb'],
      ['user bob', 'ub'],
    ]);
    expect(secrets.get('requirepass')?.hash).toBe(keyedHash('two 2'));
  });

  test('no secret is left, and the directives are the same', () => {
    const secret = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 12 }).map((text) => `S3${text}X`);
    const make = fc.constantFrom<(word: string) => string>(
      (word) => `requirepass ${quoteArg(word)}`,
      (word) => `  masterauth ${quoteArg(word)} \r`,
      (word) => `sentinel auth-pass g ${quoteArg(word)}`,
      (word) => `user u on ${quoteArg(`>${word}`)} +@all`,
      (word) => `# requirepass ${quoteArg(word)}`,
      (word) => `requirepass ${word}`,
      (word) => `# sentinel auth-pass g ${word}`,
      (word) => `sentinel auth-pass g ${word}`,
    );
    fc.assert(
      fc.property(secret, make, (word, line) => {
        const raw = line(word);
        const after = redactConfig(raw).text;
        for (const part of word.split(/\s+/)) if (part.length > 3) expect(after).not.toContain(part);
        const said = (text: string) => parseConfig('f', text).map(({ name, args }) => [name, args.length]);
        expect(said(after)).toEqual(said(raw));
        expect(problemsOf(parseConfig('f', after))).toEqual(problemsOf(parseConfig('f', raw)));
      }),
      { numRuns: 500 },
    );
  });

  test('a file that CONFIG REWRITE wrote', () => {
    const text = readFileSync(new URL('../fixtures/redis-conf/redis-7.0.15-rewritten.conf', import.meta.url), 'utf8');
    const after = redactConfig(text).text;
    expect(after).not.toMatch(/p4\$s|5af9463b/);
    expect(after.split('\n').filter((line) => line.includes('{secret:'))).toHaveLength(3);
  });
});

test('a screen shows neither secret nor token', () => {
  expect(showRaw('requirepass foo\r')).toBe('requirepass (secret)');
  expect(showRaw(`sentinel auth-pass g ${T('x')}`, '(secret, unchanged)')).toBe(
    'sentinel auth-pass g (secret, unchanged)',
  );
  expect(showRaw('user bob >pw +@all')).toBe('user bob >(secret) +@all');
});

describe('command lines', () => {
  test('a misspelt option', () => {
    expect(redactArgv('redis-server --requirepas pw --port 1')).toBe(`redis-server --requirepas ${T('pw')} --port 1`);
  });

  test.each([
    [
      'redis-server /etc/r.conf --requirepass a b --port 1',
      `redis-server /etc/r.conf --requirepass ${T('a')} ${T('b')} --port 1`,
    ],
    ['redis-server --MASTERAUTH x', `redis-server --MASTERAUTH ${T('x')}`],
    ['redis-server --requirepass --x --port 1', `redis-server --requirepass ${T('--x')} --port 1`],
    ['redis-cli -a pw -p 1', `redis-cli -a ${T('pw')} -p 1`],
    ['redis-server x --sentinel auth-pass g pw', `redis-server x --sentinel auth-pass g ${T('pw')}`],
    ['redis-server --user bob on >pw ~*', `redis-server --user bob on >${T('pw')} ~*`],
    ['redis-server 127.0.0.1:6379', 'redis-server 127.0.0.1:6379'],
    ['redis-server *:6379 [sentinel]', 'redis-server *:6379 [sentinel]'],
  ])('%s', (title, redacted) => {
    expect(redactArgv(title)).toBe(redacted);
    expect(redactArgv(redacted)).toBe(redacted);
  });

  test('an option and its value in one word', () => {
    expect(redactWords(['redis-server', '--requirepass a b', '--port 1'])).toEqual([
      'redis-server',
      `--requirepass ${T('a')} ${T('b')}`,
      '--port 1',
    ]);
    expect(redactWords(['--requirepass', 'a b'])).toEqual(['--requirepass', T('a b')]);
    expect(redactWords(['--requirepass "a'])).toEqual([`--requirepass ${T('"a')}`]);
  });
});
