import type { Forced } from '../diagnosis/failover.js';
import { listOf } from '../diagnosis/names.js';
import type { Diagnosis, Path } from '../model/diagnosis.js';
import type { Inventory } from '../model/inventory.js';
import type { Fact, Plan, Stage } from '../model/plan.js';
import { known } from '../model/seen.js';
import type { GroupSurvey, Survey } from '../model/survey.js';
import { fingerprintOf } from './canonical.js';
import type { Decision } from './choice.js';
import { factsBefore, factsStopped } from './facts.js';
import { leftOutOf } from './left-out.js';
import type { Runbook, RunbookStage } from './runbook-file.js';
import { nodesOfScene, type RedisNode, type Scene } from './scene.js';
import { scriptsOf, withoutFailover } from './sentinel-duties.js';
import { steps } from './steps/index.js';

/** What a disk and a loader do at least, for the expected seconds in a plan. */
const LOAD_BYTES_PER_SECOND = 100_000_000;
const FIXED_SECONDS = 3;

export interface PlanInput {
  readonly runbook: Runbook;
  readonly inventory: Inventory;
  readonly survey: Survey;
  readonly diagnosis: Diagnosis;
  readonly decision: Decision;
  /** What the one command of the path `failover` would do. */
  readonly forced?: Forced;
}

/** From a decision to a complete plan: which actions, where, in which order, with what they change. Pure. */
export function makePlan(given: PlanInput): Plan {
  // Of nodes that hold the same, Sentinel takes the one that it would choose, not the one that we would.
  const input = given.forced ? { ...given, decision: { ...given.decision, master: given.forced.chosen } } : given;
  const group = input.survey.groups[input.diagnosis.group];
  if (!group) throw new Error(`the survey holds no group ${input.diagnosis.group}`);
  const nodes = nodesOfScene(input.inventory, input.survey, group, input.decision);
  const counts = new Map<string, number>();
  const nextNumber = (prefix: string): number => {
    const number = (counts.get(prefix) ?? 0) + 1;
    counts.set(prefix, number);
    return number;
  };
  const base = {
    ...input,
    path: input.runbook.path,
    group,
    ...nodes,
    epoch: input.diagnosis.epochs.nextEpoch,
    nextNumber,
  };
  const stages = withoutEmpty(
    input.runbook.stages.map((stage) => makeStage(stage, { ...base, stage: stage.stage.toLowerCase() }, group)),
  );
  const master = input.diagnosis.candidates.find((item) => item.node === input.decision.master);
  return {
    schema: 'redis-runbook/plan/1',
    group: group.group,
    runbook: `${input.runbook.runbook} ${input.runbook.version}`,
    path: input.runbook.path,
    master: input.decision.master,
    ...(serves(input) ? { serves: true } : {}),
    replicas: nodes.redis.filter((node) => !node.isMaster && !node.isLeftOut).map((node) => node.entry.id),
    sentinels: nodes.sentinels.map((node) => node.entry.id),
    hosts: nodes.hosts.map((host) => host.name),
    leftOut: [...unreached(input), ...tooOld(input, nodes.redis)],
    setAside: input.decision.setAside,
    ...(input.decision.hostIsOff === undefined ? {} : { hostIsOff: input.decision.hostIsOff }),
    ...(input.decision.acceptedLoss === undefined ? {} : { acceptedLoss: input.decision.acceptedLoss }),
    ...(input.decision.reason === undefined ? {} : { reason: input.decision.reason }),
    fingerprint: fingerprintOf(group),
    epoch: input.diagnosis.epochs.nextEpoch,
    ...(master?.wouldLoadKeys === undefined ? {} : { expectedKeys: master.wouldLoadKeys }),
    downtimeSeconds: downtimeSeconds(group, input.decision.master, input.runbook.path, input.diagnosis),
    stages,
    ...(input.runbook.path === 'failover' ? { afterwards: stillOff(group) } : {}),
    ...(input.runbook.path === 'failover' ? {} : withoutFailover(group)),
    scripts: input.runbook.path === 'failover' ? [] : scriptsOf(group, input.decision.master),
  };
}

