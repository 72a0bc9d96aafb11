import type { Diagnosis } from '../model/diagnosis.js';
import { known } from '../model/seen.js';
import type { GroupSurvey } from '../model/survey.js';
import { earlierLife } from './earlier-life.js';
import type { Graph } from './graph.js';
import { floorOf, type Holding } from './holding.js';
import { listOf } from './names.js';
import { electedByMost, lastElected } from './sentinels.js';
import { ancestorsOf } from './shares.js';
import { addressOf } from './state.js';
import { tailSeconds } from './tail.js';

/** The nodes that may have been the last master and kept writes in memory only; empty: nothing of the kind is possible. */
export function losersOf(group: GroupSurvey, graph: Graph): readonly Loser[] {
  const elected = lastElected(group)?.address;
  const named = (holding: Holding): boolean =>
    elected === undefined ? !holding.redis.log.ok : addressOf(holding.redis) === elected;
  return lastMasters(group, graph).flatMap((holding): Loser[] => {
    if (mayHaveLost(holding, graph, named(holding))) return [{ holding }];
    const isOther = elected !== undefined && addressOf(holding.redis) !== elected;
    const earlier = isOther || writesAof(holding) ? undefined : earlierLife(holding, graph);
    return earlier === undefined ? [] : [{ holding, earlier }];
  });
}

/** A node that may have been the last master and kept writes in memory only; `earlier`: in a life before the one that its log tells of, and what shows it. */
export interface Loser {
  readonly holding: Holding;
  readonly earlier?: string;
}

/** It serves from an AOF, or would: what it wrote is in there. */
function writesAof({ source, redis }: Holding): boolean {
  if (source === 'running') return known(redis.running)?.aofEnabled === true;
  return source === 'aof' || source === 'unknown' || known(redis.config)?.appendonly === true;
}

/**
 * Writes that no file holds: a last master kept them in memory only (no AOF), and nothing in its log shows an orderly stop
 * that saved. The seconds are, at most, from a moment at which the winner's file is proved to be as new to the newest
 * trace of service, both on the last master's own clock; absent where no log tells.
 */
export function onNoDisk(
  losers: readonly Loser[],
  group: GroupSurvey,
  graph: Graph,
  winner: string | undefined,
): Diagnosis['onNoDisk'] {
  const [first] = losers;
  if (!first) return undefined;
  const file = graph.holdings.find((holding) => holding.node === winner && !holding.empty);
  const isLatest = losers.length === 1 && first.earlier === undefined;
  const seconds = isLatest ? secondsLost(first.holding, file, group, graph) : undefined;
  return {
    ...(seconds === undefined ? {} : { seconds }),
    ...(file === undefined || file.source === 'running' ? {} : { newestFile: file.node, ...savedAt(file) }),
    ...(losers.every((each) => each.earlier !== undefined) ? { earlier: true as const } : {}),
    why: losers.length === 1 ? (first.earlier ?? whyLost(first.holding, file)) : whyAnyLost(losers),
  };
}

function whyLost(last: Holding, best: Holding | undefined): string {
  const stop =
    known(last.redis.log) === undefined
      ? `the log of ${last.node} was not seen, so nothing shows an orderly stop`
      : `the log of ${last.node} shows no orderly stop that saved`;
  const only =
    best?.source === 'running'
      ? `what it had not yet passed on to ${best.node} was in memory only`
      : 'what came after the newest file was in memory only';
  return `${last.node} was the last master and wrote no AOF; ${stop}, so ${only}`;
}

function whyAnyLost(losers: readonly Loser[]): string {
  return `any of ${listOf(losers.map(({ holding }) => holding.node))} may have been the last master; none of them wrote an AOF or is known to have saved when it stopped`;
}

/**
 * Who may have served last: the node that most of the sentinels elected, and the makers of histories that nobody is known
 * to have gone on from. Where the sentinels do not tell, any node.
 */
function lastMasters(group: GroupSurvey, graph: Graph): readonly Holding[] {
  const elected = electedByMost(group);
  const parents = new Set(graph.edges.filter((edge) => edge.how !== 'restart').map((edge) => edge.parent));
  return graph.holdings.filter((holding) => {
    if (addressOf(holding.redis) === elected) return true;
    const last = holding.timeline.spans.findLast((span) => span.id !== undefined);
    if (last?.id !== undefined && last.as === 'origin' && !parents.has(last.id)) return true;
    return elected === undefined;
  });
}

