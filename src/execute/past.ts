import { type Action, actionsOf, type Condition, type Fact, type Plan, type Stage } from '../model/plan.js';
import type { JournalLine, Outcome } from '../model/run.js';
import { actionModule } from './actions/index.js';
import type { Past, Resumption } from './resumption.js';

/** Reads the lines of a journal. Pure. */
export function pastOf(lines: readonly JournalLine[]): Past {
  const stands = new Map<string, Outcome | 'begun'>();
  const own = new Set<string>();
  const details = new Map<string, Readonly<Record<string, unknown>>>();
  const begunAt = new Map<string, string>();
  const pending = new Map<string, string>();
  let brought: ReadonlyMap<string, Outcome | 'begun'> | undefined;
  for (const line of lines) {
    if (line.detail?.brought === true) brought = new Map(stands);
    if (line.detail) details.set(line.action, { ...details.get(line.action), ...line.detail });
    if (line.phase === 'intent') {
      pending.set(line.action, line.at);
      // An intent that follows an intent: the first one was cut off, and may have done it all.
      if (stands.get(line.action) === 'begun') own.add(line.action);
      stands.set(line.action, 'begun');
    }
    if (line.phase !== 'result' || line.outcome === undefined) continue;
    if (line.outcome !== 'skipped') own.add(line.action);
    const at = pending.get(line.action);
    if (at !== undefined && (line.outcome !== 'skipped' || !begunAt.has(line.action))) begunAt.set(line.action, at);
    pending.delete(line.action);
    stands.set(line.action, line.outcome);
  }
  for (const [id, standing] of stands) if (standing === 'begun') own.add(id);
  for (const [id, at] of pending) begunAt.set(id, at);
  return { stands, own, details, begunAt, ...(brought ? { brought } : {}) };
}

/** Whether the run got as far as touching anything that would have to be undone. */
export function changedAnything(plan: Plan, past: Past): boolean {
  return actionsOf(plan).some((action) => past.own.has(action.id) && actionModule(action).changes);
}

/**
 * What is left of a plan by the journal of its run. One that was brought from copies may lack the last lines of where it
 * comes from (a copy is brought up to date at the end of a stage), so whatever follows the last stage that it knows may
 * have been begun, too. Conditions of the last stage are always looked at again: what is proved must be true now. Pure.
 */
export function resumptionOf(plan: Plan, past: Past): Resumption {
  const sorted = { skip: new Set<string>(), verify: [] as Action[], retake: [] as Action[] };
  const actions = actionsOf(plan);
  const begun = begunActions(plan, past);
  for (const action of actions) sort(action, actions, past, begun, sorted);
  const proof = plan.stages.findLast((stage) => stage.batches.some((batch) => batch.then.length > 0));
  const isOver = (condition: Condition, stage: Stage) => stage !== proof && past.stands.get(condition.id) === 'done';
  const retaken = new Set(sorted.retake.map((action) => action.id));
  const isLeft = (action: Action) => !sorted.skip.has(action.id) && !retaken.has(action.id);
  const stages = plan.stages.flatMap((stage) => restOf(stage, past, begun, isLeft, isOver));
  const total = countOf(plan.stages);
  return { past, stages, ...sorted, behind: total - countOf(stages) - sorted.retake.length };
}

function countOf(stages: readonly Stage[]): number {
  const batches = stages.flatMap((stage) => stage.batches);
  return batches.reduce((sum, { lanes, then }) => sum + Object.values(lanes).flat().length + then.length, 0);
}

/** Actions that were begun or, as far as the journal can know, may have been. */
function begunActions(plan: Plan, past: Past): ReadonlySet<string> {
  const { stands, brought } = past;
  const open = brought && plan.stages.find((stage) => brought.get(stage.id) !== 'done');
  const maybe = (open?.batches ?? []).flatMap(({ lanes }) => Object.values(lanes).flat());
  return new Set([...actionsOf(plan).filter(({ id }) => stands.has(id)), ...maybe].map(({ id }) => id));
}

function sort(
  action: Action,
  actions: readonly Action[],
  past: Past,
  begun: ReadonlySet<string>,
  into: { readonly skip: Set<string>; readonly verify: Action[]; readonly retake: Action[] },
): void {
  const standing = past.stands.get(action.id);
  if (action.kind === 'lock.take') {
    if (standing !== undefined) into.retake.push(action);
    return;
  }
  if (standing !== 'done' && standing !== 'skipped') return;
  const { until, whenFinished } = actionModule(action);
  const isOver = actions.some(
    (other) => other.node === action.node && until.includes(keyOf(other)) && begun.has(other.id),
  );
  const then = isOver ? 'skip' : whenFinished(past.details.get(action.id) ?? {});
  if (then !== 'repeat') into.skip.add(action.id);
  if (then === 'look') into.verify.push(action);
}

/** The kind of an action; of one that goes back, the kind that it undoes behind `undo `. */
function keyOf(action: Action): string {
  return action.kind === 'undo' ? `undo ${action.of.kind}` : action.kind;
}

function restOf(
  stage: Stage,
  past: Past,
  begun: ReadonlySet<string>,
  isLeft: (action: Action) => boolean,
  isOver: (condition: Condition, stage: Stage) => boolean,
): readonly Stage[] {
  const batches = stage.batches.flatMap(({ lanes: all, then: waits }) => {
    const rest = Object.entries(all).flatMap(([host, actions]) => {
      const left = actions.filter(isLeft);
      return left.length === 0 ? [] : [[host, left] as const];
    });
    const lanes = Object.fromEntries(rest);
    const then = waits.filter((condition) => !isOver(condition, stage));
    return rest.length === 0 && then.length === 0 ? [] : [{ lanes, then }];
  });
  if (batches.length === 0) return [];
  const { gate, ...bare } = stage;
  const isAnswered = gate === undefined || past.stands.has(stage.id);
  const needs = stage.needs.filter((fact) => !isMoved(fact, stage, begun));
  return [{ ...bare, ...(isAnswered ? {} : { gate }), needs, batches }];
}

/** A node that this stage itself stops, starts or gives a role is no longer what it was when the stage began. */
function isMoved(fact: Fact, stage: Stage, begun: ReadonlySet<string>): boolean {
  return stage.batches
    .flatMap(({ lanes }) => Object.values(lanes).flat())
    .some(
      (action) =>
        begun.has(action.id) &&
        ((action.node === fact.node && /(service\.(stop|start)|role\.(lead|follow))$/.test(keyOf(action))) ||
          (action.kind === 'sentinel.failover' && (fact.fact === 'role' || fact.fact === 'replication-id'))),
    );
}
