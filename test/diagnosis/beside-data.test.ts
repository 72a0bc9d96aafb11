import { describe, expect, test } from 'vitest';
import { diagnose } from '../../src/diagnosis/diagnose.js';
import type { Diagnosis, Evidence } from '../../src/model/diagnosis.js';
import { host, redis, seen, stopped, survey, unseen } from '../report/builders.js';
import { judged, recorded } from '../scenarios/fixtures.js';

function evidenceOf({ claims }: Diagnosis): readonly Evidence[] {
  return claims.flatMap(({ evidence }) => evidence);
}

describe('beside a node and its files, the evidence has', () => {
  test('what a sentinel heard last of a dead master, from a recorded fleet', async () => {
    const { diagnosis } = await recorded('sentinel-minority');
    expect(evidenceOf(diagnosis)).toContainEqual(
      expect.objectContaining({
        place: 'INFO-CACHE',
        from: expect.objectContaining({ node: 'pv2/sentinel' }),
        says: expect.stringMatching(/^pv1 was master at history [0-9a-f]{8}, 12818, 0\.1 s before the look$/),
      }),
    );
  });

  test('nothing of it while the master answers', async () => {
    const { diagnosis } = await recorded('healthy');
    expect(evidenceOf(diagnosis).filter(({ place }) => place === 'INFO-CACHE')).toEqual([]);
  });

  test('how far the clocks of the hosts are from this one', async () => {
    const { inventory, raws } = await recorded('cascade-clean');
    const { diagnosis } = judged({ inventory, raws }, (raw) =>
      raw.host === 'pv2' && raw.clockOffsetMs.ok
        ? { ...raw, clockOffsetMs: { ...raw.clockOffsetMs, value: -4200 } }
        : raw,
    );
    const said = evidenceOf(diagnosis).map(({ says }) => says);
    expect(said).toContain("pv2 was looked at, its clock 4.2 s behind this machine's");
    expect(said).toContain('pv1 was looked at');
  });

  test('what a cut-off save left, and the last annotation of an AOF', () => {
    const file = stopped('pv1', undefined, '2026-11-20T17:00:00Z');
    if (!file.rdbStat.ok) throw new Error('no stat');
    const leftovers = [{ path: '/var/lib/redis/temp-811.rdb', stat: file.rdbStat.value }];
    const config = file.config.ok ? seen({ ...file.config.value, appendonly: true }) : file.config;
    const aof = {
      layout: 'single' as const,
      files: [],
      tail: 'clean' as const,
      empty: false,
      lastTimestampSeconds: 1_700_000_000,
    };
    const pv1 = { ...file, config, aof: seen(aof), leftovers };
    const pv2 = redis('pv2', { process: seen(null), running: unseen('absent') });
    const said = evidenceOf(
      diagnose(survey({ redis: [pv1, pv2], sentinels: [] }, { hosts: [host('pv1'), host('pv2')] }), 'stn-master'),
    );
    expect(said.find(({ place }) => place === 'left-over RDB')?.says).toContain('temp-811.rdb, 412000000 bytes');
    expect(said.find(({ place }) => place === 'AOF')?.says).toContain('last annotated 2023-11-14T22:13:20.000Z');
  });
});
