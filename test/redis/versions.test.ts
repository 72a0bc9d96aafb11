import { expect, test } from 'vitest';
import { newestRdbVersion } from '../../src/redis/rdb-versions.js';
import { atLeast, compareVersions, parseVersion, printVersion } from '../../src/redis/versions.js';

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
