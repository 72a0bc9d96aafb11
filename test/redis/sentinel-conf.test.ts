import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { keyedHash } from '../../src/model/secret.js';
import { parseSentinelFile } from '../../src/redis/sentinel-conf.js';

function fixture(name: string): string {
  return readFileSync(new URL(`../fixtures/redis-conf/${name}`, import.meta.url), 'utf8');
}

test('a file that 7.0.15 wrote after a failover', () => {
  const file = parseSentinelFile('/s.conf', fixture('sentinel-7.0.15-after-failover.conf'), 'stn-master');
  expect(file).toMatchObject({
    path: '/s.conf',
    myid: 'c37f78f06d51baed5ba1334f20605235de9b663e',
    master: '127.77.2.2:6379',
    quorum: 2,
    configEpoch: 1n,
    currentEpoch: 1n,
    leaderEpoch: 0n,
    knownSentinels: [
      { address: '127.77.2.2:26379', myid: 'cc188893c2393eec8a2df3c1063ef653294da2b7' },
      { address: '127.77.2.3:26379', myid: 'e1c04041c175e1aac5db9efe68531f43d498fce7' },
    ],
    knownReplicas: ['127.77.2.1:6379', '127.77.2.3:6379'],
    otherGroups: [],
    authPassHash: keyedHash('#p4$s;%w&0rd=*!'),
    scripts: [],
  });
  expect(JSON.stringify(file.lines)).not.toContain('p4$s');
});

test('a file of 6.0 with two groups, old spellings and a peer without an id', () => {
  const file = parseSentinelFile('/s.conf', fixture('sentinel-6.0-poured.conf'), 'stn-master');
  expect(file).toMatchObject({
    master: '10.0.10.3:6379',
    quorum: 3,
    configEpoch: 11n,
    currentEpoch: 40n,
    leaderEpoch: 12n,
  });
  expect(file.knownReplicas).toEqual(['10.0.10.1:6379', '10.0.10.2:6379']);
  expect(file.knownSentinels.at(-1)).toEqual({ address: '10.0.10.4:26379' });
  expect(file.otherGroups).toEqual(['other']);
  expect(file.scripts).toEqual(['client-reconfig-script /opt/vip.sh']);
});

test('directives count in any case, names only in their own', () => {
  const text = 'SENTINEL Monitor Shop 10.0.0.1 6379 2\nSentinel AUTH-PASS Shop "a b"\n';
  expect(parseSentinelFile('f', text, 'Shop')).toMatchObject({
    master: '10.0.0.1:6379',
    authPassHash: keyedHash('a b'),
  });
  expect(() => parseSentinelFile('f', text, 'shop')).toThrow('f does not monitor shop: it monitors Shop');
  expect(() => parseSentinelFile('f', 'port 1', 'shop')).toThrow('f does not monitor shop: it monitors nothing');
});
