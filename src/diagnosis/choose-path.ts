import type { Path, PathChoice } from '../model/diagnosis.js';
import { known } from '../model/seen.js';
import type { GroupSurvey, RedisSurvey } from '../model/survey.js';
import { beyondMaster } from './beyond.js';
import { forcedFailover } from './failover.js';
import { listOf } from './names.js';
import { addressOf, type State } from './state.js';
import type { Verdict } from './verdict.js';

const gentlestFirst: readonly Path[] = ['nothing', 'failover', 'sentinels-only', 'live', 'cold'];

/**
 * The gentlest path that is safe, why each gentler one is not, and which of the harder ones are not possible either.
 */
export function choosePath(
  group: GroupSurvey,
  state: State,
  verdict: Verdict,
  { promote, off = new Set() }: Told = {},
): PathChoice {
  const target = promote ?? runningWinner(verdict) ?? state.master?.node;
  const scene: Sighted = { group, state, verdict, target, off, named: promote !== undefined };
  const reasons = gentlestFirst.map((path) => ({ path, why: whyNot(path, scene) }));
  const at = reasons.findIndex(({ why }) => why === undefined);
  const recommended = reasons[at]?.path ?? 'cold';
  const ruledOut = reasons.slice(0, at).flatMap(({ path, why }) => (why === undefined ? [] : [{ path, why }]));
  const impossible = reasons.slice(at + 1).flatMap(({ path, why }) => (why === undefined ? [] : [{ path, why }]));
  const why = whyThis(recommended, scene, ruledOut);
  return { recommended, why, ruledOut, ...(impossible.length === 0 ? {} : { impossible }) };
}

/** The winner, or a node that runs and holds the same: it need not be started, and nothing is given up with it. */
export function runningWinner({ candidates, winner }: Pick<Verdict, 'candidates' | 'winner'>): string | undefined {
  const runs = (node: string | undefined) => candidates.some((each) => each.node === node && each.source === 'running');
  if (winner === undefined || runs(winner)) return winner;
  return candidates.find(({ node, verdict }) => verdict === 'same-as-freshest' && runs(node))?.node ?? winner;
}

/** What the operator said. */
export interface Told {
  /** The node that is to be master, instead of the one that the diagnosis would choose. */
  readonly promote?: string | undefined;
  /** Hosts that are off: somebody has seen it. */
  readonly off?: ReadonlySet<string>;
}

/** What the choice is made from; `target`: the node that is to be master. */
interface Sighted {
  readonly group: GroupSurvey;
  readonly state: State;
  readonly verdict: Verdict;
  readonly target: string | undefined;
  readonly off: ReadonlySet<string>;
  /** The target was named by the operator. */
  readonly named: boolean;
}

type Reasoned = readonly { readonly path: Path; readonly why: string }[];

/** Why a path was chosen, in one sentence without its end. */
function whyThis(path: Path, { group, state, verdict, target }: Sighted, ruledOut: Reasoned): string {
  const amiss = state.amiss.join('; ');
  switch (path) {
    case 'nothing':
      if (state.master && state.state === 'degraded')
        return 'all is well but for a host that a run left out: redis-runbook rejoin';
      return state.state === 'healthy' ? 'the fleet is healthy' : state.why;
    case 'failover':
      return `${target} runs, and every sentinel that runs answers and agrees`;
    case 'sentinels-only':
      return `replication is sound; ${amiss}`;
    case 'live':
      if (state.master && target !== state.master.node)
        return `${state.master.node} serves, and ${target} ${target === verdict.winner ? 'holds data that it never got' : 'is to be master'}`;
      return state.master
        ? `${state.master.node} serves; ${amiss}${returning(group, state.master)}`
        : `${target} runs, and Sentinel cannot promote it safely: ${ruledOut.find((each) => each.path === 'failover')?.why}`;
    case 'cold':
      if (state.running.length === 0) return 'no Redis answers: the freshest data is only in files';
      if (state.master && heldBeyond({ group, state, verdict }).length > 0)
        return beyondSays({ group, state, verdict });
      if (verdict.winner === undefined) return 'no node is proved to be the freshest, so all of them are kept first';
      return `the freshest data is only in the files of ${verdict.winner}, which does not run`;
  }
}

/** Data that the serving master never got: whatever follows it, or is demoted by a sentinel, throws that data away. */
function heldBeyond({ group, state, verdict }: Pick<Sighted, 'group' | 'state' | 'verdict'>): readonly string[] {
  return state.master ? beyondMaster(group, state.master, verdict).map(({ node }) => node) : [];
}

