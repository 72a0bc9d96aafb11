import type { Forced } from '../diagnosis/failover.js';
import type { Diagnosis, Path } from '../model/diagnosis.js';
import type { HostEntry, Inventory, NodeEntry } from '../model/inventory.js';
import type { LeftOutHost } from '../model/left-out.js';
import type {
  Action,
  ActionKind,
  ActionOf,
  Batch,
  Condition,
  Described,
  RestoredBackup,
  RestoredFile,
  RestorePlace,
} from '../model/plan.js';
import { known } from '../model/seen.js';
import type { GroupSurvey, RedisSurvey, SentinelSurvey, Survey } from '../model/survey.js';
import type { Decision } from './choice.js';

/** Everything that a step may plan from. Values only: a step sees the fleet as it was surveyed, and touches nothing. */
export interface Scene {
  readonly inventory: Inventory;
  readonly survey: Survey;
  readonly group: GroupSurvey;
  readonly diagnosis: Diagnosis;
  readonly decision: Decision;
  readonly path: Path;
  /** What the one command of the path `failover` would do; absent on the others. */
  readonly forced?: Forced;
  /** There when the group gets the data of a backup. */
  readonly restore?: Restore;
  /** Stage id that action ids begin with, e.g. `hold`. */
  readonly stage: string;
  /** The nodes that the run works on, on hosts that were reached. */
  readonly redis: readonly RedisNode[];
  readonly sentinels: readonly SentinelNode[];
  /** All nodes of the group on hosts that were reached: what must be true of them in the end is proved for each. */
  readonly everyRedis: readonly RedisNode[];
  readonly everySentinel: readonly SentinelNode[];
  /** Who is master in the end, worked on or not. */
  readonly master: RedisNode | undefined;
  /** What sentinel files get at least as config-epoch and current-epoch. */
  readonly epoch: bigint;
  /** Hosts of the group that could not be reached, and why. */
  readonly unreached: readonly { readonly host: string; readonly why: string }[];
  /** What the hosts remember as left out, and takes part again in this run. */
  readonly back: readonly LeftOutHost[];
  /** Hosts with a node of the group: each is locked. */
  readonly hosts: readonly HostEntry[];
  readonly nextNumber: (prefix: string) => number;
}

/** A backup on its way into the node that becomes master. */
export interface Restore {
  readonly backup: RestoredBackup;
  readonly place: RestorePlace;
  readonly files: readonly RestoredFile[];
}

export interface RedisNode {
  readonly entry: NodeEntry;
  readonly host: HostEntry;
  readonly seen: RedisSurvey;
  readonly runs: boolean;
  readonly isMaster: boolean;
  /** It is held, kept, stopped and rewritten like the others, and never started: it could not copy from the master. */
  readonly isLeftOut: boolean;
}

export interface SentinelNode {
  readonly entry: NodeEntry;
  readonly host: HostEntry;
  readonly seen: SentinelSurvey;
  readonly runs: boolean;
}

/** A step of the library: what a runbook may name. */
export interface Step {
  readonly name: string;
  readonly summary: string;
  /** Parameters with the words that each may have; the first is the default. */
  readonly parameters: Readonly<Record<string, readonly string[]>>;
  readonly plan: (scene: Scene, parameters: Readonly<Record<string, string>>) => readonly Batch[];
}

/** Which of a group's nodes a plan works on; left out: all of them. */
export type WorksOn = (entry: NodeEntry) => boolean;

/** The nodes of the group that a plan may touch, with what was seen of each. */
export function nodesOfScene(
  inventory: Inventory,
  survey: Survey,
  group: GroupSurvey,
  { master, leftOut = [] }: Pick<Decision, 'master' | 'leftOut'>,
  worksOn: WorksOn = () => true,
): Pick<Scene, 'redis' | 'sentinels' | 'everyRedis' | 'everySentinel' | 'master' | 'hosts'> {
  const reached = new Set(survey.hosts.filter((host) => host.reached.ok).map((host) => host.host));
  const hosts = inventory.hosts.filter((host) => reached.has(host.name));
  const redis: RedisNode[] = [];
  const sentinels: SentinelNode[] = [];
  for (const host of hosts)
    for (const entry of host.nodes) {
      const asRedis = group.redis.find((node) => node.node === entry.id);
      if (asRedis)
        redis.push({
          entry,
          host,
          seen: asRedis,
          runs: runs(asRedis.process),
          isMaster: entry.id === master,
          isLeftOut: leftOut.some((each) => each.node === entry.id),
        });
      const asSentinel = group.sentinels.find((node) => node.node === entry.id);
      if (asSentinel) sentinels.push({ entry, host, seen: asSentinel, runs: runs(asSentinel.process) });
    }
  const touched = new Set([...redis, ...sentinels].map((node) => node.host.name));
  return {
    redis: redis.filter((node) => worksOn(node.entry)),
    sentinels: sentinels.filter((node) => worksOn(node.entry)),
    everyRedis: redis,
    everySentinel: sentinels,
    master: redis.find((node) => node.isMaster),
    hosts: hosts.filter((host) => touched.has(host.name)),
  };
}

function runs(process: RedisSurvey['process']): boolean {
  const value = known(process);
  return value !== undefined && value !== null;
}

/**
 * Whether what a node holds may be replaced. On the cold path each node is stopped; on the others a running node that is
 * master, or is linked to it already, goes on as it is.
 */
export function moves(scene: Pick<Scene, 'path' | 'master'>, node: RedisNode): boolean {
  if (scene.path === 'cold' || !node.runs) return true;
  if (scene.path === 'failover') return false;
  const running = known(node.seen.running);
  const master = scene.master?.entry;
  if (node.isMaster || !running || !master) return false;
  return running.masterLinkUp !== true || running.masterAddress !== `${master.address}:${master.port}`;
}

type Fields<K extends ActionKind> = Omit<ActionOf<K>, 'id' | 'host' | 'node' | 'kind' | 'says'>;

/** Makes one action with its stable id `stage/host/kind/n`. */
export function action<K extends ActionKind>(
  scene: Scene,
  at: { readonly host: string; readonly node: string },
  kind: K,
  fields: Fields<K>,
  says: Described,
): Action {
  const prefix = `${scene.stage}/${at.host}/${kind}`;
  const made = { id: `${prefix}/${scene.nextNumber(prefix)}`, host: at.host, node: at.node, kind, says, ...fields };
  return made as unknown as Action;
}

/** Actions of one node, named by its host. */
export function placeOf(node: RedisNode | SentinelNode): { readonly host: string; readonly node: string } {
  return { host: node.host.name, node: node.entry.id };
}

/** One batch in which every host works in its own lane, in the order given. */
export function sideBySide(actions: readonly Action[], then: readonly Condition[] = []): readonly Batch[] {
  if (actions.length === 0 && then.length === 0) return [];
  const lanes: Record<string, Action[]> = {};
  for (const item of actions) {
    const lane = lanes[item.host] ?? [];
    lane.push(item);
    lanes[item.host] = lane;
  }
  return [{ lanes, then }];
}

/** A condition with its stable id `stage/condition/kind/n`. */
export function condition<K extends Condition['kind']>(
  scene: Scene,
  kind: K,
  limitMs: number,
  says: string,
  fields: Omit<Extract<Condition, { kind: K }>, 'id' | 'says' | 'limitMs' | 'kind'>,
): Condition {
  const prefix = `${scene.stage}/condition/${kind}`;
  return { id: `${prefix}/${scene.nextNumber(prefix)}`, kind, limitMs, says, ...fields } as unknown as Condition;
}
