import type { Forced } from '../diagnosis/failover.js';
import { leftOutIn } from '../diagnosis/left-out.js';
import { listOf } from '../diagnosis/names.js';
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
import { nodesOfScene, type RedisNode, type Restore, type Scene } from './scene.js';
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
  readonly restore?: Restore;
  /** Only one host comes back: its nodes alone are worked on, behind the master that serves. */
  readonly rejoin?: Rejoin;
}

/** From a decision to a complete plan: which actions, where, in which order, with what they change. Pure. */
export function makePlan(given: PlanInput): Plan {
  // Of nodes that hold the same, Sentinel takes the one that it would choose, not the one that we would.
  const input = given.forced ? { ...given, decision: { ...given.decision, master: given.forced.chosen } } : given;
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
    // A host that comes back is worked on as a cold path works on all.
    path: rejoin ? ('cold' as const) : input.runbook.path,
    group,
    ...nodes,
    epoch: rejoin ? input.diagnosis.epochs.highestEpoch : input.diagnosis.epochs.nextEpoch,
    unreached: rejoin ? [] : unreachedOf(input.survey, group),
    back:
      rejoin?.notes ??
      leftOutIn(input.survey, group.group).filter(({ host }) => nodes.hosts.some(({ name }) => name === host)),
    nextNumber,
  };
  const made = input.runbook.stages.map((stage) =>
    makeStage(stage, { ...base, stage: stage.stage.toLowerCase() }, group),
  );
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
    leftOut: [...unreached(input), ...others, ...tooOld(input, nodes.redis)],
    setAside: input.decision.setAside,
    ...(input.decision.hostIsOff === undefined ? {} : { hostIsOff: input.decision.hostIsOff }),
    ...(input.decision.acceptedLoss === undefined ? {} : { acceptedLoss: input.decision.acceptedLoss }),
    ...(input.decision.reason === undefined ? {} : { reason: input.decision.reason }),
    fingerprint: fingerprintOf(group),
    epoch: base.epoch,
    ...(rejoin === undefined ? {} : { rejoins: rejoin.host }),
    ...expectedKeys(input),
    downtimeSeconds: rejoin ? 0 : downtimeSeconds(input, group),
    stages: rejoin || input.restore ? made : withoutEmpty(made),
    ...(base.path === 'failover' ? { afterwards: stillOff(group) } : {}),
    ...(rejoin || base.path === 'failover' ? {} : withoutFailover(group)),
    scripts: rejoin || base.path === 'failover' ? [] : scriptsOf(group, input.decision.master),
    ...(input.restore === undefined ? {} : { restore: input.restore.backup }),
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
function needsOf({ stage, path, master, redis }: Scene, group: GroupSurvey): readonly Fact[] {
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

/** What the master will hold: the backup's keys, some of which may be over by then, or what it would load now. */
function expectedKeys({ restore, diagnosis, decision }: PlanInput): Pick<Plan, 'expectedKeys'> {
  const candidate = diagnosis.candidates.find((item) => item.node === decision.master);
  const own = restore === undefined ? candidate?.wouldLoadKeys : undefined;
  return own === undefined ? {} : { expectedKeys: own };
}

function downtimeSeconds({ restore, runbook, diagnosis, decision }: PlanInput, group: GroupSurvey): number {
  if (runbook.path === 'sentinels-only') return 0;
  if (runbook.path === 'failover') return FIXED_SECONDS;
  if (runbook.path === 'live') return diagnosis.serving === decision.master ? 0 : FIXED_SECONDS;
  const node = group.redis.find((item) => item.node === decision.master);
  const files = known(node?.aof)?.files.reduce((sum, file) => sum + file.sizeBytes, 0n) ?? 0n;
  const own = known(node?.config)?.appendonly ? files : (known(node?.rdbStat)?.sizeBytes ?? 0n);
  // What there is now is saved once more, and the backup is loaded instead of it.
  const bytes = restore === undefined ? 2n * own : own + restore.backup.sizeBytes;
  return FIXED_SECONDS + group.redis.length + Math.ceil(Number(bytes) / LOAD_BYTES_PER_SECOND);
}
