import type { Gate, Plan } from '../model/plan.js';

/** What a plan costs and changes, by its path: sentences for the first lines of a plan. */
export function effectSays(plan: Plan): string {
  const writes = `About ${plan.downtimeSeconds} s of work until writes are possible again.`;
  switch (plan.path) {
    case 'sentinels-only':
      return `${plan.master} stays master, and no Redis is touched. Nothing has been changed yet. Nothing fails over by itself from HOLD until the sentinels agree again, some 10 s.`;
    case 'nothing':
    case 'failover':
    case 'live':
    case 'cold':
      return `${plan.master} becomes master. Nothing has been changed yet. ${writes}`;
  }
}

/** Until when a plan can be undone. */
export function undoSays(plan: Plan): string {
  return plan.path === 'sentinels-only'
    ? 'Undo: any time; the kept files are put back. No data is touched.'
    : 'Undo: any time until the master accepts its first write (stage START), then never.';
}

/** What a question before stages must not leave out. */
export function gateSays(plan: Plan, gate: Gate): string {
  if (plan.path === 'sentinels-only')
    return gate === 'hold-keep'
      ? 'Redis is not touched. Nothing fails over by itself until the sentinels run again. Undo: yes.'
      : 'Redis is not touched. Undo: yes.';
  switch (gate) {
    case 'hold-keep':
      return 'Undo: yes. No data moves.';
    case 'stop-rewrite-check':
      return 'A service that runs goes down here. Undo: yes.';
    case 'start':
      return 'Undo ends with the first write that the master accepts.';
  }
}