/** A stage that plans nothing here is left out; the question before it is asked before the next one. */
function withoutEmpty(stages: readonly Stage[]): readonly Stage[] {
  let open: Stage['gate'];
  return stages.flatMap((stage) => {
    const gate = stage.gate ?? open;
    open = stage.batches.length === 0 ? gate : undefined;
    return stage.batches.length === 0 ? [] : [gate === undefined ? stage : { ...stage, gate }];
  });
}

function makeStage(stage: RunbookStage, scene: Scene, group: GroupSurvey): Stage {
  const batches = stage.steps.flatMap((entry) => {
    const step = steps.find((item) => item.name === entry.name);
    if (!step) throw new Error(`no step ${entry.name}`);
    return step.plan(scene, entry.parameters);
  });
  return {
    id: scene.stage,
    title: stage.stage,
    why: stage.why,
    ...(stage.gate === undefined ? {} : { gate: stage.gate }),
    needs: needsOf(scene, group),
    batches,
    now: stage.now,
  };
}

/**
 * Cold: before the first touch and before the stop, what was surveyed; before a start, that nothing of the group runs. Where
 * Redis is not restarted, every stage needs each process to be the one that was surveyed; until roles change, in its role.
 */
function needsOf({ stage, path, master }: Scene, group: GroupSurvey): readonly Fact[] {
  if (path === 'sentinels-only' || path === 'failover') return factsBefore(group);
  if (path === 'live') {
    if (['hold', 'keep', 'promote'].includes(stage)) return factsBefore(group);
    const id = master?.entry.id ?? '';
    return [
      ...factsBefore(group).filter(({ fact }) => fact === 'run-id' || (fact === 'process' && stage !== 'prove')),
      { node: id, fact: 'role', value: 'master' },
    ];
  }
  if (stage === 'hold' || stage === 'stop') return factsBefore(group);
  return stage === 'rewrite' || stage === 'start' ? factsStopped(group) : [];
}

/** One command starts nothing: what is off stays off, and is for the next recovery. */
function stillOff(group: GroupSurvey): NonNullable<Plan['afterwards']> {
  const off = [...group.redis, ...group.sentinels].filter((node) => !(node.process.ok && node.process.value !== null));
  if (off.length === 0) return [];
  const says = `${listOf(off.map(({ node }) => node))} ${off.length === 1 ? 'does' : 'do'} not run, and nothing was started`;
  return [{ says, next: 'redis-runbook recover' }];
}

function serves({ runbook, diagnosis, decision }: PlanInput): boolean {
  return runbook.path !== 'cold' && diagnosis.serving === decision.master;
}

function tooOld({ decision }: PlanInput, redis: readonly RedisNode[]): Plan['leftOut'] {
  return (decision.leftOut ?? []).flatMap(({ node, why }) => {
    const found = redis.find((each) => each.entry.id === node);
    return found ? [leftOutOf(found, why)] : [];
  });
}

function unreached(input: PlanInput): Plan['leftOut'] {
  return input.survey.hosts
    .filter((host) => !host.reached.ok)
    .map((host) => ({
      host: host.host,
      why: host.reached.ok ? '' : host.reached.detail,
      next:
        `before anything on ${host.host} starts: look at it, then recover again with it in reach` +
        (input.survey.groups[input.diagnosis.group]?.redis.some((node) => node.host === host.host)
          ? '; with its old files its Redis may say that it is master until the sentinels demote it, and what clients write to it meanwhile is lost'
          : ''),
    }));
}

function downtimeSeconds(group: GroupSurvey, master: string, path: Path, diagnosis: Diagnosis): number {
  if (path === 'sentinels-only') return 0;
  if (path === 'failover') return FIXED_SECONDS;
  if (path === 'live') return diagnosis.serving === master ? 0 : FIXED_SECONDS;
  const node = group.redis.find((item) => item.node === master);
  const files = known(node?.aof)?.files.reduce((sum, file) => sum + file.sizeBytes, 0n) ?? 0n;
  const bytes = known(node?.config)?.appendonly ? files : (known(node?.rdbStat)?.sizeBytes ?? 0n);
  return FIXED_SECONDS + group.redis.length + Math.ceil((2 * Number(bytes)) / LOAD_BYTES_PER_SECOND);
}
