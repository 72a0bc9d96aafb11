import { describe, expect, test } from 'vitest';
import { diagnose } from '../../src/diagnosis/diagnose.js';
import type { RedisSurvey } from '../../src/model/survey.js';
import { config, redis, running, seen, sentinel, stopped, survey, unseen, view } from '../report/builders.js';

const fresh = { role: 'master', replid: 'f'.repeat(40) } as const;
const master = redis('pv1', { running: seen(running({ ...fresh, keys: 0n, offset: 0n })) });

function judged(other: RedisSurvey, first = master) {
  const sentinels = ['pv1'].map((name) => sentinel(name, { view: seen(view(first.node, 1n)) }));
  return diagnose(survey({ redis: [first, other], sentinels }), 'stn-master');
}

describe('a master that serves less than a node that is off has', () => {
  const file = { version: 10, replid: 'a'.repeat(40), offset: 5000n, aofBase: false, keys: 40n, keysExact: true };
  const rdb = seen({ ...file, complete: true, checksum: 'right' as const });
  const off = { ...stopped('pv2', '10.0.10.1', '2026-11-20T17:00:00Z'), rdb };

  test('is no fleet that the node may simply join again', () => {
    const { path, headline, winner } = judged(off);
    expect(path.recommended).toBe('cold');
    expect(path.why).not.toContain('would follow');
    expect(headline.join(' ')).toContain('Do not start pv2 by hand');
    expect(winner).toBe('pv2');
  });

  test('with writes of its own since: nobody wins by itself', () => {
    const served = redis('pv1', { running: seen(running({ ...fresh, keys: 3n, offset: 90n })) });
    const { path, winner, consents } = judged(off, served);
    expect(winner).toBeUndefined();
    expect(path.recommended).toBe('cold');
    expect(consents.map(({ kind }) => kind)).toEqual(['set-aside']);
  });

  test('a node that has nothing is no reason', () => {
    const empty = redis('pv2', {
      process: seen(null),
      running: unseen('absent'),
      config: seen(config('10.0.10.1')),
      rdb: unseen('absent'),
    });
    expect(judged(empty).path.recommended).toBe('live');
  });
});
