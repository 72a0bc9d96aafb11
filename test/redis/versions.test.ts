import { expect, test } from 'vitest';
import { loadsRdb, newestRdbVersion } from '../../src/redis/rdb-versions.js';
import { atLeast, compareVersions, parseServerLine, parseVersion, printVersion } from '../../src/redis/versions.js';

test('reads what INFO, logs and binaries print', () => {
  expect(parseVersion('7.0.15')).toEqual({ major: 7, minor: 0, patch: 15 });
  expect(['6.2', 'v=7.0.15', '8.0.0-rc1', '255.255.255'].map((text) => printVersion(parseVersion(text)))).toEqual([
    '6.2.0',
    '7.0.15',
    '8.0.0',
    '255.255.255',
  ]);
  for (const text of ['', 'unknown', '7..1', '1.2.3.4']) expect(() => parseVersion(text)).toThrow('is not a version');
});

test('compares part by part', () => {
  const is = (text: string, least: string) => atLeast(parseVersion(text), least);
  expect([is('6.2.3', '6.2.3'), is('6.2.2', '6.2.3'), is('7.0.0', '6.2.3'), is('6.10.0', '6.9')]).toEqual([
    true,
    false,
    true,
    true,
  ]);
  expect(compareVersions(parseVersion('2.8.4'), parseVersion('2.8.21'))).toBeLessThan(0);
});

test.each([
  ['redis', '2.8.24', 6],
  ['redis', '6.0.16', 9],
  ['redis', '7.0.15', 10],
  ['redis', '8.0.2', 12],
  ['valkey', '8.1.1', 11],
  ['valkey', '9.0.0', 80],
] as const)('%s %s loads RDB data up to version %i', (flavour, version, newest) => {
  expect(newestRdbVersion(flavour, parseVersion(version))).toBe(newest);
});

test.each([
  ['redis', '6.0.16', 10, false],
  ['redis', '7.0.15', 9, true],
  ['redis', '8.0.2', 11, true],
  ['redis', '8.0.2', 80, false],
  ['valkey', '8.1.1', 12, false],
  ['valkey', '9.0.0', 12, false],
  ['valkey', '9.0.0', 11, true],
  ['valkey', '9.0.0', 80, true],
] as const)('%s %s and an RDB file of version %i: loads it: %s', (flavour, version, format, loads) => {
  expect(loadsRdb(flavour, parseVersion(version), format)).toBe(loads);
});

test('what a server program says of itself', () => {
  expect(parseServerLine('Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=1')).toEqual({
    flavour: 'redis',
    version: '7.0.15',
  });
  expect(parseServerLine('Valkey server v=8.1.1 sha=00000000:0 malloc=libc bits=64 build=0')).toEqual({
    flavour: 'valkey',
    version: '8.1.1',
  });
  for (const text of ['', 'v=7.0.15', 'redis-cli 7.0.15', 'Redis server v=x'])
    expect(parseServerLine(text)).toBeUndefined();
});
