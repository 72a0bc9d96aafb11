import type { Gate, Plan } from '../model/plan.js';

/** What a plan costs and changes, by its path: sentences for the first lines of a plan. */
export function effectSays(plan: Plan): string {
  const writes = `About ${plan.downtimeSeconds} s of work until writes are possible again.`;
  switch (plan.path) {
    case 'sentinels-only':
      return `${plan.master} stays master, and no Redis is touched. Nothing has been changed yet. ${noFailover}`;
    case 'live':
      return plan.serves
        ? `${plan.master} stays master and serves all the while; no running Redis is restarted. Nothing has been changed yet. ${noFailover}`
        : `${plan.master} becomes master; no running Redis is restarted. Nothing has been changed yet. ${writes}`;
    case 'failover':
      return `Sentinel makes ${plan.master} master; no Redis and no sentinel is restarted, and nothing that is off is started. Nothing has been changed yet. ${writes}`;
    case 'nothing':
    case 'cold':
      return `${plan.master} becomes master. Nothing has been changed yet. ${writes}`;
  }
}

const noFailover = 'Nothing fails over by itself from HOLD until the sentinels agree again, some 10 s.';

/** Until when a plan can be undone. */
export function undoSays(plan: Plan): string {
  if (plan.path === 'sentinels-only') return 'Undo: any time; the kept files are put back. No data is touched.';
  if (plan.path === 'failover') return 'Undo: none. The new master accepts writes as soon as Sentinel has promoted it.';
  if (plan.serves) return `Undo: any time; the kept files are put back. The data of ${plan.master} is not touched.`;
  const stage = plan.path === 'live' ? 'PROMOTE' : 'START';
  return `Undo: any time until the master accepts its first write (stage ${stage}), then never.`;
}

/** What a question before stages must not leave out. */
export function gateSays(plan: Plan, gate: Gate): string {
  if (plan.path === 'sentinels-only')
    return gate === 'hold-keep'
      ? 'Redis is not touched. Nothing fails over by itself until the sentinels run again. Undo: yes.'
      : 'Redis is not touched. Undo: yes.';
  if (plan.path === 'failover')
    return 'One command to one sentinel. There is no undo: the new master accepts writes at once.';
  if (plan.path === 'live') return liveGateSays(plan, gate);
  switch (gate) {
    case 'hold-keep':
      return 'Undo: yes. No data moves.';
    case 'stop-rewrite-check':
      return 'A service that runs goes down here. Undo: yes.';
    case 'start':
      return 'Undo ends with the first write that the master accepts.';
  }
}

function liveGateSays(plan: Plan, gate: Gate): string {
  switch (gate) {
    case 'hold-keep':
      return 'Nothing fails over by itself until the sentinels run again. Undo: yes. No data moves.';
    case 'stop-rewrite-check':
      return plan.serves
        ? `${plan.master} serves all the while; clients of nodes that are pointed anew are disconnected.`
        : `Undo ends with the first write that ${plan.master} accepts. Clients of nodes that are pointed anew are disconnected.`;
    case 'start':
      return 'Replicas that are missing copy from the master; then failover is on again.';
  }
}
