import { describe, expect, test } from 'vitest';
import { known } from '../../src/model/seen.js';
import type { GroupSurvey, RedisSurvey, SentinelSurvey } from '../../src/model/survey.js';
import { fingerprintOf } from '../../src/plan/canonical.js';
import { factsBefore, factsStopped } from '../../src/plan/facts.js';
import { recorded } from '../scenarios/fixtures.js';

function redisChanged(group: GroupSurvey, change: (node: RedisSurvey) => RedisSurvey): GroupSurvey {
  return { ...group, redis: group.redis.map((node, index) => (index === 0 ? change(node) : node)) };
}

function sentinelChanged(group: GroupSurvey, change: (node: SentinelSurvey) => SentinelSurvey): GroupSurvey {
  return { ...group, sentinels: group.sentinels.map((node, index) => (index === 0 ? change(node) : node)) };
}

function withLine(group: GroupSurvey, find: string, put: readonly string[]): GroupSurvey {
  return sentinelChanged(group, (node) => {
    const file = known(node.file);
    if (!node.file.ok || !file) throw new Error('no file');
    const lines = file.lines.map((line) => (line.args[0] === find ? { ...line, args: put } : line));
    expect(lines).not.toEqual(file.lines);
    return { ...node, file: { ...node.file, value: { ...file, lines } } };
  });
}

describe('the fingerprint of a fleet', () => {
  test('stays when offsets and the lines that Sentinel writes move', async () => {
    const { group } = await recorded('healthy');
    const before = fingerprintOf(group);
    const moved = redisChanged(group, (node) => ({
      ...node,
      running: node.running.ok
        ? { ...node.running, value: { ...node.running.value, offset: 99n, keys: 7n } }
        : node.running,
    }));
    expect(fingerprintOf(moved)).toBe(before);
    for (const generated of ['config-epoch', 'known-replica', 'known-sentinel'])
      expect(fingerprintOf(withLine(group, generated, [generated, 'stn-master', '77']))).toBe(before);
  });

  test('changes with a restart, a promotion, a stop and a line of the operator', async () => {
    const { group } = await recorded('healthy');
    const before = fingerprintOf(group);
    const running = (change: object): GroupSurvey =>
      redisChanged(group, (node) => ({
        ...node,
        running: node.running.ok ? { ...node.running, value: { ...node.running.value, ...change } } : node.running,
      }));
    const changes = [
      running({ runId: 'f'.repeat(40) }),
      running({ replid: 'f'.repeat(40) }),
      running({ role: 'replica' }),
      redisChanged(group, (node) => ({ ...node, process: { ok: true, value: null, from: node.process.from, at: '' } })),
      withLine(group, 'monitor', ['monitor', 'stn-master', '10.0.0.1', '6379', '3']),
    ];
    for (const changed of changes) expect(fingerprintOf(changed)).not.toBe(before);
    expect(new Set(changes.map(fingerprintOf)).size).toBe(changes.length);
  });
});

describe('facts that a stage needs', () => {
  test('of running nodes: the very process, its history and its role', async () => {
    const { group } = await recorded('healthy');
    const facts = factsBefore(group);
    expect(facts.filter((fact) => fact.node === 'pv1').map((fact) => fact.fact)).toEqual([
      'run-id',
      'replication-id',
      'role',
    ]);
    expect(facts).toContainEqual({ node: 'pv1', fact: 'role', value: 'master' });
  });

  test('of dead nodes: that nothing runs', async () => {
    const { group } = await recorded('cascade-clean');
    const none = ['pv1', 'pv2', 'pv3'].map((node) => ({ node, fact: 'process', value: 'none' }));
    expect(factsBefore(group)).toEqual(none);
    expect(factsStopped(group)).toEqual(none);
  });
});
