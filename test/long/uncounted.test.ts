import { expect, test } from 'vitest';
import type { Diagnosis } from '../../src/model/diagnosis.js';
import { askRedis, infoOf, killSentinels, withLab } from '../live/path-lab.js';
import { runbook } from '../live/recovery.js';

/**
 * A replica that starts while its master is off has no backlog. Promoted like that it counts nothing that it takes, and its
 * offset, also in the header of the file that it saves, is still the one of its promotion.
 */
test('what a replica took that was promoted before its first link is not weighed by its offset, while it runs and when it is killed', () =>
  withLab({ seed: 92, persistence: 'rdb' }, async (lab) => {
    await lab.write({ count: 20 });
    await killSentinels(lab);
    for (const name of ['pv3', 'pv2', 'pv1']) await lab.kill(name, 'redis', 'SIGTERM');
    await lab.start('pv2', 'redis');
    const [offset = ''] = await infoOf(lab, 'master_repl_offset', 'pv2');
    expect(Number(offset)).toBeGreaterThan(0);
    await askRedis(lab, 'pv2', 'REPLICAOF', 'NO', 'ONE');
    await askRedis(lab, 'pv2', 'SET', 'only-on-pv2', 'x');
    const old = lab.hosts.find(({ name }) => name === 'pv1')?.address ?? '';
    await askRedis(lab, 'pv2', 'REPLICAOF', old, '6379');
    expect(await infoOf(lab, 'master_repl_offset', 'pv2')).toEqual([offset]);

    await expectNotContained('running');
    await askRedis(lab, 'pv2', 'SAVE');
    await lab.kill('pv2', 'redis', 'SIGKILL');
    await expectNotContained('rdb');

    async function expectNotContained(source: string): Promise<void> {
      const { diagnosis } = JSON.parse((await runbook(lab, ['status', '--json'])).stdout) as { diagnosis: Diagnosis };
      const of = (node: string) => diagnosis.candidates.find((each) => each.node === node);
      expect(of('pv2')?.source).toBe(source);
      expect(['contains', 'equal']).not.toContain(of('pv1')?.versus.pv2?.kind);
      expect(['contains', 'equal']).not.toContain(of('pv3')?.versus.pv2?.kind);
      expect([undefined, 'pv2']).toContain(diagnosis.winner);
    }
  }));
