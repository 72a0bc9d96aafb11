import { describe, expect, it } from 'vitest';
import type { LogEvent } from '../../src/model/formats.js';
import { evidencePattern, lastLocalTime, parseRedisLog } from '../../src/redis/log.js';
import { linesOf, recorded, recordedNames } from './log-fixtures.js';

const names = recordedNames('redis');
const withoutPlace = ({ at: _at, ...event }: LogEvent) => event;
const eventsOf = (text: string) => parseRedisLog(linesOf(text)).map(withoutPlace);
const eventOf = (message: string) => eventsOf(`7:M 21 Nov 2026 09:31:53.257 * ${message}`);

const every: Record<LogEvent['kind'], true> = {
  started: true,
  ready: true,
  'loaded-rdb': true,
  'loaded-aof': true,
  'loaded-nothing': true,
  'backlog-created': true,
  promoted: true,
  'master-mode': true,
  'replica-of': true,
  'connecting-to-master': true,
  'partial-requested': true,
  'full-resync': true,
  'partial-resync': true,
  'master-id-changed': true,
  'master-lost': true,
  'cached-master-discarded': true,
  'replica-asks': true,
  'replica-synced': true,
  'partial-accepted': true,
  'replica-lost': true,
  'cached-master-from-disk': true,
  'synced-at-shutdown': true,
  'shutdown-requested': true,
  saved: true,
  'save-failed': true,
  exited: true,
  'aof-truncated': true,
  'multi-reverted': true,
  'aof-rewritten': true,
  'aof-synced': true,
  flushed: true,
  fatal: true,
};

describe('logs that 7.0.15 wrote', () => {
  it('give every kind of event', () => {
    const kinds = new Set(names.flatMap((name) => parseRedisLog(recorded(name)).map(({ kind }) => kind)));
    expect([...kinds].sort()).toEqual(Object.keys(every).sort());
  });

  it.each(names)('%s gives the same events from the lines that the pattern picks', (name) => {
    const lines = recorded(name);
    const picked = lines.filter(({ text }) => evidencePattern.test(text));
    expect(picked.length).toBeLessThan(lines.length);
    expect(parseRedisLog(picked)).toEqual(parseRedisLog(lines));
  });

  it('tell the histories of three nodes', () => {
    const shown = ['backlog-created', 'promoted', 'full-resync', 'partial-requested', 'master-id-changed'];
    const [a, b, c] = ['a', 'b', 'c'].map((node) =>
      parseRedisLog(recorded(`redis-7.0.15-${node}.txt`)).filter(({ kind }) => shown.includes(kind)),
    );
    const idOf = (event: LogEvent | undefined) =>
      event !== undefined && 'replid' in event ? { [event.kind]: event.replid } : event;
    const created = a?.find(({ kind }) => kind === 'backlog-created');
    const first = created?.kind === 'backlog-created' ? created.replid : '';
    const promotedB = b?.find(({ kind }) => kind === 'promoted');
    expect(promotedB).toMatchObject({ parent: first, cut: 147n });
    expect(idOf(b?.[0])).toEqual({ 'full-resync': first });
    const idOfB = promotedB?.kind === 'promoted' ? promotedB.replid : '';
    expect(a?.find(({ kind }) => kind === 'master-id-changed')).toMatchObject({ replid: idOfB });
    expect(a?.find(({ kind }) => kind === 'partial-requested')).toMatchObject({ replid: first, requestOffset: 148n });
    expect(c?.filter(({ kind }) => kind === 'full-resync')).toHaveLength(3);
    const promotedA = a?.find(({ kind }) => kind === 'promoted');
    expect(promotedA).toMatchObject({ parent: idOfB });
  });

  it('tell a start from disk from a live demotion, and a load from a sync', () => {
    const b = parseRedisLog(recorded('redis-7.0.15-b.txt'));
    expect(b.filter(({ kind }) => kind === 'cached-master-from-disk')).toHaveLength(1);
    expect(b.filter(({ kind }) => kind === 'loaded-rdb').map(withoutPlace)).toEqual([{ kind: 'loaded-rdb', keys: 3n }]);
    expect(b.filter(({ kind }) => kind === 'loaded-nothing')).toHaveLength(1);
    const demoted = parseRedisLog(recorded('redis-7.0.15-failover-a.txt'));
    expect(demoted.some(({ kind }) => kind === 'cached-master-from-disk')).toBe(false);
    expect(demoted.find(({ kind }) => kind === 'replica-of')).toMatchObject({
      address: '127.83.7.2:7401',
      by: 'FAILOVER',
    });
  });

  it('give one request for a stop by signal, with a time, and one for a stop by command', () => {
    const events = parseRedisLog(recorded('redis-7.0.15-aof.txt'));
    const requests = events.filter(({ kind }) => kind === 'shutdown-requested');
    expect(requests.map(withoutPlace)).toEqual(
      ['SIGTERM', 'a client', 'SIGINT'].map((by) => ({ kind: 'shutdown-requested', by })),
    );
    expect(requests.every(({ at }) => at.localMs !== undefined)).toBe(true);
  });

  it('tell an AOF that was cut, its transaction reverted, its rewrite, and what killed a start', () => {
    const events = parseRedisLog(recorded('redis-7.0.15-aof.txt'));
    expect(events.filter(({ kind }) => kind === 'aof-truncated').map(withoutPlace)).toEqual([
      { kind: 'aof-truncated', offset: 229n },
      { kind: 'aof-truncated', offset: 229n },
    ]);
    const reasons = events.flatMap((event) => (event.kind === 'fatal' ? [event.reason.slice(0, 40)] : []));
    expect(reasons).toEqual([
      'Bad file format reading the append only ',
      'Unable to obtain the AOF file appendonly',
      'Unexpected end of file reading the appen',
      'Short read or OOM loading DB. Unrecovera',
      'Wrong signature trying to load DB from f',
      'Fatal error loading the DB: Invalid argu',
      "Can't handle RDB format version 99",
      'Fatal error loading the DB: Invalid argu',
    ]);
  });

  it('tell a crash', () => {
    expect(parseRedisLog(recorded('redis-7.0.15-c.txt')).find(({ kind }) => kind === 'fatal')).toMatchObject({
      reason: 'Redis 7.0.15 crashed by signal: 11, si_code: 0',
    });
  });

  it('place every event', () => {
    const [event] = parseRedisLog(recorded('redis-7.0.15-aof.txt'));
    expect(event?.at).toEqual({
      file: 'redis-7.0.15-aof.txt',
      line: 2,
      text: expect.stringContaining('Redis version=7.0.15'),
      local: expect.stringMatching(/^\d\d Nov \d{4} \d\d:\d\d:\d\d\.\d{3}$/),
      localMs: expect.any(Number),
      pid: expect.any(Number),
      role: 'C',
    });
  });
});

