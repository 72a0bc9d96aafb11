import { describe, expect, it } from 'vitest';
import type { SentinelLogEvent } from '../../src/model/formats.js';
import { parseSentinelLog, sentinelEvidencePattern } from '../../src/redis/sentinel-log.js';
import { linesOf, recorded, recordedNames } from './log-fixtures.js';

const withoutPlace = ({ at: _at, ...event }: SentinelLogEvent) => event;
const names = recordedNames('sentinel');
const eventsOf = (...messages: readonly string[]) =>
  parseSentinelLog(linesOf(messages.map((message) => `7:X 21 Nov 2026 09:31:53.257 # ${message}`).join('\n'))).map(
    withoutPlace,
  );

const every: Record<SentinelLogEvent['kind'], true> = {
  'switch-master': true,
  'config-update': true,
  'new-epoch': true,
  voted: true,
  promoted: true,
  'failover-aborted': true,
  'next-failover-delay': true,
  other: true,
};

describe('logs of sentinels of 7.0.15', () => {
  it('give every kind of event', () => {
    const kinds = new Set(names.flatMap((name) => parseSentinelLog(recorded(name)).map(({ kind }) => kind)));
    expect([...kinds].sort()).toEqual(Object.keys(every).sort());
  });

  it.each(names)('%s gives the same events from the lines that the pattern picks', (name) => {
    const picked = recorded(name).filter(({ text }) => sentinelEvidencePattern.test(text));
    expect(parseSentinelLog(picked)).toEqual(parseSentinelLog(recorded(name)));
  });

  it('tell the leader of a failover and who believed it', () => {
    const leader = parseSentinelLog(recorded('sentinel-7.0.15-3.txt')).map(withoutPlace);
    const id = '2add90ca812da6bffef937046f2ef05d25ac8a19';
    expect(leader).toContainEqual({ kind: 'voted', leader: id, epoch: 1n });
    expect(leader).toContainEqual({ kind: 'promoted', group: 'stn-master', address: '127.83.7.2:7401' });
    expect(leader).toContainEqual({ kind: 'other', event: 'myid', detail: id });
    expect(leader).toContainEqual({
      kind: 'other',
      event: '+convert-to-slave',
      detail: 'slave 127.83.7.1:7401 127.83.7.1 7401 @ stn-master 127.83.7.2 7401',
    });
    const follower = parseSentinelLog(recorded('sentinel-7.0.15-1.txt')).map(withoutPlace);
    const change = { group: 'stn-master', to: '127.83.7.2:7401' };
    expect(follower).toContainEqual({ kind: 'config-update', from: '127.83.7.3:27401', ...change });
    expect(follower).toContainEqual({ kind: 'switch-master', from: '127.83.7.1:7401', ...change });
    expect(follower).toContainEqual({ kind: 'next-failover-delay', until: 'Sat Nov 21 09:33:52 2026' });
    expect(follower).toContainEqual({ kind: 'failover-aborted', group: 'stn-master', reason: 'no-good-slave' });
  });

  it('place every event', () => {
    const epoch = parseSentinelLog(recorded('sentinel-7.0.15-1.txt')).find(({ kind }) => kind === 'new-epoch');
    expect(epoch?.at).toMatchObject({ file: 'sentinel-7.0.15-1.txt', role: 'X', localMs: expect.any(Number) });
  });
});

describe('single lines', () => {
  it('are read with IPv6 addresses, hostnames and other groups', () => {
    expect(eventsOf('+switch-master m-2 fe80::1 6379 redis-b.example 6380')).toEqual([
      { kind: 'switch-master', group: 'm-2', from: 'fe80::1:6379', to: 'redis-b.example:6380' },
    ]);
    expect(eventsOf('-failover-abort-slave-timeout slave 10.0.0.1:1 10.0.0.1 1 @ m-2 10.0.0.2 1')).toEqual([
      { kind: 'failover-aborted', group: 'm-2', reason: 'slave-timeout' },
    ]);
  });

  it('an update whose switch is not in the lines stays an unread event', () => {
    const update = `+config-update-from sentinel ${'a'.repeat(40)} 10.0.0.3 26379 @ m 10.0.0.1 6379`;
    expect(eventsOf(update)).toEqual([
      { kind: 'other', event: '+config-update-from', detail: update.slice('+config-update-from '.length) },
    ]);
    expect(eventsOf(update, '+switch-master other 10.0.0.1 6379 10.0.0.2 6379')[0]?.kind).toBe('other');
  });

  it('tell a configuration that was not saved, both spellings', () => {
    for (const name of ['Sentinel', 'Senitnel']) {
      const line = `WARNING: ${name} was not able to save the new configuration on disk!!!: Permission denied`;
      expect(eventsOf(line)).toEqual([{ kind: 'other', event: 'config-not-saved', detail: line }]);
    }
  });

  it('give nothing where they say nothing', () => {
    expect(eventsOf('Running mode=sentinel, port=26379.', 'Configuration loaded', '')).toEqual([]);
  });
});
