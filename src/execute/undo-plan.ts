import { type Action, actionsOf, type Batch, type Condition, type Fact, type Plan, type Stage } from '../model/plan.js';
import { undoSays } from './actions/index.js';
import type { Past } from './resumption.js';

const STARTED_LIMIT_MS = 1_800_000;

/**
 * The plan that takes back what a run did, by its journal: locks first; what it started is held and stopped again,
 * sentinels, then the master, then its replicas; every file that it rewrote is put back; what it stopped is started as it
 * was, Redis before the sentinels; holds go, the locks last. Data files are not touched: undo of a stop is a start. An
 * ordinary plan, carried out by the same engine. Pure.
 */
export function undoPlan(plan: Plan, past: Past): Plan {
  const actions = actionsOf(plan);
  const undone = (kind: Action['kind'], which: (action: Action) => boolean = () => true) =>
    actions
      .filter((action) => action.kind === kind && past.own.has(action.id) && which(action))
      .map((action) => backOf(action, past));
  const isSentinel = (action: Action) => plan.sentinels.includes(action.node);
  const isMaster = (action: Action) => action.node === plan.master;
  const again = (which: (action: Action) => boolean) =>
    sideBySide([...undone('service.release', which), ...undone('service.start', which)]);
  const before = factsOf(plan, past);
  const redisFacts = before.filter((fact) => !plan.sentinels.includes(fact.node));
  const stages = [
    stage('undo-lock', 'LOCK', 'nobody else works on the fleet meanwhile', sideBySide(locks(plan, 'lock.take'))),
    stage('undo-start', 'STOP AGAIN', 'what the run started goes before its files change', [
      ...again(isSentinel),
      ...again(isMaster),
      ...again((action) => !isSentinel(action) && !isMaster(action)),
    ]),
    stage(
      'undo-rewrite',
      'PUT BACK',
      'every file is as it was kept, byte for byte',
      sideBySide([...undone('config.rewrite'), ...undone('data.place'), ...undone('data.aside')]),
    ),
    stage('undo-stop', 'AS BEFORE', 'what ran before runs again, Redis before the sentinels', [
      ...started(undone, (action) => !isSentinel(action), redisFacts, 'redis'),
      ...started(undone, isSentinel, [], 'sentinels'),
    ]),
    stage('undo-prove', 'PROVE', 'looked at, not assumed', [
      ...sideBySide([], asBefore(before, 'all')),
      ...sideBySide(locks(plan, 'lock.release')),
    ]),
  ];
  return {
    ...plan,
    runbook: plan.runbook,
    scripts: [],
    leftOut: [],
    stages: stages.filter((each) => each.batches.length > 0),
  };
}

function backOf(of: Action, past: Past): Action {
  const found = {
    ...past.details.get(of.id),
    outcome: past.stands.get(of.id),
    begunAt: past.begunAt.get(of.id),
  };
  const says = undoSays(of) ?? '';
  const { id, host, node } = of;
  const text = { text: `${of.says.text}: ${says}`, commands: [], expect: 'as before', undo: 'recover plans anew' };
  return { id: `undo/${id}`, host, node, kind: 'undo', of, found, says: text };
}

type Undone = (kind: Action['kind'], which?: (action: Action) => boolean) => readonly Action[];

/** Holds go with what they kept from starting; only what ran before, and was stopped by the run, is started. */
function started(
  undone: Undone,
  which: (action: Action) => boolean,
  facts: readonly Fact[],
  name: string,
): readonly Batch[] {
  const wasRunning = (action: Action) =>
    which(action) && action.kind === 'service.stop' && action.mode !== 'already-stopped';
  const actions = [...undone('service.hold', which), ...undone('service.stop', wasRunning)];
  const nodes = actions.map((action) => action.node);
  return sideBySide(
    actions,
    asBefore(
      facts.filter((fact) => nodes.includes(fact.node)),
      name,
    ),
  );
}

/** What was true of the nodes that the run stopped: that they run and answer, and their role. */
function factsOf(plan: Plan, past: Past): readonly Fact[] {
  const roles = plan.stages.flatMap(({ needs }) => needs.filter(({ fact }) => fact === 'role'));
  const stopped = actionsOf(plan).filter(
    (action) => action.kind === 'service.stop' && action.mode !== 'already-stopped' && past.own.has(action.id),
  );
  return [...new Set(stopped.map((action) => action.node))].flatMap((node): Fact[] => [
    { node, fact: 'process', value: 'running' },
    { node, fact: 'answers', value: 'yes' },
    ...roles.filter((fact) => fact.node === node).slice(0, 1),
  ]);
}

function asBefore(facts: readonly Fact[], name: string): readonly Condition[] {
  if (facts.length === 0) return [];
  const says = 'what ran before runs, answers, and has the role that it had';
  return [{ id: `undo/condition/as-before/${name}`, kind: 'as-before', says, limitMs: STARTED_LIMIT_MS, facts }];
}

function locks(plan: Plan, kind: 'lock.take' | 'lock.release'): readonly Action[] {
  return actionsOf(plan).filter((action) => action.kind === kind);
}

function stage(id: string, title: string, why: string, batches: readonly Batch[]): Stage {
  return { id, title, why, needs: [], batches, now: nows[id] ?? '' };
}

const nows: Readonly<Record<string, string>> = {
  'undo-start': 'what the run had started is stopped and held; nothing serves.',
  'undo-rewrite': 'the files say the old roles; nothing that they belong to runs.',
  'undo-stop': 'what ran before runs again.',
  'undo-prove': 'as before; nothing is held by this run any more.',
};

/** Every host in a lane of its own, its actions in the order given. */
function sideBySide(actions: readonly Action[], then: readonly Condition[] = []): readonly Batch[] {
  if (actions.length === 0 && then.length === 0) return [];
  const lanes: Record<string, Action[]> = {};
  for (const action of actions) lanes[action.host] = [...(lanes[action.host] ?? []), action];
  return [{ lanes, then }];
}
