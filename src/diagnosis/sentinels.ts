import { known } from '../model/seen.js';
import type { GroupSurvey, SentinelSurvey, SentinelView } from '../model/survey.js';

/** What one sentinel, live or by its file, says: who is master, since which epoch. */
export interface Vote {
  readonly sentinel: string;
  readonly master: string;
  readonly configEpoch: bigint;
  readonly live: boolean;
}

/**
 * The master that a sentinel gives to whoever asks, and tells the others: the promoted node once its failover turns the
 * replicas to it, while its row still names the old one (sentinel.c:sentinelGetCurrentMasterAddress).
 */
export function givenBy(view: SentinelView): string {
  const isThatFar = view.failoverState === 'reconf_slaves' || view.failoverState === 'update_config';
  const promoted = isThatFar ? view.replicas.find(({ flags }) => flags.includes('promoted')) : undefined;
  return promoted?.address ?? view.master;
}

/** A live answer is worth more than the file, which can be stale (a failing save is only a log line). */
export function votesOf(group: GroupSurvey): readonly Vote[] {
  return group.sentinels.flatMap((sentinel): Vote[] => {
    const view = known(sentinel.view);
    if (view) return [{ sentinel: sentinel.node, master: givenBy(view), configEpoch: view.configEpoch, live: true }];
    const file = known(sentinel.file);
    if (file) return [{ sentinel: sentinel.node, master: file.master, configEpoch: file.configEpoch, live: false }];
    return [];
  });
}

/**
 * The master that the sentinels elected last: the address with the highest config-epoch, undefined when two addresses
 * share it (equal epochs never converge: sentinel.c:sentinelProcessHelloMessage). A witness, never a proof of data.
 */
export function lastElected(
  group: GroupSurvey,
): { readonly address: string; readonly votes: readonly Vote[] } | undefined {
  const votes = votesOf(group);
  const highest = votes.reduce((max, vote) => (vote.configEpoch > max ? vote.configEpoch : max), -1n);
  const top = votes.filter((vote) => vote.configEpoch === highest);
  const first = top[0];
  if (!first || top.some((vote) => vote.master !== first.master)) return undefined;
  return { address: first.master, votes: top };
}

/** The address that was elected last when a majority of all sentinels says so at the highest epoch; else undefined. */
export function electedByMost(group: GroupSurvey): string | undefined {
  const elected = lastElected(group);
  return elected && elected.votes.length > group.sentinels.length / 2 ? elected.address : undefined;
}

/** The id of a sentinel: what it answers, else what its file says; undefined where neither was seen, or before 3.2. */
export function idOf(sentinel: SentinelSurvey): string | undefined {
  const running = known(sentinel.running)?.myid;
  return running === undefined || running === '' ? known(sentinel.file)?.myid : running;
}

/**
 * Sentinels that have one id, by that id. They drop each other's hellos and count as one vote
 * (sentinel.c:sentinelReceiveHelloMessages; seen on 7.0.15).
 */
export function twinsOf(group: GroupSurvey): ReadonlyMap<string, readonly string[]> {
  const byId = new Map<string, string[]>();
  for (const sentinel of group.sentinels) {
    const id = idOf(sentinel);
    if (id !== undefined) byId.set(id, [...(byId.get(id) ?? []), sentinel.node]);
  }
  return new Map([...byId].filter(([, nodes]) => nodes.length > 1));
}

export interface Epochs {
  readonly highestEpoch: bigint;
  readonly nextEpoch: bigint;
  readonly from: string;
}

/** A margin over what an unreachable sentinel may have counted alone: one epoch per failed attempt, never a config-epoch. */
const UNSEEN_MARGIN = 1000n;

/** 1 + the highest epoch seen in any place for any master; a margin on top while a sentinel is out of reach. */
export function epochsOf(group: GroupSurvey): Epochs {
  let highest = { epoch: -1n, from: 'no epoch was seen' };
  for (const sentinel of group.sentinels)
    for (const seen of epochsSeenBy(sentinel)) if (seen.epoch > highest.epoch) highest = seen;
  const epoch = highest.epoch < 0n ? 0n : highest.epoch;
  return {
    highestEpoch: epoch,
    nextEpoch: epoch + 1n + (group.sentinels.some(isOutOfReach) ? UNSEEN_MARGIN : 0n),
    from: highest.from,
  };
}

/** Neither it nor its file was seen, or it runs and does not answer: it may count on by itself. */
function isOutOfReach(sentinel: SentinelSurvey): boolean {
  if (sentinel.view.ok) return false;
  const runs = !sentinel.process.ok || sentinel.process.value !== null;
  return runs || (!sentinel.file.ok && sentinel.file.why !== 'absent');
}

function epochsSeenBy(sentinel: SentinelSurvey): readonly { epoch: bigint; from: string }[] {
  const seen: { epoch: bigint; from: string }[] = [];
  const view = known(sentinel.view);
  if (view) seen.push({ epoch: view.configEpoch, from: `${sentinel.node} SENTINEL MASTER` });
  const current = known(sentinel.running)?.currentEpoch;
  if (current !== undefined) seen.push({ epoch: current, from: `${sentinel.node} INFO` });
  for (const line of known(sentinel.file)?.lines ?? []) {
    const [sub, ...rest] = line.args;
    const word = sub?.toLowerCase();
    const value =
      word === 'current-epoch' ? rest[0] : word === 'config-epoch' || word === 'leader-epoch' ? rest[1] : '';
    if (line.name === 'sentinel' && value && /^\d+$/.test(value))
      seen.push({ epoch: BigInt(value), from: `${line.file}:${line.line}` });
  }
  const file = known(sentinel.file);
  for (const epoch of file ? [file.configEpoch, file.currentEpoch, file.leaderEpoch] : [])
    seen.push({ epoch, from: file?.path ?? '' });
  for (const event of known(sentinel.log) ?? [])
    if (event.kind === 'new-epoch' || event.kind === 'voted')
      seen.push({ epoch: event.epoch, from: `${event.at.file}:${event.at.line}` });
  return seen;
}
