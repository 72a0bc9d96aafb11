import type { Diagnosis } from '../model/diagnosis.js';
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
}

/** From a decision to a complete plan: which actions, where, in which order, with what they change. Pure. */
export function makePlan(input: PlanInput): Plan {
  const group = input.survey.groups[input.diagnosis.group];
  if (!group) throw new Error(`the survey holds no group ${input.diagnosis.group}`);
  const nodes = nodesOfScene(input.inventory, input.survey, group, input.decision);
  const counts = new Map<string, number>();
  const nextNumber = (prefix: string): number => {
    const number = (counts.get(prefix) ?? 0) + 1;
    counts.set(prefix, number);
    return number;
  };
  const base = { ...input, group, ...nodes, epoch: input.diagnosis.epochs.nextEpoch, nextNumber };
  const stages = input.runbook.stages.map((stage) =>
    makeStage(stage, { ...base, stage: stage.stage.toLowerCase() }, group),
  );
  const master = input.diagnosis.candidates.find((item) => item.node === input.decision.master);
  return {
    schema: 'redis-runbook/plan/1',
    group: group.group,
    runbook: `${input.runbook.runbook} ${input.runbook.version}`,
    path: input.runbook.path,
    master: input.decision.master,
    replicas: nodes.redis.filter((node) => !node.isMaster && !node.isLeftOut).map((node) => node.entry.id),
    sentinels: nodes.sentinels.map((node) => node.entry.id),
    hosts: nodes.hosts.map((host) => host.name),
    leftOut: [...unreached(input), ...tooOld(input, nodes.redis)],
    setAside: input.decision.setAside,
    ...(input.decision.acceptedLoss === undefined ? {} : { acceptedLoss: input.decision.acceptedLoss }),
    ...(input.decision.reason === undefined ? {} : { reason: input.decision.reason }),
    fingerprint: fingerprintOf(group),
    epoch: input.diagnosis.epochs.nextEpoch,
    ...(master?.wouldLoadKeys === undefined ? {} : { expectedKeys: master.wouldLoadKeys }),
    downtimeSeconds: downtimeSeconds(group, input.decision.master),
    stages,
    ...withoutFailover(group),
    scripts: scriptsOf(group, input.decision.master),
  };
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
    needs: needsOf(scene.stage, group),
    batches,
    now: stage.now,
  };
}

/** Before the first touch and before the stop, what was surveyed; before a start, that nothing of the group runs. */
function needsOf(stage: string, group: GroupSurvey): readonly Fact[] {
  if (stage === 'hold' || stage === 'stop') return factsBefore(group);
  return stage === 'rewrite' || stage === 'start' ? factsStopped(group) : [];
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

function downtimeSeconds(group: GroupSurvey, master: string): number {
  const node = group.redis.find((item) => item.node === master);
  const files = known(node?.aof)?.files.reduce((sum, file) => sum + file.sizeBytes, 0n) ?? 0n;
  const bytes = known(node?.config)?.appendonly ? files : (known(node?.rdbStat)?.sizeBytes ?? 0n);
  return FIXED_SECONDS + group.redis.length + Math.ceil((2 * Number(bytes)) / LOAD_BYTES_PER_SECOND);
}

/**
 * Scripts that Sentinel would have called at a failover, with the arguments that it gives them
 * (sentinel.c:sentinelCallClientReconfScript, sentinelEvent).
 */
