import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  pairs,
  parseInfo,
  parseInfoSentinel,
  parseRunningRedis,
  parseSentinelMaster,
  parseSentinelReplicas,
  parseSentinelSentinels,
} from '../../src/redis/info.js';

function fixture(name: string): string {
  return readFileSync(new URL(`../fixtures/redis-conf/${name}`, import.meta.url), 'utf8');
}

describe('parseRunningRedis', () => {
  test('a master of 7.0.15', () => {
    expect(parseRunningRedis(fixture('info-7.0.15-master.txt'))).toMatchObject({
      version: '7.0.15',
      flavour: 'redis',
      runId: 'f3f92c89ac88c846d3727f0c02fcefcbec80342d',
      configFile: '/srv/fleet/n1/redis.conf',
      role: 'master',
      loading: false,
      replid: 'b509fff0203dc7077e32fc5cf9d18362e95e490a',
      offset: 1002n,
      syncInProgress: false,
      replicas: [
        { address: '127.77.2.2:6379', state: 'online', offset: 1002n, lagSeconds: 0 },
        { address: '127.77.2.3:6379', state: 'online', offset: 1002n, lagSeconds: 0 },
      ],
      backlogActive: true,
      keys: 3n,
      expires: 1n,
      aofEnabled: false,
      lastSaveOk: true,
      saveInProgress: false,
      readOnly: false,
      failoverState: 'no-failover',
    });
  });

  test('a replica of 7.0.15', () => {
    const running = parseRunningRedis(fixture('info-7.0.15-replica.txt'));
    expect(running).toMatchObject({
      role: 'replica',
      offset: 1002n,
      masterAddress: '127.77.2.1:6379',
      masterLinkUp: true,
    });
    expect(running).toMatchObject({ readOnly: true, keys: 3n, replicas: [] });
    for (const absent of ['replid2', 'secondOffset', 'masterLinkDownSeconds'])
      expect(running).not.toHaveProperty(absent);
  });

  test('a promoted node has a second id, its offset as Redis prints it', () => {
    const info = fixture('info-7.0.15-master.txt')
      .replace(/master_replid2:\S+/, `master_replid2:${'a'.repeat(40)}`)
      .replace(/second_repl_offset:\S+/, 'second_repl_offset:810');
    expect(parseRunningRedis(info)).toMatchObject({ replid2: 'a'.repeat(40), secondOffset: 810n });
  });

  test('3.2: no replication id, the applied offset is slave_repl_offset, a link that was never up', () => {
    const info =
      'redis_version:3.2.12\r\nuptime_in_seconds:31\r\nrole:slave\r\nmaster_host:10.0.0.1\r\nmaster_port:6379\r\n' +
      'master_link_status:down\r\nslave_repl_offset:292\r\nmaster_link_down_since_seconds:1795220043\r\n' +
      'slave_read_only:0\r\nmaster_repl_offset:0\r\ndb0:keys=5,expires=0,avg_ttl=0\r\n';
    const running = parseRunningRedis(info);
    expect(running).toMatchObject({ version: '3.2.12', replid: '', offset: 292n, masterLinkUp: false, keys: 5n });
    expect(running).toMatchObject({ masterLinkDownSeconds: -1, readOnly: false, failoverState: 'no-failover' });
    expect(running).not.toHaveProperty('replid2');
  });

  test('the seconds of a link that was lost', () => {
    const info = fixture('info-7.0.15-replica.txt')
      .replace('master_link_status:up', 'master_link_status:down\r\nmaster_link_down_since_seconds:4')
      .replace(/uptime_in_seconds:\d+/, 'uptime_in_seconds:60');
    expect(parseRunningRedis(info)).toMatchObject({ masterLinkUp: false, masterLinkDownSeconds: 4 });
  });

  test('Valkey tells its own version', () => {
    const info = fixture('info-7.0.15-master.txt').replace(
      'redis_version:7.0.15',
      'redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.0.1',
    );
    expect(parseRunningRedis(info)).toMatchObject({ version: '8.0.1', flavour: 'valkey' });
  });

  test('what is no INFO of a redis node is refused', () => {
    expect(() => parseRunningRedis('')).toThrow('no redis_version');
    expect(() => parseRunningRedis(fixture('info-7.0.15-sentinel.txt'))).toThrow('names no role');
  });
});

test('fields are flat, a value may hold colons', () => {
  expect(parseInfo('# Server\r\na:b:c\r\n\r\nempty:\r\n')).toEqual(
    new Map([
      ['a', 'b:c'],
      ['empty', ''],
    ]),
  );
});

test('INFO of a sentinel', () => {
  const info = parseInfoSentinel(fixture('info-7.0.15-sentinel.txt'));
  expect(info).toMatchObject({ version: '7.0.15', runId: 'ac7e0a1b5fae208654bb4eceb6bd8e7f3581e0f1', tilt: false });
  expect(info.masters).toEqual([
    { name: 'stn-master', status: 'ok', address: '127.77.2.1:6379', replicas: 2, sentinels: 3 },
  ]);
  expect(() => parseInfoSentinel(fixture('info-7.0.15-master.txt'))).toThrow('this is no sentinel');
});

describe('answers of a sentinel', () => {
  const answers = JSON.parse(fixture('sentinel-answers-7.0.15.json'));

  test('MASTER', () => {
    expect(parseSentinelMaster(answers.master)).toEqual({
      name: 'stn-master',
      master: '127.77.2.1:6379',
      flags: ['s_down', 'o_down', 'master'],
      configEpoch: 0n,
      quorum: 2,
      downAfterMs: 1500,
      failoverTimeoutMs: 5000,
      replicaCount: 2,
      otherSentinelCount: 2,
    });
    expect(parseSentinelMaster([...answers.master, 'failover-state', 'wait_start']).failoverState).toBe('wait_start');
  });

  test('REPLICAS', () => {
    const [row] = parseSentinelReplicas(answers.replicas);
    expect(row).toEqual({
      address: '127.77.2.3:6379',
      flags: ['slave'],
      infoAgoMs: 4988,
      masterLinkDownMs: 0,
      masterLinkOk: true,
      offset: 1002n,
      priority: 100,
    });
  });

  test('SENTINELS', () => {
    expect(parseSentinelSentinels(answers.sentinels)).toEqual([
      {
        address: '127.77.2.2:26379',
        runId: 'cc188893c2393eec8a2df3c1063ef653294da2b7',
        flags: ['sentinel'],
        lastHelloAgoMs: 950,
        lastOkPingAgoMs: 738,
      },
    ]);
  });

  test('errors and nil are said', () => {
    expect(() => pairs({ error: 'ERR No such master with that name' })).toThrow('No such master with that name');
    expect(() => parseSentinelReplicas(null)).toThrow('nil');
    expect(() => parseSentinelMaster([])).toThrow('names no address');
    expect(() => pairs('OK')).toThrow('no list');
  });
});
