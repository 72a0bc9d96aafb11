import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FileIntent } from '../../src/model/plan.js';
import { applyRedisIntent } from '../../src/redis/edit-redis.js';
import { parseConfig } from '../../src/redis/redis-conf.js';

type Intent = Extract<FileIntent, { kind: 'redis.conf' }>;

function intent(set: Intent['set'], drop: readonly string[] = []): Intent {
  return { kind: 'redis.conf', set, drop };
}

const toReplica = intent([{ directive: 'replicaof', value: ['10.0.0.2', '6379'] }]);

describe('applyRedisIntent', () => {
  test('takes the place of the first line in the spelling of the file, further ones go', () => {
    const text = '# role\n  SLAVEOF 10.0.0.1 6379\nport 6379\nreplicaof 10.0.0.9 6379\n';
    const { text: after, diff } = applyRedisIntent(text, toReplica);
    expect(after).toBe('# role\n  SLAVEOF 10.0.0.2 6379\nport 6379\n');
    expect(diff).toEqual(['-  SLAVEOF 10.0.0.1 6379', '+  SLAVEOF 10.0.0.2 6379', '-replicaof 10.0.0.9 6379']);
  });

  test('comes at the end when there was none, whatever the last line ends with', () => {
    expect(applyRedisIntent('port 1\n', toReplica).text).toBe('port 1\nreplicaof 10.0.0.2 6379\n');
    expect(applyRedisIntent('port 1', toReplica).text).toBe('port 1\nreplicaof 10.0.0.2 6379\n');
    expect(applyRedisIntent('', toReplica).text).toBe('replicaof 10.0.0.2 6379\n');
    expect(applyRedisIntent('port 1\r\n', toReplica).text).toBe('port 1\r\nreplicaof 10.0.0.2 6379\r\n');
    expect(applyRedisIntent('port 1', toReplica).diff).toEqual(['+replicaof 10.0.0.2 6379']);
  });

  test('keeps CR and a line that says the same already', () => {
    expect(applyRedisIntent('slaveof 10.0.0.1 1\r\nport 1\r\n', toReplica).text).toBe(
      'slaveof 10.0.0.2 6379\r\nport 1\r\n',
    );
    const same = '\tslaveof  "10.0.0.2"   6379 \r\n';
    expect(applyRedisIntent(same, toReplica)).toEqual({ text: same, diff: [] });
  });

  test('drops a directive with its aliases, comments stay', () => {
    const text = '# replicaof 10.0.0.1 6379\nreplicaof 10.0.0.1 6379\nslaveof a 1\nport 1\n';
    const { text: after, diff } = applyRedisIntent(text, intent([], ['slaveof']));
    expect(after).toBe('# replicaof 10.0.0.1 6379\nport 1\n');
    expect(diff).toEqual(['-replicaof 10.0.0.1 6379', '-slaveof a 1']);
  });

  test('takes over a secret without showing it', () => {
    const text = 'requirepass old\nrequirepass "#p4$s;%w&0rd=*!"\n';
    const same = intent([{ directive: 'masterauth', value: { sameSecretAs: 'requirepass' } }]);
    const { text: after, diff } = applyRedisIntent(text, same);
    expect(after).toBe(`${text}masterauth "#p4$s;%w&0rd=*!"\n`);
    expect(diff).toEqual(['+masterauth (secret, same as requirepass)']);
    expect(applyRedisIntent(`masterauth x\n${text}`, same).diff).toEqual([
      '-masterauth (secret)',
      '+masterauth (secret, same as requirepass)',
    ]);
    expect(() => applyRedisIntent('port 1\n', same)).toThrow('which this file does not set');
  });

  test('applying twice is applying once, and every other line stays byte for byte', () => {
    const line = fc.constantFrom(
      '# c',
      '',
      'port 1',
      'slaveof a 1',
      'replicaof b 2',
      'save 1 1',
      ' dir "/a b"\r',
      'x "y',
    );
    const lines = fc.array(line).map((parts) => parts.join('\n'));
    const change = intent(
      [
        { directive: 'replicaof', value: ['h', '1'] },
        { directive: 'save', value: [''] },
      ],
      ['port'],
    );
    fc.assert(
      fc.property(lines, (text) => {
        const once = applyRedisIntent(text, change).text;
        expect(applyRedisIntent(once, change)).toEqual({ text: once, diff: [] });
        const others = (content: string) =>
          parseConfig('f', content)
            .filter(({ name, raw }) => !['port', 'slaveof', 'replicaof', 'save'].includes(name) && raw !== '')
            .map(({ raw }) => raw);
        expect(others(once)).toEqual(others(text));
      }),
    );
  });
});
