import { known } from '../model/seen.js';
import type { GroupSurvey, RedisSurvey, SentinelSurvey, SentinelView } from '../model/survey.js';
import { isChoosable } from '../redis/sentinel-answers.js';
import { listOf } from './names.js';
import { givenBy, twinsOf } from './sentinels.js';
import { addressOf, type State } from './state.js';
import type { Verdict } from './verdict.js';

/** What `SENTINEL FAILOVER` would do: which sentinel is asked, who is master for it now, whom it would choose. */
export interface Forced {
  readonly sentinel: string;
  /** The address that all sentinels name now. */
  readonly was: string;
  readonly chosen: string;
  /** Running nodes that it may choose instead and lose nothing: their data is the same. */
  readonly among: readonly string[];
}

interface Asked {
  readonly sentinel: SentinelSurvey;
  readonly view: SentinelView;
}

const fresh: ReadonlySet<string> = new Set(['freshest', 'same-as-freshest']);

/**
 * Whether one `SENTINEL FAILOVER` is safe, and what it would do, or why not. It skips the election
 * (sentinel.c:sentinelFailoverWaitStart), so every sentinel has to answer and agree, or to be proved not to run: its host
 * answered without a sentinel process, or the operator has seen that the host is off (`off`). One that is only out of
 * reach may elect another node at the same epoch, and then both masters are demoted (seen on 7.0.15). Whom it chooses is
 * decided by priority, then by bare offset, with no look at histories (sentinel.c:sentinelSelectSlave).
 */
export function forcedFailover(
  group: GroupSurvey,
  state: State,
  verdict: Verdict,
  off: ReadonlySet<string>,
): Forced | { readonly why: string } {
  const silent = group.sentinels.filter((each) => !each.view.ok && !isOff(each, off)).map(({ node }) => node);
  const answering = group.sentinels.flatMap((sentinel): Asked[] => {
    const view = known(sentinel.view);
    return view ? [{ sentinel, view }] : [];
  });
  if (silent.length > 0)
    return {
      why: `${answering.length} of ${group.sentinels.length} sentinels answer, and ${listOf(silent)}, only out of reach, may elect another`,
    };
  const [first] = answering;
  if (!first) return { why: 'no sentinel runs that could be asked' };
  if (twinsOf(group).size > 0) return { why: 'two sentinels have the same id, and count as one vote' };
  const agree = answering.every(
    ({ view }) => givenBy(view) === givenBy(first.view) && view.configEpoch === first.view.configEpoch,
  );
  if (!agree) return { why: 'the sentinels do not agree on master and epoch' };
  const asked =
    answering.find(({ view }) => !view.flags.includes('failover_in_progress')) ??
    answering.find(({ view }) => view.failoverState === 'wait_start');
  if (!asked) return { why: 'each sentinel that answers is failing over already' };
  return choiceOf(asked, group, state, verdict);
}

function isOff({ process, host }: SentinelSurvey, off: ReadonlySet<string>): boolean {
  return (process.ok && process.value === null) || off.has(host);
}

function choiceOf(
  { sentinel, view }: Asked,
  group: GroupSurvey,
  { running }: State,
  verdict: Verdict,
): Forced | { readonly why: string } {
  const rows = view.replicas.filter(isChoosable);
  const strangers = rows.filter((row) => !group.redis.some((node) => addressOf(node) === row.address));
  if (strangers.length > 0)
    return {
      why: `it could choose ${listOf(strangers.map(({ address }) => address))}, which fleet.yaml does not know`,
    };
  const order = orderOf(rows, running);
  const [best] = order;
  if (!best) return { why: `${sentinel.node} sees no replica that it could choose` };
  const isFresh = (node: string): boolean =>
    verdict.candidates.some((candidate) => candidate.node === node && fresh.has(candidate.verdict));
  if (!isFresh(best.node)) return { why: `it would choose ${best.node}, which is not the freshest` };
  const same = order.filter(({ priority, offset }) => priority === best.priority && offset === best.offset);
  const worse = same.find(({ node }) => !isFresh(node));
  if (worse) return { why: `it could choose ${worse.node} as well, which is not the freshest` };
  const emptied = emptiedOf(
    same,
    running.filter(({ node }) => isFresh(node)),
  );
  if (emptied) return { why: emptied };
  return { sentinel: sentinel.node, was: view.master, chosen: best.node, among: same.map(({ node }) => node) };
}

/** Sentinel sees offsets alone; what a replica lost by its own hands is in none (seen on 7.0.15). */
function emptiedOf(same: readonly Choosable[], equals: readonly RedisSurvey[]): string | undefined {
  const keys = equals.flatMap(({ node, running: seen }) => {
    const says = known(seen);
    return says === undefined ? [] : [{ node, keys: says.keys }];
  });
  for (const { node } of same) {
    const own = keys.find((each) => each.node === node)?.keys ?? 0n;
    const larger = keys.find((each) => each.keys > own * 2n);
    if (larger) return `it could choose ${node}, which holds ${own} keys where ${larger.node} holds ${larger.keys}`;
  }
  return undefined;
}

interface Choosable {
  readonly node: string;
  readonly priority: number;
  readonly offset: bigint;
  readonly runId: string;
}

/** Replicas in the order of sentinel.c:compareSlavesForPromotion: priority, then the bare offset, then the run id. */
export function orderOf(rows: SentinelView['replicas'], running: readonly RedisSurvey[]): readonly Choosable[] {
  return rows
    .flatMap((row): Choosable[] => {
      const node = running.find((each) => addressOf(each) === row.address);
      const says = known(node?.running);
      if (node === undefined || says === undefined) return [];
      return [{ node: node.node, priority: row.priority, offset: says.offset, runId: says.runId }];
    })
    .sort((a, b) => a.priority - b.priority || byOffset(a, b) || (a.runId < b.runId ? -1 : 1));
}

function byOffset(a: Choosable, b: Choosable): number {
  return a.offset === b.offset ? 0 : a.offset < b.offset ? 1 : -1;
}

/**
 * Why waiting for Sentinel would lose data, where it is about to elect by itself: it looks at running nodes alone, and the
 * one that it would choose is behind the winner by a number of bytes that is known. Undefined while nothing of the kind is proved.
 */
export function electsOneBehind(group: GroupSurvey, state: State, verdict: Verdict): string | undefined {
  const views = group.sentinels.flatMap((sentinel) => known(sentinel.view) ?? []);
  const busy = views.some(({ flags }) => flags.includes('failover_in_progress'));
  const [view] = views;
  if (state.state !== 'sentinel-at-work' || state.master || busy || !view) return undefined;
  const [chosen] = orderOf(view.replicas.filter(isChoosable), state.running);
  const best = verdict.winner ?? verdict.favourite;
  if (chosen === undefined || best === undefined || chosen.node === best) return undefined;
  const relation = verdict.candidates.find(({ node }) => node === chosen.node)?.versus[best];
  const bytes = relation?.kind === 'contained' ? (relation.lagBytes ?? 0n) : 0n;
  if (bytes === 0n) return undefined;
  const holds = verdict.winner === undefined ? 'says that it holds' : 'holds';
  return `Sentinel is about to make ${chosen.node} master, which lacks ${bytes} bytes that ${best} ${holds}`;
}