function beyondSays(scene: Pick<Sighted, 'group' | 'state' | 'verdict'>): string {
  const nodes = heldBeyond(scene);
  const { winner } = scene.verdict;
  const serves = scene.state.master?.node;
  if (winner !== undefined && winner !== serves)
    return `${serves} serves, and ${winner} holds data that it never got, in files only`;
  return `${listOf(nodes)} ${nodes.length === 1 ? 'holds' : 'hold'} data that ${serves}, which serves, never got: all of it is kept first`;
}

/** Nodes that are off and would find the master by themselves, were they started. */
function returning(group: GroupSurvey, master: RedisSurvey): string {
  const off = notFollowing(group, master);
  const returns = off.filter((node) => followsByFile(node, master)).map((node) => node.node);
  return off.length > 0 && returns.length === off.length
    ? `; started as it is, ${listOf(returns)} would follow ${master.node} again by its own file`
    : '';
}

function notFollowing(group: GroupSurvey, master: RedisSurvey): readonly RedisSurvey[] {
  return group.redis.filter((node) => node !== master && !isLinked(node, master));
}

function isLinked(node: RedisSurvey, master: RedisSurvey): boolean {
  const running = known(node.running);
  return running?.masterLinkUp === true && running.masterAddress === addressOf(master);
}

function followsByFile(node: RedisSurvey, master: RedisSurvey): boolean {
  const of = known(node.config)?.replicaOf;
  return (
    node.process.ok && node.process.value === null && of !== undefined && `${of.host}:${of.port}` === addressOf(master)
  );
}

/** Running nodes whose files would give them another role at the next start than the one that they have. */
function otherwiseByFile(group: GroupSurvey): readonly string[] {
  return group.redis.flatMap((node) => {
    const running = known(node.running);
    const config = known(node.config);
    if (!running || !config) return [];
    const of = config.replicaOf && `${config.replicaOf.host}:${config.replicaOf.port}`;
    return of === (running.role === 'master' ? undefined : running.masterAddress) ? [] : [node.node];
  });
}

/** Why a path may not be taken; undefined when it may. */
function whyNot(path: Path, scene: Sighted): string | undefined {
  const { state, verdict, target } = scene;
  const { master } = state;
  const none = state.running.length === 0;
  switch (path) {
    case 'nothing':
      if (master && target !== undefined && target !== master.node) return `${target} is to be master`;
      if (state.state === 'healthy' || state.state === 'sentinel-at-work') return undefined;
      if (master && state.amissElsewhere.length === 0) return undefined;
      return master ? state.amiss.join('; ') : state.why;
    case 'failover':
      if (none) return 'no Redis answers: there is nothing that Sentinel could promote';
      if (master) return `${master.node} is master and serves`;
      if (!state.running.some((node) => node.node === target)) return notRunning(verdict, target);
      return whyNoFailover(scene);
    case 'sentinels-only':
      return none ? 'no Redis answers' : whyNotSentinelsOnly(scene);
    case 'live':
      if (none) return 'no Redis answers';
      if (!state.running.some((node) => node.node === target)) return notRunning(verdict, target);
      // Named by the operator, or the freshest itself: then what is given up for it was asked for.
      return !scene.named && target === state.master?.node && heldBeyond(scene).length > 0
        ? beyondSays(scene)
        : undefined;
    case 'cold':
      return undefined;
  }
}

function whyNoFailover({ group, state, verdict, target, off, named }: Sighted): string | undefined {
  const forced = forcedFailover(group, state, verdict, off);
  if ('why' in forced) return forced.why;
  const chooses = named ? forced.among.find((node) => node !== target) : undefined;
  return chooses === undefined ? undefined : `Sentinel would choose ${chooses}, not ${target}`;
}

function notRunning(verdict: Verdict, target: string | undefined): string {
  if (target === undefined) return 'no node is proved to be the freshest';
  return target === verdict.winner ? 'the freshest data is not in a running node' : `${target} does not run`;
}

function whyNotSentinelsOnly(scene: Sighted): string | undefined {
  const { group, target } = scene;
  const { master } = scene.state;
  if (!master) return 'replication itself is not sound: no node serves as the one master';
  if (target !== master.node) return `it keeps ${master.node} as master, and ${target} is to be master`;
  if (heldBeyond(scene).length > 0) return beyondSays(scene);
  const off = notFollowing(group, master).map((node) => node.node);
  if (off.length > 0)
    return `replication itself is not sound: ${listOf(off)} ${off.length === 1 ? 'does' : 'do'} not follow ${master.node}`;
  const drifted = otherwiseByFile(group);
  if (drifted.length === 0) return undefined;
  return `${listOf(drifted)} would have another role after a restart: the file says so`;
}
