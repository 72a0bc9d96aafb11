import { describe, expect, test } from 'vitest';
import { batch, planOf, stage, wait } from '../execute/plan-builder.js';
import { benchUp, runPlan } from '../live/execute-lab.js';
import { askRedis, infoOf, seen, withLab } from '../live/path-lab.js';
import { runbook } from '../live/recovery.js';

/** A replica that takes writes of its own (`replica-read-only no`) loses its keys at the same offset as its master. */
const deleteMost = ['EVAL', "for _, key in ipairs(redis.call('KEYS', 'w:*')) do redis.call('DEL', key) end", '0'];

describe('a replica that was emptied under its own hands', () => {
  test.each([
    ['all', [['FLUSHALL']], 'empty-master'],
    ['most', [deleteMost], 'shrunk'],
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

  test('has not caught up, where that is seen only after it was looked at; what was accepted is', async () => {
    const bench = await benchUp({ redis: 2, sentinels: 1, quorum: 1 });
    try {
      const { lab, inventory } = bench;
      await lab.write({ count: 40 });
      await seen('a replica that has it all', async () => new Set(await infoOf(lab, 'db0', 'pv1', 'pv2')).size === 1);
      await askRedis(lab, 'pv2', 'CONFIG', 'SET', 'replica-read-only', 'no');
      await askRedis(lab, 'pv2', ...deleteMost);
      const caughtUp = async (more: { readonly master: string; readonly acceptedLoss?: string }) => {
        const until = wait({ kind: 'caught-up-with', node: 'pv2', master: 'pv1' }, 2000);
        const { result } = await runPlan(bench, planOf(inventory, [stage('roles', [batch([], [until])])], more));
        return result;
      };
      expect(await caughtUp({ master: 'pv2' })).toMatchObject({
        outcome: 'failed',
        stoppedWhy: expect.stringMatching(/\d+ keys, where pv1 has \d+/),
      });
      expect(await caughtUp({ master: 'pv2', acceptedLoss: 'pv2' })).toMatchObject({ outcome: 'done' });
    } finally {
      await bench.end();
    }
  });
});
