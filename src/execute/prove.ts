import type { Condition, Plan } from '../model/plan.js';
import type { RunResult } from '../model/run.js';
import { at, newRun } from './run.js';
import type { ExecuteOptions, Tools } from './tools.js';
import { waitFor } from './wait.js';

/** Who must agree with whom. The lists are node ids; shorter ones prove less, and say so in what they list. */
export type Proved = Pick<Plan, 'group' | 'master' | 'replicas' | 'sentinels'>;

/** The conditions that together prove a recovered group, each with this limit. */
export function proofConditions(fleet: Proved, limitMs: number): readonly Condition[] {
  const { group, master, replicas, sentinels } = fleet;
  const nodes = [master, ...replicas, ...sentinels];
  return [
    { id: 'prove/master', kind: 'is-master', node: master, limitMs, says: `${master} is master` },
    ...replicas.flatMap((node): readonly Condition[] => [
      { id: `prove/${node}/linked`, kind: 'linked-to', node, master, limitMs, says: `${node} follows ${master}` },
      { id: `prove/${node}/caught-up`, kind: 'caught-up-with', node, master, limitMs, says: `${node} has caught up` },
    ]),
    {
      id: 'prove/agree',
      kind: 'sentinels-agree',
      group,
      master,
      sentinels,
      replicas,
      limitMs,
      says: `all ${sentinels.length} sentinels agree on ${master} and have heard of each other`,
    },
    { id: 'prove/quorum', kind: 'quorum', group, sentinels, limitMs, says: 'every sentinel can reach its quorum' },
    { id: 'prove/held', kind: 'nothing-held', nodes, limitMs, says: 'nothing is held any more' },
    { id: 'prove/files', kind: 'files-as-planned', nodes, limitMs, says: 'the files give the same after a restart' },
  ];
}

/**
 * Proves a group outside of a run, all conditions side by side. Nothing is journalled and nothing is changed. Every
 * check is in the answer, those that failed too.
 */
export async function prove(
  plan: Plan,
  tools: Tools,
  options: Pick<ExecuteOptions, 'signal' | 'now'> & { readonly limitMs: number },
): Promise<RunResult['proof']> {
  const run = newRun(plan, tools, { ...options, gate: async () => 'stop', onEvent: () => undefined });
  const conditions = proofConditions(plan, options.limitMs);
  const waited = await Promise.all(
    conditions.map((condition) => waitFor(condition, at(run, condition.id), options.signal, () => undefined)),
  );
  return conditions.map(({ says }, index) => {
    const { holds = false, seen = '' } = waited[index] ?? {};
    return { check: says, ok: holds, says: seen };
  });
}
