import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { applySentinelIntent } from '../../src/redis/edit-sentinel.js';
import { parseInfoSentinel, parseRunningRedis } from '../../src/redis/info.js';
import { parseRedisLog } from '../../src/redis/log.js';
import { createRdbReader } from '../../src/redis/rdb.js';
import { newestRdbVersion } from '../../src/redis/rdb-versions.js';
import { parseSentinelFile } from '../../src/redis/sentinel-conf.js';
import { parseSentinelLog } from '../../src/redis/sentinel-log.js';
import { parseVersion } from '../../src/redis/versions.js';
import { linesOf } from './log-fixtures.js';

const place = new URL('../fixtures/versions/', import.meta.url);
const names = readdirSync(place).filter((name) => /^(redis|valkey)-/.test(name));

test('the servers that the distributions ship are all there', () => {
  expect(names).toEqual(['redis-6.0', 'redis-8.0', 'valkey-8.1']);
});

/** Recorded by record.mjs beside them: .1 was master, .2 was promoted, .1 followed; both stopped, and started from disk. */
describe.each(names)('%s', (name) => {
  const bytes = (file: string) => new Uint8Array(readFileSync(new URL(`${name}/${file}`, place)));
  const text = (file: string) => new TextDecoder().decode(bytes(file));
  const [flavour = '', series = ''] = name.split('-');
  const master = parseRunningRedis(text('info-master.txt'));
  const promoted = parseRunningRedis(text('info-promoted.txt'));

  test('INFO of a master and of its replica', () => {
    expect(master).toMatchObject({ flavour, role: 'master', keys: 10n, expires: 1n, backlogActive: true });
    expect(master.version.startsWith(`${series}.`)).toBe(true);
    expect(master.replicas).toMatchObject([{ address: '127.77.2.2:6379', state: 'online' }]);
    expect(master).not.toHaveProperty('replid2');
    const replica = parseRunningRedis(text('info-replica.txt'));
    expect(replica).toMatchObject({
      role: 'replica',
      masterAddress: '127.77.2.1:6379',
      masterLinkUp: true,
      readOnly: true,
      keys: 10n,
      replid: master.replid,
      failoverState: 'no-failover',
    });
    expect(replica.offset >= master.offset - 100n && replica.offset > 0n).toBe(true);
  });

  test('a promotion is told by INFO and by the log in the same numbers', () => {
    expect(promoted).toMatchObject({ role: 'master', replid2: master.replid });
    const events = parseRedisLog(linesOf(text('log-2.txt')));
    const said = events.find(({ kind }) => kind === 'promoted');
    expect(said).toMatchObject({
      parent: master.replid,
      replid: promoted.replid,
      cut: (promoted.secondOffset ?? 0n) - 1n,
    });
    // Valkey 8.1 hides the names of clients from its log: what is left is the address.
    const by = flavour === 'valkey' ? /^127\.0\.0\.1:\d+$/ : /^sentinel-/;
    expect(events.find(({ kind }) => kind === 'master-mode')).toMatchObject({ by: expect.stringMatching(by) });
  });

  test('the log of a node that was demoted, stopped and started again', () => {
    const events = parseRedisLog(linesOf(text('log-1.txt')));
    const kinds = events.map(({ kind }) => kind);
    for (const kind of [
      'started',
      'backlog-created',
      'replica-of',
      'shutdown-requested',
      'saved',
      'exited',
      'loaded-rdb',
    ])
      expect(kinds, kind).toContain(kind);
    expect(events.find(({ kind }) => kind === 'started')).toMatchObject({ flavour, version: master.version });
    expect(events.find(({ kind }) => kind === 'replica-of')).toMatchObject({ address: '127.77.2.2:6379' });
    expect(kinds.includes('full-resync') || kinds.includes('partial-resync')).toBe(true);
    expect(kinds.filter((kind) => kind === 'cached-master-from-disk')).toHaveLength(1);
  });

  test('the RDB files of a clean stop carry the history and where it ended', () => {
    const read = (file: string) => {
      const reader = createRdbReader();
      reader.feed(bytes(file));
      return reader.end();
    };
    const version = newestRdbVersion(flavour === 'valkey' ? 'valkey' : 'redis', parseVersion(master.version));
    const own = { version, writtenBy: master.version, replid: promoted.replid, keys: 11n, expires: 1n };
    const whole = { keysExact: true, complete: true, checksum: 'right', aofBase: false };
    expect(read('master.rdb')).toMatchObject({ ...own, ...whole });
    expect(read('replica.rdb')).toMatchObject({ ...own, ...whole });
  });

  test('what its sentinel says, logs and writes', () => {
    const info = parseInfoSentinel(text('info-sentinel.txt'));
    expect(info).toMatchObject({ version: master.version, tilt: false });
    expect(info.masters).toMatchObject([{ name: 'shop', address: '127.77.2.2:6379', replicas: 1, sentinels: 1 }]);
    const events = parseSentinelLog(linesOf(text('log-sentinel.txt')));
    expect(events).toContainEqual(
      expect.objectContaining({ kind: 'switch-master', group: 'shop', from: '127.77.2.1:6379', to: '127.77.2.2:6379' }),
    );
    const file = parseSentinelFile('f', text('sentinel.conf'), 'shop');
    expect(file).toMatchObject({ master: '127.77.2.2:6379', configEpoch: 1n, knownReplicas: ['127.77.2.1:6379'] });
    const back = { host: '127.77.2.1', port: 6379 };
    const intent = { kind: 'sentinel.conf', group: 'shop', master: back, epoch: 9n, forget: [] } as const;
    const made = applySentinelIntent(text('sentinel.conf'), intent).text;
    const generated = /known-(slave|replica) |-epoch |^sentinel monitor /;
    const rest = (content: string) => content.split('\n').filter((line) => !generated.test(line));
    expect(rest(made)).toEqual(rest(text('sentinel.conf')));
    expect(parseSentinelFile('f', made, 'shop')).toMatchObject({ master: '127.77.2.1:6379', configEpoch: 9n });
  });
});
