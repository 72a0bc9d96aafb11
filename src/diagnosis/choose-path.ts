import type { Path, PathChoice } from '../model/diagnosis.js';
import { known } from '../model/seen.js';
import type { GroupSurvey } from '../model/survey.js';
import type { State } from './state.js';

const gentlestFirst: readonly Path[] = ['nothing', 'failover', 'sentinels-only', 'live', 'cold'];

/** The gentlest path that is safe, and why each gentler one is not. */
export function choosePath(group: GroupSurvey, state: State, winner: string | undefined): PathChoice {
  const { path, why } = recommend(group, state, winner);
  const ruledOut = gentlestFirst
    .slice(0, gentlestFirst.indexOf(path))
    .map((gentler) => ({ path: gentler, why: whyNot(gentler, group, state) }));
  return { recommended: path, why, ruledOut };
}

function recommend(group: GroupSurvey, state: State, winner: string | undefined): { path: Path; why: string } {
  if (state.state === 'healthy') return { path: 'nothing', why: 'the fleet is healthy' };
  if (state.state === 'sentinel-at-work') return { path: 'nothing', why: state.why };
  if (state.running.length === 0) return { path: 'cold', why: 'no Redis runs: the freshest data is only in files' };
  if (state.master) return withMaster(group, state);
  const running = state.running.some((node) => node.node === winner);
  if (!running) return { path: 'cold', why: 'the freshest data is only in the files of a node that does not run' };
  return sentinelsAllAgree(group)
    ? { path: 'failover', why: `${winner} runs, and every sentinel answers and agrees` }
    : { path: 'live', why: `${winner} runs, and Sentinel cannot promote it safely` };
}

function withMaster(group: GroupSurvey, state: State): { path: Path; why: string } {
  const followers = group.redis.filter((node) => node !== state.master);
  const linked = followers.every((node) => known(node.running)?.masterLinkUp === true);
  return linked
    ? { path: 'sentinels-only', why: `replication is sound; ${state.amiss[0] ?? 'the sentinels are not'}` }
    : { path: 'live', why: `${state.master?.node} serves; ${state.amiss[0] ?? 'a replica is not linked'}` };
}

function sentinelsAllAgree(group: GroupSurvey): boolean {
  const views = group.sentinels.map((sentinel) => known(sentinel.view));
  const first = views[0];
  return views.every(
    (view) => view !== undefined && view.master === first?.master && view.configEpoch === first.configEpoch,
  );
}

function whyNot(path: Path, group: GroupSurvey, state: State): string {
  const answering = group.sentinels.filter((sentinel) => sentinel.view.ok).length;
  switch (path) {
    case 'nothing':
      return state.why;
    case 'failover':
      if (state.running.length === 0) return 'no Redis runs: there is nothing that Sentinel could promote';
      if (state.master) return `${state.master.node} is master and serves`;
      return `${answering} of ${group.sentinels.length} sentinels answer, and one that is only out of reach may elect another`;
    case 'sentinels-only':
      return state.running.length === 0 ? 'no Redis runs' : 'replication itself is not sound';
    case 'live':
      return state.running.length === 0 ? 'no Redis runs' : 'the freshest data is not in a running node';
    case 'cold':
      return 'it stops a service that runs';
  }
}
