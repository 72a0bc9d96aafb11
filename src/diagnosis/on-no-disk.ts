import type { Diagnosis } from '../model/diagnosis.js';
import { known } from '../model/seen.js';
import type { GroupSurvey } from '../model/survey.js';
import type { Graph, Holding } from './holding.js';
import { lastElected } from './sentinels.js';
import { addressOf } from './state.js';

/**
 * Whether writes existed that no file holds: the last master kept them in memory only (no AOF), and nothing in its log
 * shows an orderly stop. The seconds are from its newest save, or from when it entered the history that the winner's
 * file ends in, to its newest trace of service, all on its own clock.
 */
export function onNoDisk(group: GroupSurvey, graph: Graph, winner: string | undefined): Diagnosis['onNoDisk'] {
  const last = lastMaster(group, graph);
  if (!last || last.source === 'running' || last.source === 'aof' || last.source === 'unknown') return undefined;
  if (last.timeline.served?.clean) return undefined;
  const file = graph.holdings.find((holding) => holding.node === winner && !holding.empty);
  const seconds = secondsLost(last, file, group);
  const log =
    last.timeline.served === undefined
      ? `the log of ${last.node} is not there to show an orderly stop`
      : `the log of ${last.node} shows no orderly stop`;
  return {
    ...(seconds === undefined ? {} : { seconds }),
    ...(file === undefined ? {} : { newestFile: file.node, ...savedAt(file) }),
    why: `${last.node} was the last master and wrote no AOF; ${log}, so what came after the newest file was in memory only`,
  };
}

/** The node that the sentinels elected last; without an answer, where the youngest known history was born. */
export function lastMaster(group: GroupSurvey, graph: Graph): Holding | undefined {
  const elected = lastElected(group)?.address;
  const byVote = graph.holdings.find((holding) => addressOf(holding.redis) === elected);
  if (byVote) return byVote;
  const parents = new Set(graph.edges.map((edge) => edge.parent));
  return graph.holdings.find((holding) =>
    holding.timeline.spans.some((span) => span.as === 'origin' && span.id !== undefined && !parents.has(span.id)),
  );
}

function savedAt(file: Holding): { savedAt?: string } {
  const seconds = known(file.redis.rdb)?.ctimeSeconds;
  return seconds === undefined ? {} : { savedAt: new Date(seconds * 1000).toISOString() };
}

function secondsLost(last: Holding, file: Holding | undefined, group: GroupSurvey): number | undefined {
  const served = last.timeline.served;
  const until = newestTrace(last, group);
  const joined = last.timeline.spans.find((span) => span.id !== undefined && span.id === file?.end?.replid)?.beganMs;
  const since = file === last ? (served?.savedMs ?? served?.startedMs) : (joined ?? served?.startedMs);
  if (until === undefined || since === undefined) return undefined;
  return Math.max(1, Math.ceil((until - since) / 1000));
}

/** The newest line on the host of the last master: its own log, or the sentinel's beside it, which share a clock. */
function newestTrace(last: Holding, group: GroupSurvey): number | undefined {
  const own = last.timeline.served?.lastMs;
  if (last.bootedSince) return own;
  const beside = group.sentinels
    .filter((sentinel) => sentinel.host === last.redis.host)
    .flatMap((sentinel) => known(sentinel.log)?.at(-1)?.at.localMs ?? []);
  return own === undefined ? undefined : Math.max(own, ...beside);
}
