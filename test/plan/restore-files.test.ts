import { describe, expect, it } from 'vitest';
import type { BackupFile, BackupManifest } from '../../src/model/backup.js';
import type { NodeServer } from '../../src/model/survey.js';
import { restoredFiles } from '../../src/plan/restore-files.js';
import { manifestOf } from '../backup/builders.js';

const sha256 = 'a'.repeat(64);
const file = (path: string, role: BackupFile['role']): BackupFile => ({ path, role, sizeBytes: 9n, sha256 });
const rdb = [file('data/dump.rdb', 'rdb'), file('config/redis.conf', 'config')];
const single = [file('data/appendonly.aof', 'aof')];
const parts = [
  file('data/appendonlydir/old.aof.2.base.rdb', 'aof-base'),
  file('data/appendonlydir/old.aof.2.incr.aof', 'aof-incr'),
  file('data/appendonlydir/old.aof.manifest', 'aof-manifest'),
];
const names = { dbfilename: 'mine.rdb', appendfilename: 'mine.aof', appenddirname: 'parts' };
const redis = (version: string): NodeServer => ({ flavour: 'redis', version });

function placed(files: readonly BackupFile[], appendonly: boolean, server: NodeServer | undefined, rdbVersion = 9) {
  const ref = { id: 'AAAA', fleet: 'shop', group: 'g', begunAt: '2026-11-23T03:14:07Z' };
  const kind: BackupManifest['kind'] = files.includes(rdb[0] ?? file('', 'rdb')) ? 'rdb' : 'aof';
  const manifest = manifestOf({ ...ref, kind }, { files });
  const place = { dir: '/data', appendonly, ...names };
  return restoredFiles({ manifest, rdbVersion }, { node: 'pv1', place, server }).map(({ from, to }) =>
    'text' in from ? `${to} = ${from.text.trim()}` : `${from.stored} -> ${to}`,
  );
}

describe('where the files of a backup go', () => {
  it('an RDB goes where the node looks for one', () => {
    expect(placed(rdb, false, redis('6.0.16'))).toEqual(['data/dump.rdb -> mine.rdb']);
  });

  it('an RDB becomes the base of the append-only files of a node that reads nothing else', () => {
    const wanted = [
      'data/dump.rdb -> parts/mine.aof.1.base.rdb',
      'parts/mine.aof.manifest = file mine.aof.1.base.rdb seq 1 type b',
    ];
    for (const server of [redis('7.0.15'), redis('8.0.2'), { flavour: 'valkey', version: '8.1.1' } as const, undefined])
      expect(placed(rdb, true, server)).toEqual(wanted);
    expect(placed(rdb, true, redis('6.0.16'))).toEqual(['data/dump.rdb -> mine.aof']);
    expect(() => placed(rdb, true, redis('3.2.12'), 7)).toThrow('could not load an RDB from it');
  });

  it('parts keep the names that their manifest has; the manifest gets the one that the node looks for, last', () => {
    expect(placed(parts, true, redis('7.2.4'))).toEqual([
      'data/appendonlydir/old.aof.2.base.rdb -> parts/old.aof.2.base.rdb',
      'data/appendonlydir/old.aof.2.incr.aof -> parts/old.aof.2.incr.aof',
      'data/appendonlydir/old.aof.manifest -> parts/mine.aof.manifest',
    ]);
    expect(() => placed(parts, true, redis('6.2.14'))).toThrow('several parts');
  });

  it('a single append-only file goes where the node looks for one; 7.0 makes it its first base', () => {
    for (const version of ['6.0.16', '7.0.15']) {
      expect(placed(single, true, redis(version))).toEqual(['data/appendonly.aof -> mine.aof']);
    }
  });

  it('append-only files are refused where appendonly no would make the node ignore them', () => {
    expect(() => placed(single, false, redis('6.0.16'))).toThrow('would not read the append-only files');
    expect(() => placed(parts, false, redis('7.0.15'))).toThrow('would not read the append-only files');
  });

  it('data of a later format is refused, with both versions', () => {
    const refused = () => placed(rdb, false, redis('6.2.14'), 10);
    expect(refused).toThrow('of a later format');
    expect(() => placed(parts, true, { flavour: 'valkey', version: '8.1.1' }, 12)).toThrow('of a later format');
    expect(placed(rdb, false, redis('7.0.15'), 10)).toHaveLength(1);
  });
});