function mayHaveLost(holding: Holding, graph: Graph, elected: boolean): boolean {
  if (holding.source === 'running') return diedWithHistory(holding, graph) || restartedWithLoss(holding, elected);
  if (holding.source === 'aof' || holding.source === 'unknown') return false;
  if (known(holding.redis.config)?.appendonly === true) return holding.source === 'nothing';
  const { served, lastLife, bootUnsaved, spans } = holding.timeline;
  // Elected, and in all of its log a replica: what it did as master is not in the log that is left.
  if (elected && lastLife?.exitRole !== 'M' && !spans.some((span) => span.as === 'origin')) return true;
  if (diedWithHistory(holding, graph)) return true;
  if ((served ?? lastLife)?.finalSave !== true || bootUnsaved || holding.source === 'nothing') return true;
  if (holding.timeline.bootedSince > 0 && lastLife?.finalSave !== true) return true;
  const rdb = known(holding.redis.rdb);
  if (rdb?.replid === undefined || rdb.offset === undefined) return false;
  const floor = floorOf(
    {
      redis: holding.redis,
      timeline: holding.timeline,
      timelines: graph.holdings.map((each) => each.timeline),
      group: graph.holdings.map((each) => each.redis),
    },
    rdb.replid,
  );
  return rdb.offset < floor;
}

/** A history that it made ended with an unsaved life, and no log shows that anybody went on from it. */
function diedWithHistory(holding: Holding, graph: Graph): boolean {
  const goneOnFrom = new Set(graph.edges.filter((edge) => edge.how !== 'restart').map((edge) => edge.parent));
  return [...holding.timeline.unsaved].some((id) => !goneOnFrom.has(id));
}

/** The elected one runs again, and its log does not show that it came back from a file that an orderly stop saved. */
function restartedWithLoss(holding: Holding, elected: boolean): boolean {
  if (known(holding.redis.running)?.aofEnabled) return false;
  const { spans, bootedSince, bootUnsaved, served } = holding.timeline;
  if (!spans.some((span) => span.as === 'origin')) return elected;
  return elected && bootedSince > 0 && (bootUnsaved || served?.finalSave !== true);
}

/** A file that a later boot saved again holds older data than its header's time says. */
function savedAt(file: Holding): { savedAt?: string } {
  const seconds = known(file.redis.rdb)?.ctimeSeconds;
  return seconds === undefined || file.timeline.bootedSince > 0
    ? {}
    : { savedAt: new Date(seconds * 1000).toISOString() };
}

function secondsLost(last: Holding, file: Holding | undefined, group: GroupSurvey, graph: Graph): number | undefined {
  // While it followed, it was behind by no more than a replica can be before its master drops it.
  if (known(file?.redis.running)?.masterAddress === addressOf(last.redis)) return tailSeconds(last);
  const until = newestTrace(last, group);
  const since = asNewAs(last, file, graph);
  if (until === undefined || since === undefined) return undefined;
  return Math.max(1, Math.ceil((until - since) / 1000));
}

/** The latest moment at which the last master is proved to have held no more than the file does, on its own clock. */
function asNewAs(last: Holding, file: Holding | undefined, graph: Graph): number | undefined {
  const { served, marks } = last.timeline;
  if (file === last) return served?.savedMs ?? served?.startedMs;
  const end = file?.end;
  if (!end) return served?.startedMs;
  const within = ancestorsOf(end.replid, graph);
  const older = marks.filter(({ id, offset }) => {
    const share = id === end.replid ? end.offset : within.get(id)?.low;
    return share !== undefined && offset <= share;
  });
  return older.at(-1)?.ms;
}

/** The newest line on the host of the last master: its own log, or the sentinel's beside it, which share a clock. */
function newestTrace(last: Holding, group: GroupSurvey): number | undefined {
  const own = last.timeline.served?.lastMs;
  if (last.timeline.bootedSince > 0) return own;
  const beside = group.sentinels
    .filter((sentinel) => sentinel.host === last.redis.host)
    .flatMap((sentinel) => known(sentinel.log)?.at(-1)?.at.localMs ?? []);
  return own === undefined ? undefined : Math.max(own, ...beside);
}
