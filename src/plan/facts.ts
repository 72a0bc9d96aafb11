import type { Fact } from '../model/plan.js';
import { known } from '../model/seen.js';
import type { GroupSurvey } from '../model/survey.js';

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
