import type { Fact } from '../model/plan.js';
import type { RunningRedis } from '../model/survey.js';
import { nodeAt, pidOf, runningOf, withReader } from './node.js';
import type { At } from './tools.js';

/** A fact that does not hold any more, or (`isSeen` false) of which nobody can say whether it does. */
export interface Unmet {
  readonly node: string;
  readonly isSeen: boolean;
  readonly says: string;
}

/**
 * Sees the facts that a stage needs afresh and tells those that no longer hold, in words; empty when all do. Values:
 * `process` is `running`, `none` or a pid; `answers` is `yes` or `no`; `role` is `master` or `replica`.
 */
export async function checkNeeds(needs: readonly Fact[], at: At): Promise<readonly Unmet[]> {
  const nodes = [...new Set(needs.map((need) => need.node))];
  const factsOf = (node: string) => needs.filter((need) => need.node === node);
  const wrong = await Promise.all(nodes.map((node) => checkNode(node, factsOf(node), at)));
  return wrong.flat();
}

async function checkNode(node: string, facts: readonly Fact[], at: At): Promise<readonly Unmet[]> {
  const pid = await pidOf(at, node).catch((error: Error) => error);
  const asks = facts.some((fact) => fact.fact !== 'process');
  const running = asks ? await seeRunning(node, at) : undefined;
  const wrong: Unmet[] = [];
  for (const fact of facts) {
    const now = fact.fact === 'process' ? seenProcess(pid, fact.value) : seenFact(fact, running);
    if (now === fact.value) continue;
    const isSeen = now !== undefined && !now.startsWith('not known');
    wrong.push({ node, isSeen, says: `${node}: ${fact.fact} was ${fact.value}, is ${now ?? 'not known'}` });
  }
  return wrong;
}

function seenProcess(pid: number | null | Error, wanted: string): string {
  if (pid instanceof Error) return `not known (${pid.message})`;
  if (pid === null) return 'none';
  return /^\d+$/.test(wanted) ? String(pid) : 'running';
}

/**
 * Sentinels answer, but have no role and no history. Asked once more where no answer came: a Sentinel that gives a node
 * another master ends all connections of its clients (sentinel.c:sentinelSendSlaveOf), ours with them.
 */
async function seeRunning(node: string, at: At): Promise<RunningRedis | 'answers' | undefined> {
  const { entry } = nodeAt(at, node);
  const look = () =>
    withReader(at, node, async (reader) => (entry.kind === 'redis' ? await runningOf(reader) : ('answers' as const)));
  return look()
    .catch(look)
    .catch(() => undefined);
}

function seenFact(fact: Fact, running: RunningRedis | 'answers' | undefined): string | undefined {
  // One that loads answers INFO and nothing else.
  if (fact.fact === 'answers')
    return running === undefined || (running !== 'answers' && running.loading) ? 'no' : 'yes';
  if (running === undefined || running === 'answers') return undefined;
  if (fact.fact === 'run-id') return running.runId;
  return fact.fact === 'replication-id' ? running.replid : running.role;
}
