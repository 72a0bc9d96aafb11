import { describe, expect, test } from 'vitest';
import { keyedHash, secretToken } from '../../src/model/secret.js';
import { effective, flatten, flattened, memoryBytes, willGive } from '../../src/redis/effective.js';
import { parseConfig } from '../../src/redis/redis-conf.js';
import { parseVersion } from '../../src/redis/versions.js';

const v = parseVersion;
const main = '/etc/redis/redis.conf';

function give(text: string, version = '7.0.15', argv: readonly string[] = []) {
  return willGive(main, parseConfig(main, text), argv, v(version));
}

describe('flatten', () => {
  const texts = new Map([
    [main, 'port 1\ninclude /etc/a.conf\ninclude /etc/d/*.conf\nport 4\ninclude /etc/gone.conf\n'],
    ['/etc/a.conf', '# in a\nport 2\ninclude /etc/b.conf'],
    ['/etc/b.conf', 'replicaof no one'],
    ['/etc/d/1.conf', 'port 3'],
  ]);
  const globs = new Map([['/etc/d/*.conf', ['/etc/d/1.conf']]]);

  test('inlines includes in the order of execution, with the chain that led there', () => {
    const lines = flatten(main, texts, v('7.0.15'), globs);
    expect(lines.filter(({ name }) => name !== 'include').map(({ name, args }) => `${name} ${args.join(' ')}`)).toEqual(
      ['port 1', 'port 2', 'replicaof no one', 'port 3', 'port 4'],
    );
    const deep = lines.find(({ name }) => name === 'replicaof');
    expect(deep).toMatchObject({ file: '/etc/b.conf', line: 1, includedFrom: [`${main}:2`, '/etc/a.conf:3'] });
    expect(effective(lines, [], v('7.0.15')).scalar('port')?.args).toEqual(['4']);
  });

  test('names a missing include; a pattern without a match is no problem', () => {
    expect(flattened(main, texts, v('7.0.15'), new Map()).problems).toEqual([
      { file: main, line: 5, says: "can't open config file '/etc/gone.conf'" },
    ]);
    expect(flattened('/nowhere', texts, v('7.0.15'), globs).problems).toHaveLength(1);
  });

  test('a pattern is a file name before 7.0', () => {
    const { lines, problems } = flattened(main, texts, v('6.2.16'), globs);
    expect(lines.some(({ file }) => file === '/etc/d/1.conf')).toBe(false);
    expect(problems.map(({ line }) => line)).toEqual([3, 5]);
  });

  test('a relative include is opened in the dir that stands before it', () => {
    const relative = new Map([
      [main, 'dir /data\ninclude ./role.conf'],
      ['/data/role.conf', 'replicaof 10.0.0.1 6379'],
    ]);
    expect(flatten(main, relative, v('7.0.15'), new Map()).at(-1)).toMatchObject({ file: '/data/role.conf' });
  });

  test('files of one pattern run together where a newline is missing', () => {
    const several = new Map([
      [main, 'include /d/*'],
      ['/d/1', 'port 1\nmaxmemory 2k'],
      ['/d/2', 'b\nport 2'],
      ['/d/3', ''],
    ]);
    const globs3 = new Map([['/d/*', ['/d/1', '/d/2', '/d/3']]]);
    const { lines, problems } = flattened(main, several, v('7.0.15'), globs3);
    expect(lines.map(({ file, name, args }) => [file, name, args[0]])).toEqual([
      [main, 'include', '/d/*'],
      ['/d/1', 'port', '1'],
      ['/d/2', 'maxmemory', '2kb'],
      ['/d/3', 'port', '2'],
    ]);
    expect(problems).toHaveLength(2);
  });

  test('a circle of includes ends', () => {
    const circle = new Map([
      [main, 'include /b'],
      ['/b', 'port 2\ninclude /b\ninclude /etc/redis/redis.conf'],
    ]);
    const { lines, problems } = flattened(main, circle, v('7.0.15'), new Map());
    expect(lines.map(({ name }) => name)).toEqual(['include', 'port', 'include', 'include']);
    expect(problems).toHaveLength(2);
  });

  test('includes that multiply without end stop', () => {
    const steps = Array.from({ length: 40 }, (_, at): [string, string] => [`/${at}`, `include /${at + 1}\n`.repeat(2)]);
    expect(flatten('/0', new Map(steps), v('7.0.15'), new Map()).length).toBeLessThan(100_100);
  });
});

