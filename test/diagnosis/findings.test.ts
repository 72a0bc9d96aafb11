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
