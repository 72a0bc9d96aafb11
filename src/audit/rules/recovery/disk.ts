import { every, together } from '../../need.js';
import { defineRule } from '../../rule.js';

export const diskSpaceBackup = defineRule({
  id: 'disk-space-backup',
  class: 'recovery',
  severity: 'warning',
  scope: 'host',
  profiles: { dev: 'warning' },
  title: 'the disk may not hold another copy of the data',
  rationale:
    'A snapshot, a rewrite of the AOF, a full copy from the master and a backup each write the data once more before anything older is removed. On a full disk they fail, the server answers MISCONF to writes, and a recovery cannot keep what it replaces.',
  source:
    'rdb.c:rdbSave and aof.c:rewriteAppendOnlyFileBackground write a file of their own first; used_memory of INFO',
  fix: 'Make room on the file system of dir, or move dir to a larger one.',
  fixtures: {
    fails: 'test/audit/fixtures/disk-space-backup/fails/survey.json',
    nearMiss: 'test/audit/fixtures/disk-space-backup/near-miss/survey.json',
  },
  needs: (host) => ({
    nodes: every(
      host.redis.map((node) => together({ info: node.info, free: host.diskFreeBytes })),
      'redis node on this host',
    ),
  }),
  check: ({ nodes }) => {
    const sizes = nodes.map(({ info }) => BigInt(/^\d+$/.exec(info.get('used_memory') ?? '')?.[0] ?? '0'));
    const largest = sizes.reduce((most, size) => (size > most ? size : most), 0n);
    const free = BigInt(Math.floor(nodes[0]?.free ?? 0));
    if (free >= largest) return [];
    return [
      {
        message:
          'a copy of the data may take more than is free on the fullest file system that nodes of this host work in',
      },
    ];
  },
});