describe('effective', () => {
  test('the last line counts, aliases are one, the command line comes last', () => {
    const lines = parseConfig(main, 'replicaof a 1\nslaveof b 2\nsave 900 1\nSAVE 60 2');
    const files = effective(lines, [], v('7.0.15'));
    expect(files.scalar('replicaof')?.args).toEqual(['b', '2']);
    expect(files.scalar('SLAVEOF')?.name).toBe('slaveof');
    expect(files.all('save').map(({ args }) => args)).toEqual([
      ['900', '1'],
      ['60', '2'],
    ]);
    const argv = ['redis-server', main, '--replicaof', 'c', '3', '--port 7000', '--save', '--dir', '/a b', '-'];
    const both = effective(lines, argv, v('7.0.15'));
    expect(both.scalar('slaveof')).toMatchObject({ args: ['c', '3'], file: '(command line)' });
    expect([both.scalar('port')?.args, both.scalar('save')?.args, both.scalar('dir')?.args]).toEqual([
      ['7000'],
      [''],
      ['/a b'],
    ]);
    expect(both.scalar('maxmemory')).toBeUndefined();
  });

  test('a value that begins with -- is one from 7.0 on', () => {
    const argv = ['--requirepass', '--foo', '--port', '1'];
    expect(effective([], argv, v('7.0.15')).lines.map(({ name }) => name)).toEqual(['requirepass', 'port']);
    expect(effective([], argv, v('6.2.16')).lines.map(({ name }) => name)).toEqual(['requirepass', 'foo', 'port']);
  });
});

describe('willGive', () => {
  test('the defaults of 7.0', () => {
    expect(give('')).toEqual({
      files: [main],
      lines: [],
      dir: '.',
      dbfilename: 'dump.rdb',
      appendonly: false,
      appendfilename: 'appendonly.aof',
      appenddirname: 'appendonlydir',
      save: [
        { seconds: 3600, changes: 1 },
        { seconds: 300, changes: 100 },
        { seconds: 60, changes: 10000 },
      ],
      port: 6379,
      bind: ['*', '-::*'],
      logfile: '',
      pidfile: '',
      maxmemoryBytes: 0n,
    });
  });

  test('save lines add up, the empty one clears, without one there is nothing before 6.2', () => {
    const saves = (text: string, version?: string) => give(text, version).save.map((s) => `${s.seconds}/${s.changes}`);
    expect(saves('save 900 1\nsave 60 5')).toEqual(['900/1', '60/5']);
    expect(saves('save 900 1 300 10')).toEqual(['900/1', '300/10']);
    expect(saves('save 900 1\nsave ""\nsave 60 5')).toEqual(['60/5']);
    expect(saves('save 900 1\nsave ""')).toEqual([]);
    expect(saves('port 1', '6.0.20')).toEqual([]);
    expect(saves('port 1', '6.2.0')).toHaveLength(3);
  });

  test('behind an include every save line replaces those before it, from 7.0 on', () => {
    const texts = new Map([
      [main, 'save 900 1\ninclude /x\nsave 30 7\nsave 20 8'],
      ['/x', 'save 60 5\nsave 50 6'],
    ]);
    const saves = (version: string) =>
      willGive(main, flatten(main, texts, v(version), new Map()), [], v(version)).save.map(({ seconds }) => seconds);
    expect(saves('7.0.15')).toEqual([20]);
    expect(saves('6.2.16')).toEqual([900, 60, 50, 30, 20]);
  });

  test('several words may stand in one from 7.0 on', () => {
    expect(give('', '7.0.15', ['--save', '900 1 60 2', '--bind', '10.0.0.1 ::1', '--replicaof', 'h 1'])).toMatchObject({
      save: [
        { seconds: 900, changes: 1 },
        { seconds: 60, changes: 2 },
      ],
      bind: ['10.0.0.1', '::1'],
      replicaOf: { host: 'h', port: 1 },
    });
  });

  test('replicaof no one is a host called no before 6.0.9', () => {
    expect(give('replicaof 10.0.0.1 6379\nslaveof NO ONE', '6.0.9').replicaOf).toBeUndefined();
    expect(give('slaveof no one', '6.0.8').replicaOf).toMatchObject({ host: 'no', port: 0 });
    expect(give('replicaof no one\nreplicaof 10.0.0.1 6379').replicaOf).toMatchObject({
      host: '10.0.0.1',
      port: 6379,
      from: { line: 2, raw: 'replicaof 10.0.0.1 6379' },
    });
  });

  test('passwords come as hashes, plain or from a token, and stand in no line', () => {
    const plain = give('requirepass "#p4$s;%w&0rd=*!"\nmasterauth x y\n', '7.0.15', ['--masterauth', 'm4ster']);
    expect(plain.requirepassHash).toBe(keyedHash('#p4$s;%w&0rd=*!'));
    expect(plain.masterauthHash).toBe(keyedHash('m4ster'));
    expect(JSON.stringify(plain, (_key, value) => (typeof value === 'bigint' ? '' : value))).not.toMatch(/p4|m4ster/);
    expect(give(`requirepass ${secretToken('a')}`).requirepassHash).toBe(keyedHash('a'));
    expect(give('requirepass a\nrequirepass ""').requirepassHash).toBeUndefined();
  });

  test('a relative dir goes on from the one before', () => {
    expect(give('dir /data\ndir ./redis\ndir a').dir).toBe('/data/redis/a');
    expect(give('dir a\ndir /b/').dir).toBe('/b/');
    expect(give('dir ./').dir).toBe('./');
  });

  test('sizes', () => {
    expect(['1', '1b', '2k', '2KB', '3m', '3mb', '1g', '1GB', 'x', '-1', '1tb'].map(memoryBytes)).toEqual([
      1n,
      1n,
      2000n,
      2048n,
      3000000n,
      3145728n,
      1000000000n,
      1073741824n,
      0n,
      0n,
      0n,
    ]);
  });
});