describe('wordings of other versions', () => {
  const id = 'a'.repeat(40);
  it.each<[string, object]>([
    ['Server started, Redis version 2.8.24', { kind: 'started', version: '2.8.24', flavour: 'redis' }],
    [
      'Redis version=5.0.14, bits=64, commit=0, modified=0, pid=1, just started',
      { kind: 'started', version: '5.0.14', flavour: 'redis' },
    ],
    [
      'Valkey version=8.0.1, bits=64, commit=0, modified=0, pid=1, just started',
      { kind: 'started', version: '8.0.1', flavour: 'valkey' },
    ],
    ['Calling fsync() on the AOF file.', { kind: 'aof-synced' }],
    ['Ready to accept connections tcp', { kind: 'ready' }],
    ['DB loaded from disk: 0.833 seconds', { kind: 'loaded-rdb' }],
    ['SLAVE OF 10.0.0.1:6379 enabled (user request)', { kind: 'replica-of', address: '10.0.0.1:6379', by: 'a client' }],
    [
      "SLAVE OF 10.0.0.1:6379 enabled (user request from 'id=2 addr=10.0.0.9:5000 fd=6 name=sentinel-abc-cmd age=1')",
      { kind: 'replica-of', address: '10.0.0.1:6379', by: 'sentinel-abc-cmd' },
    ],
    ['MASTER MODE enabled (user request)', { kind: 'master-mode', by: 'a client' }],
    [
      "PRIMARY MODE enabled (user request from 'id=2 addr=[::1]:5 name= age=1')",
      { kind: 'master-mode', by: '[::1]:5' },
    ],
    ['Slave 10.0.0.2:6379 asks for synchronization', { kind: 'replica-asks', address: '10.0.0.2:6379' }],
    ['Slave asks for synchronization', { kind: 'replica-asks', address: '' }],
    ['Synchronization with slave 10.0.0.2:6379 succeeded', { kind: 'replica-synced', address: '10.0.0.2:6379' }],
    ['Connection with slave 10.0.0.2:6379 lost.', { kind: 'replica-lost', address: '10.0.0.2:6379' }],
    [
      'Partial resynchronization request accepted. Sending 5 bytes of backlog starting from offset 7.',
      { kind: 'partial-accepted', address: '', offset: 7n, lengthBytes: 5n },
    ],
    ['MASTER <-> SLAVE sync: Flushing old data', { kind: 'flushed' }],
    ['PRIMARY <-> REPLICA sync: Flushing old data', { kind: 'flushed' }],
    [`Full resync from primary: ${id}:12`, { kind: 'full-resync', replid: id, offset: 12n }],
    ['Successful partial resynchronization with primary.', { kind: 'partial-resync' }],
    [`Primary replication ID changed to ${id}`, { kind: 'master-id-changed', replid: id }],
    ['Connection with primary lost.', { kind: 'master-lost' }],
    ['Reconnecting to PRIMARY 10.0.0.1:6379 after failure', { kind: 'connecting-to-master', address: '10.0.0.1:6379' }],
    ['!!! Truncating the AOF at offset 439 !!!', { kind: 'aof-truncated', offset: 439n }],
    ['Revert incomplete MULTI/EXEC transaction', { kind: 'multi-reverted' }],
    ['    Redis 2.8.24 crashed by signal: 11', { kind: 'fatal', reason: 'Redis 2.8.24 crashed by signal: 11' }],
    ['Received SIGTERM, scheduling shutdown...', { kind: 'shutdown-requested', by: 'SIGTERM' }],
    [
      'Background saving terminated by signal 9',
      { kind: 'save-failed', reason: 'Background saving terminated by signal 9' },
    ],
    ["Can't save in background: fork: Cannot allocate memory", { kind: 'save-failed', reason: expect.any(String) }],
    [
      'Failed opening the RDB file dump.rdb (in server root dir /x) for saving: y',
      { kind: 'save-failed', reason: expect.any(String) },
    ],
  ])('%s', (message, event) => {
    expect(eventOf(message)).toEqual([event]);
    expect(evidencePattern.test(message)).toBe(true);
  });

  it('reads the lines of 2.8 with their signal handler and without a year', () => {
    const log = [
      '[1] 31 Dec 23:59:59.990 * The server is now ready to accept connections on port 6379',
      '[1 | signal handler] (1455179074) Received SIGTERM, scheduling shutdown...',
      '[1] 01 Jan 00:00:00.010 # User requested shutdown...',
    ].join('\n');
    const events = parseRedisLog(linesOf(log));
    expect(events.map(withoutPlace)).toEqual([{ kind: 'ready' }, { kind: 'shutdown-requested', by: 'SIGTERM' }]);
    expect((events[1]?.at.localMs ?? 0) - (events[0]?.at.localMs ?? 0)).toBe(20);
    expect(events[1]?.at).toMatchObject({ local: '01 Jan 00:00:00.010', pid: 1, line: 3 });
    expect(lastLocalTime(linesOf(log))).toEqual({ local: '01 Jan 00:00:00.010', localMs: events[1]?.at.localMs });
  });

  it('keeps a signal that nothing followed', () => {
    expect(eventsOf('7:signal-handler (1795253514) Received SIGTERM scheduling shutdown...')).toEqual([
      { kind: 'shutdown-requested', by: 'SIGTERM' },
    ]);
  });
});

describe('what is no evidence', () => {
  it('gives no event: unknown lines, texts inside a client name, text before the message', () => {
    expect(eventOf('Background saving started by pid 7')).toEqual([]);
    expect(eventOf('x DB saved on disk')).toEqual([]);
    expect(eventOf("Failed command from 'name=Connection with master lost.'")).toEqual([]);
    expect(eventsOf('')).toEqual([]);
    expect(lastLocalTime(linesOf('no time\n'))).toBeUndefined();
  });

  it('does not take a ready server for an empty one when its start is not in the lines', () => {
    expect(eventOf('Ready to accept connections')).toEqual([{ kind: 'ready' }]);
  });

  it('takes the time as printed, whatever the zone', () => {
    expect(lastLocalTime(linesOf('7:M 09 Jul 2015 01:13:08.762 # x\n7:M junk'))).toEqual({
      local: '09 Jul 2015 01:13:08.762',
      localMs: Date.UTC(2015, 6, 9, 1, 13, 8, 762),
    });
  });
});
