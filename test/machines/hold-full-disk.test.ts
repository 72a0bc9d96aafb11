import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openRemoteHost } from '../../src/hosts/remote/host.js';
import type { HostEntry } from '../../src/model/inventory.js';
import { type SmallDisks, smallDisks } from '../live/small-disks.js';

let disks: SmallDisks;
beforeAll(async () => {
  disks = await smallDisks({ data: 'size=8m,nr_inodes=100', other: 'size=8m' });
  disks.sh('head -c 1000000 /dev/urandom | tee "$0/other/other.rdb" > "$0/data/dump.rdb"');
});
afterAll(() => disks.end());

test('a machine reached by commands says that its disk is full, and no part of a copy is left there', async () => {
  const entry: HostEntry = {
    name: 'pv1',
    address: '127.0.0.1',
    transport: 'ssh',
    become: 'none',
    service: 'process',
    state: join(disks.directory, 'state'),
    nodes: [],
    line: 1,
  };
  const host = openRemoteHost(entry, disks.channel('pv1'));
  const into = join(disks.directory, 'data/.redis-runbook-backup-7TRY');
  const hold = (path: string) =>
    host.hold(join(disks.directory, path), into, new AbortController().signal).then(
      ({ how }) => how,
      (error: NodeJS.ErrnoException) => error.code,
    );
  disks.leaveNames('data', 0);
  expect(await hold('data/dump.rdb')).toBe('ENOSPC');
  expect(disks.sh('find "$0/data" -name "*backup-*"')).toBe('');
  disks.room('data');
  // Another file system: it cannot be linked there.
  disks.leave('data', 65_536);
  expect(await hold('other/other.rdb')).toBe('ENOSPC');
  expect(disks.sh(`ls -A "${into}"`)).toBe('');
  disks.room('data');
  expect(await hold('other/other.rdb')).toBe('copy');
  await host.close();
});
