import type { Found, Place, Visit } from '../model/found.js';
import { candidatesOf } from './candidates.js';
import { isInUse } from './claims.js';
import { machineOf, ownerOf } from './owner.js';

/**
 * Machines that somebody's word led to and that do not say themselves that they belong to those that were named on the
 * command line: one lying member can name another fleet of the same group name. A machine belongs when it was named; when
 * a file of it names a machine that belongs; or when its files name nobody (a master) and a machine that belongs names it.
 */
export function strangersOf({ visits, members }: Pick<Found, 'visits' | 'members'>): readonly string[] {
  const words = new Map(visits.map((visit) => [visit, wordsOf(visit, visits)]));
  const leadsTo = (from: Visit, to: Visit) =>
    from !== to && (words.get(from) ?? []).some((place) => ownerOf(place, from, visits) === to);
  const belongs = new Set(visits.filter(({ isNamed }) => isNamed));
  for (let size = 0; size !== belongs.size; ) {
    size = belongs.size;
    for (const visit of visits) {
      const own = words.get(visit) ?? [];
      const others = own.filter((place) => ownerOf(place, visit, visits) !== visit);
      const [knows, isKnown] = [
        [...belongs].some((each) => leadsTo(visit, each)),
        [...belongs].some((each) => leadsTo(each, visit)),
      ];
      if (knows || (others.length === 0 && isKnown)) belongs.add(visit);
    }
  }
  return visits
    .filter((visit) => !belongs.has(visit) && machineOf(visit) !== undefined)
    .filter(({ name }) => members.some((member) => member.visit === name))
    .map(
      ({ name }) =>
        `${name} was named by another machine, and its own files name none of those that led there: it may be of another fleet`,
    );
}

/** Every place that the files in use on a machine name. */
function wordsOf(visit: Visit, visits: readonly Visit[]): readonly Place[] {
  return candidatesOf(visits)
    .filter((candidate) => candidate.visit === visit && isInUse(candidate))
    .flatMap(({ config }) => [
      ...(config.replicaOf === undefined ? [] : [config.replicaOf]),
      ...config.watches.flatMap(({ master, replicas, sentinels }) => [master, ...replicas, ...sentinels]),
    ]);
}
