import { describe, expect, test } from 'vitest';
import { findingsOf } from '../../src/diagnosis/findings.js';
import { config, host, redis, running, seen, sentinel, unseen } from '../report/builders.js';

function findingsFor(configFile: string, named: string) {
  const node = redis('pv1', {
    running: seen(running({ configFile })),
    config: seen({ ...config(undefined), files: [named] }),
  });
  const group = { group: 'stn-master', redis: [node], sentinels: [sentinel('pv1')] };
  return findingsOf(group, [host('pv1')]).filter(({ id }) => id === 'runs-another-file');
}

describe('a server that was started with another file than fleet.yaml names', () => {
  test('is told with both paths, and blocks', () => {
    const [finding] = findingsFor('/etc/redis/old.conf', '/etc/redis/redis.conf');
    expect(finding).toMatchObject({ blocks: true, nodes: ['pv1'] });
    expect(finding?.says).toContain('/etc/redis/old.conf');
    expect(finding?.next).toContain('name /etc/redis/old.conf as the config of pv1');
  });

  test('without any file, too', () => {
    expect(findingsFor('', '/etc/redis/redis.conf')[0]?.says).toContain('without a config file');
  });

  test('is none with the same file, and nothing is said of one that does not run', () => {
    expect(findingsFor('/etc/redis/redis.conf', '/etc/redis/redis.conf')).toEqual([]);
    const stopped = redis('pv1', { running: unseen('absent'), config: seen(config(undefined)) });
    const group = { group: 'stn-master', redis: [stopped], sentinels: [] };
    expect(findingsOf(group, [host('pv1')]).map(({ id }) => id)).not.toContain('runs-another-file');
  });
});

describe('a server that fleet.yaml does not name, in the data directory of a node', () => {
  const stray = {
    pid: 4711,
    startedAtMs: 1,
    uid: 107,
    exe: '/usr/bin/redis-server',
    title: 'redis-server 10.0.10.1:6380',
    cwd: '/var/lib/redis',
    listens: ['10.0.10.1:6380'],
  };
  const found = (cwd: string, ignored: readonly { address: string; port: number; reason: string }[] = []) => {
    const group = { group: 'g', redis: [redis('pv1')], sentinels: [], ignored };
    return findingsOf(group, [host('pv1', { unknownProcesses: [{ ...stray, cwd }] })]);
  };

  test('blocks, with its pid and where it listens', () => {
    const [finding] = found('/var/lib/redis').filter(({ id }) => id === 'other-server-in-data-dir');
    expect(finding).toMatchObject({ blocks: true, nodes: ['pv1'] });
    expect(finding?.says).toContain('pid 4711, 10.0.10.1:6380');
  });

  test('does not in a directory of its own, nor where it is named as nobody of the fleet', () => {
    const ids = (...of: Parameters<typeof found>) => found(...of).map(({ id }) => id);
    expect(ids('/srv/other')).not.toContain('other-server-in-data-dir');
    expect(ids('/var/lib/redis', [{ address: '10.0.10.1', port: 6380, reason: 'shop 2' }])).not.toContain(
      'other-server-in-data-dir',
    );
  });
});
