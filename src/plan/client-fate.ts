import { actionsOf, type Plan } from '../model/plan.js';

/** What carrying out the plan does to the clients of a running node, in one sentence. */
export function fateOfClients(plan: Plan, node: string, setAside: readonly string[]): string {
  const at = stageOf(plan, node);
  const [kind, stage] = [at?.kind, at?.stage ?? ''];
  if (kind === 'service.stop') return `${node} is stopped in ${stage}: their connections end${aside(node, setAside)}`;
  if (kind === 'role.follow')
    return `${node} becomes a replica in ${stage}: they are disconnected, and writes are refused there${aside(node, setAside)}`;
  if (kind === 'role.lead') return `${node} becomes master in ${stage}: whoever reads goes on, and writes are taken`;
  if (actionsOf(plan).some((action) => action.kind === 'sentinel.failover'))
    return `the sentinels change the master: what follows them finds the new one, what does not is disconnected`;
  return `the plan does not touch Redis on ${node}: they go on`;
}

function aside(node: string, setAside: readonly string[]): string {
  return setAside.includes(node)
    ? '; what they write until then is set aside with the rest of it'
    : '; what it acknowledged until then stays';
}

const deciding = ['service.stop', 'role.follow', 'role.lead'] as const;

function stageOf(
  plan: Plan,
  node: string,
): { readonly kind: (typeof deciding)[number]; readonly stage: string } | undefined {
  for (const stage of plan.stages)
    for (const batch of stage.batches)
      for (const action of Object.values(batch.lanes).flat()) {
        const kind = deciding.find((each) => each === action.kind);
        if (kind !== undefined && action.node === node) return { kind, stage: stage.title };
      }
  return undefined;
}
