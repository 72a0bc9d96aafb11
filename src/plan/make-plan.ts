import { leftOutIn } from '../diagnosis/left-out.js';
import type { Diagnosis } from '../model/diagnosis.js';
import type { Inventory, NodeEntry } from '../model/inventory.js';
import type { Fact, Plan, Stage } from '../model/plan.js';
import { known } from '../model/seen.js';
import type { GroupSurvey, Survey } from '../model/survey.js';
import { fingerprintOf } from './canonical.js';
import type { Decision } from './choice.js';
import { factsBefore, factsStopped } from './facts.js';
import { leftOutOf, unreachedOf } from './left-out.js';
import type { Rejoin } from './rejoin.js';
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
  /** Only one host comes back: its nodes alone are worked on, behind the master that serves. */
  readonly rejoin?: Rejoin;
}

/** From a decision to a complete plan: which actions, where, in which order, with what they change. Pure. */
export function makePlan(input: PlanInput): Plan {
  const group = input.survey.groups[input.diagnosis.group];
  if (!group) throw new Error(`the survey holds no group ${input.diagnosis.group}`);
  const { rejoin } = input;
  const others = othersLeftOut(input, group);
  const worksOn = rejoin && ((entry: NodeEntry) => rejoin.works.includes(entry.id));
  const nodes = nodesOfScene(
    {
      ...input.inventory,
      hosts: input.inventory.hosts.filter(({ name }) => !others.some(({ host }) => host === name)),
    },
    input.survey,
    group,
    input.decision,
    worksOn,
  );
  const counts = new Map<string, number>();
  const nextNumber = (prefix: string): number => {
    const number = (counts.get(prefix) ?? 0) + 1;
    counts.set(prefix, number);
    return number;
  };
  const base = {
    ...input,
    group,
    ...nodes,
    epoch: rejoin ? input.diagnosis.epochs.highestEpoch : input.diagnosis.epochs.nextEpoch,
    unreached: rejoin ? [] : unreachedOf(input.survey, group),
    back:
      rejoin?.notes ??
      leftOutIn(input.survey, group.group).filter(({ host }) => nodes.hosts.some(({ name }) => name === host)),
    nextNumber,
  };
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
    leftOut: [...unreached(input), ...others, ...tooOld(input, nodes.redis)],
    setAside: input.decision.setAside,
    ...(input.decision.acceptedLoss === undefined ? {} : { acceptedLoss: input.decision.acceptedLoss }),
    ...(input.decision.reason === undefined ? {} : { reason: input.decision.reason }),
    fingerprint: fingerprintOf(group),
    epoch: base.epoch,
    ...(rejoin === undefined ? {} : { rejoins: rejoin.host }),
    ...(master?.wouldLoadKeys === undefined ? {} : { expectedKeys: master.wouldLoadKeys }),
    downtimeSeconds: rejoin ? 0 : downtimeSeconds(group, input.decision.master),
    stages,
    ...(rejoin ? {} : withoutFailover(group)),
    scripts: rejoin ? [] : scriptsOf(group, input.decision.master),
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
    needs: needsOf(scene, group),
    batches,
    now: stage.now,
  };
}

/** Before the first touch and before the stop, what was surveyed; before a start, that nothing that is worked on runs. */
function needsOf({ stage, redis }: Scene, group: GroupSurvey): readonly Fact[] {
  if (stage === 'hold' || stage === 'stop') return factsBefore(group);
  const worked = group.redis.filter(({ node }) => redis.some(({ entry }) => entry.id === node));
  return stage === 'rewrite' || stage === 'start' ? factsStopped({ ...group, redis: worked }) : [];
}

/** Of the other hosts that are still left out nothing is asked while one comes back. */
function othersLeftOut({ rejoin, survey }: PlanInput, group: GroupSurvey): Plan['leftOut'] {
  if (!rejoin) return [];
  const open = leftOutIn(survey, group.group).filter(
    ({ host }) => host !== rejoin.host && survey.hosts.some((each) => each.host === host && each.reached.ok),
  );
  return open.map(({ host, run }) => ({
    host,
    why: `run ${run} left it out, and it was not rejoined yet`,
    next: `redis-runbook rejoin ${host}`,
  }));
}

function tooOld({ decision }: PlanInput, redis: readonly RedisNode[]): Plan['leftOut'] {
  return (decision.leftOut ?? []).flatMap(({ node, why }) => {
    const found = redis.find((each) => each.entry.id === node);
    return found ? [leftOutOf(found, why)] : [];
  });
}

function unreached({ survey, diagnosis, decision }: PlanInput): Plan['leftOut'] {
  const group = survey.groups[diagnosis.group];
  return survey.hosts.flatMap(({ host, reached }) => {
    if (reached.ok) return [];
    const hasRedis = group?.redis.some((node) => node.host === host) === true;
    const isOff = decision.hostIsOff?.includes(host) === true;
    return [
      {
        host,
        why: `${reached.detail.replace(/\.$/, '')}; ${whenItComesBack(hasRedis, isOff)}`,
        next: `redis-runbook rejoin ${host}`,
      },
    ];
  });
}

/** What a host that nobody touched does with the files that it has. */
function whenItComesBack(hasRedis: boolean, isOff: boolean): string {
  if (!hasRedis)
    return 'when its sentinel comes back it is told the master by the others, whose epoch is above all that it can have';
  const now = isOff ? 'it is said to be off; ' : '';
  return (
    `${now}nothing of it may start before it was rejoined: with its old files its Redis may say that it is master, and what ` +
    'clients write to it until the sentinels demote it is lost'
  );
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
