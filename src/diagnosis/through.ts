import type { Relation } from '../model/diagnosis.js';
import type { Versus } from './candidate.js';

type Relations = Readonly<Record<string, Relation>>;

/**
 * What a node between two others settles: when it holds all of `other`, then `other` is missed by nobody who misses nothing
 * of the node between, and at most that one's possible tail by who may miss that. Only for pairs that nothing else joins.
 */
export function throughOthers(versus: Versus): Versus {
  return new Map(
    [...versus].map(([own, relations]) => [
      own,
      Object.fromEntries(
        Object.entries(relations).map(([other, relation]) => [
          other,
          relation.kind === 'incomparable' ? (joined(own, other, relations, versus) ?? relation) : relation,
        ]),
      ),
    ]),
  );
}

function joined(own: string, other: string, relations: Relations, versus: Versus): Relation | undefined {
  let tail: Relation | undefined;
  for (const [between, first] of Object.entries(relations)) {
    const second = versus.get(between)?.[other];
    if (between === own || (second?.kind !== 'contains' && second?.kind !== 'equal')) continue;
    const why = `${between} holds all of ${other} (${second.why}); and of ${between}: ${first.why}`;
    if (first.kind === 'contains' || first.kind === 'equal') return { kind: 'contains', why };
    if (first.kind === 'possible-tail') tail = { ...first, why };
  }
  return tail;
}
