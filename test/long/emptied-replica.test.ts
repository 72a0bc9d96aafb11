import { describe, expect, test } from 'vitest';
import { askRedis, infoOf, seen, withLab } from '../live/path-lab.js';
import { runbook } from '../live/recovery.js';

/** A replica that takes writes of its own (`replica-read-only no`) loses its keys at the same offset as its master. */
describe('a replica that was emptied under its own hands', () => {
  test.each([
    ['all', [['FLUSHALL']], 'empty-master'],
    [
      'most',
      [['EVAL', "for _, key in ipairs(redis.call('KEYS', 'w:*')) do redis.call('DEL', key) end", '0']],
      'shrunk',
    ],
  ])('of %s of its keys is not made master, although it has every byte of the stream', (_, commands, word) =>
    withLab({ seed: 79 }, async (lab) => {
      await lab.write({ count: 40 });
      await seen(
        'one offset',
        async () => new Set(await infoOf(lab, 'master_repl_offset', 'pv1', 'pv2', 'pv3')).size === 1,
      );
      await askRedis(lab, 'pv2', 'CONFIG', 'SET', 'replica-read-only', 'no');
      for (const command of commands) await askRedis(lab, 'pv2', ...command);
      // As it was before: nothing but the keys tells it.
      await askRedis(lab, 'pv2', 'CONFIG', 'SET', 'replica-read-only', 'yes');
      const run = await runbook(lab, ['recover', '--yes', '--plain', '--path', 'live', '--promote', 'pv2']);
      expect(run.status, run.stdout + run.stderr).toBe(3);
      expect(run.stderr).toContain(`[${word}]`);
      expect(await infoOf(lab, 'role', 'pv1', 'pv2')).toEqual(['master', 'slave']);
      const { missing, extra } = await lab.checkWrites();
      expect({ missing, extra }).toEqual({ missing: [], extra: [] });
    }),
  );
});
