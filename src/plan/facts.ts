import { createHash } from 'node:crypto';
import { toJson } from '../model/json.js';
import type { Fact } from '../model/plan.js';
import { known } from '../model/seen.js';
import type { GroupSurvey, SentinelSurvey } from '../model/survey.js';

/** Directives that Sentinel and CONFIG REWRITE own: their movement is no change of the fleet. */
const generated = new Set([
  'config-epoch',
  'leader-epoch',
  'current-epoch',
  'known-replica',
  'known-slave',
  'known-sentinel',
]);

/**
 * A hash over the canonical facts: who answers, run ids, replication ids, roles, and the operator's own config lines.
 * Never epochs, offsets or generated lines, so that a sentinel that rewrites its file does not change it.
 */
export function fingerprintOf(group: GroupSurvey): string {
  const redis = group.redis.map((node) => {
    const running = known(node.running);
    return {
      node: node.node,
      runs: node.process.ok ? node.process.value !== null : node.process.why,
      runId: running?.runId,
      replid: running?.replid,
      role: running?.role,
      rdb: running ? undefined : known(node.rdb)?.replid,
      lines: known(node.config)?.lines.map((line) => line.raw.trim()),
    };
  });
  const sentinels = group.sentinels.map((node) => ({
    node: node.node,
    runs: node.process.ok ? node.process.value !== null : node.process.why,
    lines: ownLines(node),
  }));
  return createHash('sha256')
    .update(toJson({ group: group.group, redis, sentinels }))
    .digest('hex');
}

function ownLines(sentinel: SentinelSurvey): readonly string[] {
  return (known(sentinel.file)?.lines ?? [])
    .filter((line) => line.name === 'sentinel' && !generated.has(line.args[0]?.toLowerCase() ?? ''))
    .map((line) => line.args.join(' '))
    .sort();
}

/** What must still hold, node by node, before anything is touched. */
export function factsBefore(group: GroupSurvey): readonly Fact[] {
  return group.redis.flatMap((node): Fact[] => {
    if (!node.process.ok) return [];
    const running = known(node.running);
    if (!running)
      return [{ node: node.node, fact: 'process', value: node.process.value === null ? 'none' : 'running' }];
    return [
      { node: node.node, fact: 'run-id', value: running.runId },
      { node: node.node, fact: 'replication-id', value: running.replid },
      { node: node.node, fact: 'role', value: running.role },
    ];
  });
}

/** Before START: no redis node of the group runs. */
export function factsStopped(group: GroupSurvey): readonly Fact[] {
  return group.redis
    .filter((node) => node.process.ok)
    .map((node) => ({ node: node.node, fact: 'process' as const, value: 'none' }));
}
