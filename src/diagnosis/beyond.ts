import { known } from '../model/seen.js';
import type { GroupSurvey, RedisSurvey } from '../model/survey.js';
import { addressOf } from './state.js';
import type { Verdict } from './verdict.js';

/** A node whose data the serving master does not hold all of, and how it stands to it. */
export interface Beyond {
  readonly node: string;
  readonly why: string;
}

/**
 * Nodes that are not linked to the serving master and hold what it never got, or may: whoever of them starts as its
 * replica, or is demoted by a sentinel, throws that away. A node whose data is not known is a finding of its own.
 */
export function beyondMaster(
  group: GroupSurvey,
  master: RedisSurvey,
  { candidates }: Pick<Verdict, 'candidates'>,
): readonly Beyond[] {
  const versus = candidates.find((each) => each.node === master.node)?.versus ?? {};
  return group.redis.flatMap((node) => {
    const relation = versus[node.node];
    const isKnown = candidates.some((each) => each.node === node.node && each.source !== 'unknown');
    if (relation === undefined || !isKnown || isFed(node, master)) return [];
    const isBeyond = ['contained', 'forked', 'incomparable'].includes(relation.kind);
    return isBeyond ? [{ node: node.node, why: relation.why }] : [];
  });
}

/** It follows the master already, or its data is about to be replaced, or cannot be judged while it loads. */
function isFed(node: RedisSurvey, master: RedisSurvey): boolean {
  const running = known(node.running);
  if (running === undefined) return false;
  if (running.loading || running.syncInProgress) return true;
  return running.masterLinkUp === true && running.masterAddress === addressOf(master);
}
