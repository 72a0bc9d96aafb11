import type { Path, PathChoice } from '../model/diagnosis.js';
import { known } from '../model/seen.js';
import type { GroupSurvey, RedisSurvey } from '../model/survey.js';
import { beyondMaster } from './beyond.js';
import { listOf } from './names.js';
import { addressOf, type State } from './state.js';
import type { Verdict } from './verdict.js';

const gentlestFirst: readonly Path[] = ['nothing', 'failover', 'sentinels-only', 'live', 'cold'];

/** The gentlest path that is safe, and why each gentler one is not. */
export function choosePath(group: GroupSurvey, state: State, verdict: Verdict): PathChoice {
  const { path, why } = recommend(group, state, verdict);
  const ruledOut = gentlestFirst
    .slice(0, gentlestFirst.indexOf(path))
    .map((gentler) => ({ path: gentler, why: whyNot(gentler, group, state, verdict) }));
  return { recommended: path, why, ruledOut };
}

interface Recommended {
  readonly path: Path;
  readonly why: string;
}

function recommend(group: GroupSurvey, state: State, verdict: Verdict): Recommended {
  if (state.state === 'healthy') return { path: 'nothing', why: 'the fleet is healthy' };
  if (state.state === 'sentinel-at-work') return { path: 'nothing', why: state.why };
  if (state.running.length === 0) return { path: 'cold', why: 'no Redis answers: the freshest data is only in files' };
  if (state.master && state.amissElsewhere.length === 0)
    return { path: 'nothing', why: 'all is well but for a host that a run left out: redis-runbook rejoin' };
  if (state.master) return withBeyond(group, state, state.master, verdict) ?? withMaster(group, state, state.master);
  const { winner } = verdict;
  if (winner === undefined)
    return { path: 'cold', why: 'no node is proved to be the freshest, so all of them are kept first' };
  if (!state.running.some((node) => node.node === winner))
    return { path: 'cold', why: `the freshest data is only in the files of ${winner}, which does not run` };
  const hindered = whyNoFailover(group, state, verdict);
  if (hindered !== undefined)
    return { path: 'live', why: `${winner} runs, and Sentinel cannot promote it safely: ${hindered}` };
  return { path: 'failover', why: `${winner} runs, and every sentinel answers and agrees` };
}

/** Data that the serving master never got: whatever follows it, or is demoted by a sentinel, throws that data away. */
function withBeyond(group: GroupSurvey, state: State, master: RedisSurvey, verdict: Verdict): Recommended | undefined {
  const beyond = beyondMaster(group, master, verdict);
  if (beyond.length === 0) return undefined;
  const names = listOf(beyond.map((each) => each.node));
  const { winner } = verdict;
  if (winner === undefined || winner === master.node)
    return {
      path: 'cold',
      why: `${names} ${beyond.length === 1 ? 'holds' : 'hold'} data that ${master.node}, which serves, never got: all of it is kept first`,
    };
  const runs = state.running.some((node) => node.node === winner);
  return {
    path: runs ? 'live' : 'cold',
    why: `${master.node} serves, and ${winner} holds data that it never got${runs ? '' : ', in files only'}`,
  };
}

function withMaster(group: GroupSurvey, state: State, master: RedisSurvey): Recommended {
  const amiss = state.amiss.join('; ');
  const off = group.redis.filter((node) => node !== master && !isLinked(node, master));
  if (off.length === 0) return { path: 'sentinels-only', why: `replication is sound; ${amiss}` };
  const returns = off.filter((node) => followsByFile(node, master)).map((node) => node.node);
  const alone =
    returns.length === off.length
      ? `; started as it is, ${listOf(returns)} would follow ${master.node} again by its own file`
      : '';
  return { path: 'live', why: `${master.node} serves; ${amiss}${alone}` };
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

/**
 * Why `SENTINEL FAILOVER` is not safe here; undefined when it is. Sentinel chooses by priority, then by bare offset
 * (sentinel.c:sentinelSelectSlave), so every running node has to be as fresh as the best.
 */
function whyNoFailover(group: GroupSurvey, state: State, verdict: Verdict): string | undefined {
  const views = group.sentinels.map((sentinel) => known(sentinel.view));
  const answering = views.filter((view) => view !== undefined);
  if (answering.length < views.length)
    return `${answering.length} of ${views.length} sentinels answer, and one that is only out of reach may elect another`;
  const first = answering[0];
  if (!answering.every((view) => view.master === first?.master && view.configEpoch === first.configEpoch))
    return 'the sentinels do not agree on master and epoch';
  const fresh = ['freshest', 'same-as-freshest'];
  const worse = verdict.candidates.filter(
    (each) => state.running.some((node) => node.node === each.node) && !fresh.includes(each.verdict),
  );
  return worse.length === 0 ? undefined : `it could choose ${listOf(worse.map((each) => each.node))} as well`;
}

function whyNot(path: Path, group: GroupSurvey, state: State, verdict: Verdict): string {
  const { master } = state;
  const none = state.running.length === 0;
  switch (path) {
    case 'nothing':
      return master ? state.amiss.join('; ') : state.why;
    case 'failover':
      if (none) return 'no Redis answers: there is nothing that Sentinel could promote';
      if (master) return `${master.node} is master and serves`;
      return whyNoFailover(group, state, verdict) ?? 'the freshest data is not in a running node';
    case 'sentinels-only':
      return none ? 'no Redis answers' : 'replication itself is not sound';
    case 'live':
      return none ? 'no Redis answers' : 'the freshest data is not in a running node';
    case 'cold':
      return 'it stops a service that runs';
  }
}
