import { describe, expect, test } from 'vitest';
import { askRedis, infoOf, seen, withLab } from '../live/path-lab.js';
import { runbook } from '../live/recovery.js';

/** A replica that takes writes of its own (`replica-read-only no`) loses its keys at the same offset as its master. */
describe('a replica that was emptied under its own hands', () => {
  test('is not made master, although it has every byte of the stream', () =>
    withLab({ seed: 79 }, async (lab) => {
      await lab.write({ count: 40 });
      await seen(
        'one offset',
        async () => new Set(await infoOf(lab, 'master_repl_offset', 'pv1', 'pv2', 'pv3')).size === 1,
      );
      await askRedis(lab, 'pv2', 'CONFIG', 'SET', 'replica-read-only', 'no');
      await askRedis(lab, 'pv2', 'FLUSHALL');
      const run = await runbook(lab, ['recover', '--yes', '--plain', '--path', 'live', '--promote', 'pv2']);
      expect(run.status, run.stdout + run.stderr).toBe(3);
      expect(run.stderr).toContain('[empty-master]');
      expect(await infoOf(lab, 'role', 'pv1', 'pv2')).toEqual(['master', 'slave']);
      const { missing, extra } = await lab.checkWrites();
      expect({ missing, extra }).toEqual({ missing: [], extra: [] });
    }));
});
