import type { Diagnosis } from '../../src/model/diagnosis.js';
import { known } from '../../src/model/seen.js';
import type { GroupSurvey, RedisSurvey, Survey } from '../../src/model/survey.js';
import type { Fleet, Node, Writes } from './fleet.js';
import { truthOf } from './survey-of.js';

/** Everything that the verdict on a survey says and the truth denies; empty when it is right or says nothing. */
export function untruths(fleet: Fleet, diagnosis: Diagnosis, survey: Survey): readonly string[] {
  const truths = new Map(fleet.nodes.map((node) => [node.name, truthOf(node)]));
  const of = (name: string): Writes => truths.get(name) ?? new Set();
  return [
    ...relationsDenied(diagnosis, of),
    ...winnerDenied(diagnosis, of),
    ...lossDenied(fleet, diagnosis, survey, of),
  ];
}

function within(part: Writes, whole: Writes): boolean {
  return [...part].every((number) => whole.has(number));
}

function relationsDenied(diagnosis: Diagnosis, of: (name: string) => Writes): string[] {
  return diagnosis.candidates.flatMap((candidate) =>
    Object.entries(candidate.versus).flatMap(([name, relation]) => {
      const own = of(candidate.node);
      const other = of(name);
      const denied = {
        contains: !within(other, own),
        empty: !within(other, own),
        equal: !within(other, own) || !within(own, other),
        contained: !within(own, other),
        forked: within(other, own) || within(own, other),
        'possible-tail': false,
        incomparable: false,
      }[relation.kind];
      return denied ? [`${candidate.node} ${relation.kind} ${name}: ${relation.why}`] : [];
    }),
  );
}

function winnerDenied(diagnosis: Diagnosis, of: (name: string) => Writes): string[] {
  const { winner } = diagnosis;
  if (winner === undefined) return [];
  const tails = new Set(diagnosis.possibleTails.map((tail) => tail.node));
  return diagnosis.candidates.flatMap(({ node }) => {
    if (node === winner || tails.has(node) || within(of(node), of(winner))) return [];
    return [`${winner} wins over ${node}, which holds more`];
  });
}

/**
 * The last write of all, when the node elected last acknowledged it since its election, is on no disk. Not where nothing that is
 * left was of the life and the history that it was lost with: the same survey comes of a fleet that never had them.
 */
function lossDenied(fleet: Fleet, diagnosis: Diagnosis, survey: Survey, of: (name: string) => Writes): string[] {
  const last = fleet.elected;
  if (!last || last.aof || fleet.byHand || diagnosis.onNoDisk || diagnosis.state !== 'down') return [];
  const anywhere = new Set(fleet.nodes.flatMap((node) => [...of(node.name)]));
  const number = [...fleet.acknowledged].findLast(([, by]) => by === last)?.[0];
  const isLast = number !== undefined && number > fleet.electedAt && [...fleet.acknowledged].at(-1)?.[0] === number;
  return isLast && !anywhere.has(number) && hasTrace(fleet, number, last, survey)
    ? [`write ${number} of ${last.name} is on no disk, and the verdict does not say so`]
    : [];
}

/** Anything that is left tells of the life, or names the history, in which a write was taken. */
function hasTrace(fleet: Fleet, number: number, by: Node, survey: Survey): boolean {
  const taken = fleet.takenIn.get(number);
  if (taken === undefined) return true;
  const redis = Object.values(survey.groups).flatMap((group: GroupSurvey) => group.redis);
  return redis.some((node) => (node.node === by.name && hasLife(node, taken.life)) || namesHistory(node, taken.replid));
}

/** The model's servers have the number of their life as pid. */
function hasLife({ log }: RedisSurvey, life: number): boolean {
  return (known(log) ?? []).some(({ at }) => at.pid === life);
}

function namesHistory({ log, rdb, running }: RedisSurvey, replid: string): boolean {
  const events = JSON.stringify(known(log) ?? [], (_, value) => (typeof value === 'bigint' ? `${value}` : value));
  const live = known(running);
  return events.includes(replid) || [known(rdb)?.replid, live?.replid, live?.replid2].includes(replid);
}
