import { describe, expect, it } from 'vitest';
import { globsOf } from '../../src/redis/globs.js';
import { holdOf, lockOf } from '../../src/survey/claims.js';
import { answerOf, logLinesOf } from '../../src/survey/raw-access.js';
import { answer, file, rawHost } from './raws.js';

describe('the lines of a log', () => {
  it('are matches and tail together, each once, in the order of files and lines', () => {
    const line = (file: string, number: number) => ({ file, line: number, text: `${file} ${number}` });
    const lines = logLinesOf({
      matches: [line('redis.log.1', 40), line('redis.log', 2), line('redis.log', 9)],
      tail: [line('redis.log.1', 41), line('redis.log', 8), line('redis.log', 9), line('redis.log', 10)],
    });
    expect(lines.map(({ text }) => text)).toEqual([
      'redis.log.1 40',
      'redis.log.1 41',
      'redis.log 2',
      'redis.log 8',
      'redis.log 9',
      'redis.log 10',
    ]);
  });
});

describe('answers', () => {
  const raw = rawHost({
    answers: [
      answer('pv1', 'INFO all', { error: 'ERR wrong number of arguments' }),
      answer('pv1', 'INFO', 'redis_version:2.8.4'),
      answer('pv1', 'ROLE', { error: 'NOAUTH Authentication required.' }),
      answer('s', 'SENTINEL MASTER x', { error: 'ERR No such master with that name' }),
    ],
  });

  it('are the first that is no error, under any name of the question', () => {
    expect(answerOf(raw, 'pv1', 'INFO')).toMatchObject({ ok: true, value: 'redis_version:2.8.4' });
  });

  it('tell a refused login and a missing group from silence', () => {
    expect(answerOf(raw, 'pv1', 'ROLE')).toMatchObject({ why: 'denied', detail: 'NOAUTH Authentication required.' });
    expect(answerOf(raw, 's', 'SENTINEL MASTER x')).toMatchObject({ why: 'absent' });
    expect(answerOf(raw, 'pv1', 'PING')).toMatchObject({ why: 'not-asked' });
  });
});

describe('lock and hold', () => {
  it('are read from their files', () => {
    const lock = { run: '7K3Q', who: 'mina', since: 'a', heartbeat: 'b', doing: 'c', pid: 3 };
    const raw = rawHost({
      files: [
        file('lock', '/l', { text: JSON.stringify(lock) }, { node: 'pv1' }),
        file('hold', '/h', { text: '{"run":"7K3Q","since":"a"}' }),
      ],
    });
    expect(lockOf(raw)).toMatchObject({ ok: true, value: lock });
    expect(holdOf(raw, 'pv1')).toMatchObject({ ok: true, value: { run: '7K3Q' } });
  });

  it('are known not to be there only when the place was looked at', () => {
    const none = rawHost({ files: [file('lock', '/l', 'absent'), file('hold', '/h', 'absent')] });
    expect(lockOf(none)).toMatchObject({ why: 'absent' });
    expect(holdOf(none, 'pv1')).toMatchObject({ ok: true, value: null });
    const blind = rawHost({ files: [file('lock', '/l', 'denied'), file('hold', '/h', 'denied')] });
    expect(lockOf(blind)).toMatchObject({ why: 'denied' });
    expect(holdOf(blind, 'pv1')).toMatchObject({ ok: false, why: 'denied' });
    expect(holdOf(rawHost(), 'pv1')).toMatchObject({ ok: false, why: 'not-asked' });
  });

  it('are unparseable when they say nothing readable', () => {
    const raw = rawHost({ files: [file('lock', '/l', { text: '{"run":1}' }), file('hold', '/h', { text: 'x' })] });
    expect(lockOf(raw)).toMatchObject({ why: 'unparseable' });
    expect(holdOf(raw, 'pv1')).toMatchObject({ ok: false, why: 'unparseable' });
  });
});

describe('include patterns', () => {
  it('find the files again that the host found', () => {
    const texts = new Map([
      ['/etc/redis/redis.conf', 'include /etc/redis/conf.d/*.conf\ninclude ./local[12]?.inc\nport 1'],
      ['/etc/redis/conf.d/b.conf', ''],
      ['/etc/redis/conf.d/a.conf', ''],
      ['/etc/redis/conf.d/.hidden.conf', ''],
      ['/etc/redis/conf.d/deep/c.conf', ''],
      ['/srv/local1x.inc', ''],
      ['/srv/local3x.inc', ''],
    ]);
    expect(globsOf(texts)).toEqual(
      new Map([
        ['/etc/redis/conf.d/*.conf', ['/etc/redis/conf.d/a.conf', '/etc/redis/conf.d/b.conf']],
        ['./local[12]?.inc', ['/srv/local1x.inc']],
      ]),
    );
  });
});
