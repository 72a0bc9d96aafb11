import type { Candidate, CandidateVerdict, Relation } from '../model/diagnosis.js';
import type { Holding } from './holding.js';
import { short } from './names.js';
import { type TooOld, whyNoLoad } from './server-versions.js';

/** How each node stands to every other one. */
export type Versus = ReadonlyMap<string, Readonly<Record<string, Relation>>>;

/** What else is said of a node: who bears out that it wins, whose server is too old for it, why its own server speaks for it. */
export interface Said {
  readonly witness?: string | undefined;
  readonly tooOld: readonly TooOld[];
  readonly oldest?: string | undefined;
}

/** One node as the operator sees it: its place, its verdict, and what speaks for and against it. */
export function candidateOf(holding: Holding, winner: string | undefined, versus: Versus, said: Said): Candidate {
  const relations = versus.get(holding.node) ?? {};
  const { speaksFor, speaksAgainst } = reasons(holding, relations, said);
  const refused = whyNoLoad(holding.redis);
  return {
    node: holding.node,
    verdict: verdictOf(holding, winner, versus),
    ...(holding.end === undefined ? {} : { end: holding.end }),
    ...(holding.keys === undefined ? {} : { wouldLoadKeys: holding.keys }),
    source: holding.source,
    versus: relations,
    ...(refused === undefined ? {} : { wontLoad: refused }),
    ...(said.tooOld.length === 0 ? {} : { tooOld: said.tooOld }),
    speaksFor,
    speaksAgainst: refused === undefined ? speaksAgainst : [...speaksAgainst, refused],
  };
}

function verdictOf(holding: Holding, winner: string | undefined, versus: Versus): CandidateVerdict {
  if (holding.node === winner) return 'freshest';
  if (holding.source === 'unknown') return 'unknown';
  if (holding.empty) return 'empty';
  if (winner === undefined) {
    const kinds = Object.values(versus.get(holding.node) ?? {}).map((relation) => relation.kind);
    if (kinds.includes('forked')) return 'split-off';
    return kinds.includes('contained') ? 'behind' : 'incomparable';
  }
  const relation = versus.get(winner)?.[holding.node];
  switch (relation?.kind) {
    case 'equal':
      return 'same-as-freshest';
    case 'contains':
      return 'behind';
    case 'possible-tail':
      return 'possible-tail';
    case 'forked':
      return 'split-off';
    default:
      return 'incomparable';
  }
}

function reasons(
  holding: Holding,
  relations: Readonly<Record<string, Relation>>,
  { witness, tooOld, oldest }: Said,
): Pick<Candidate, 'speaksFor' | 'speaksAgainst'> {
  const speaksFor = holding.end
    ? [
        `ends in history ${short(holding.end.replid)} at ${holding.end.precision === 'at-least' ? 'least ' : ''}${holding.end.offset} (${holding.endWhy})`,
      ]
    : [];
  if (witness) speaksFor.push(witness);
  if (oldest) speaksFor.push(oldest);
  const speaksAgainst = holding.end || holding.empty ? [] : [holding.endWhy];
  if (holding.empty) speaksAgainst.push(`holds no key: ${holding.sourceWhy}`);
  for (const [node, relation] of Object.entries(relations)) {
    if (relation.kind === 'contains' || relation.kind === 'equal')
      speaksFor.push(`has all of ${node}: ${relation.why}`);
    else if (relation.kind === 'possible-tail')
      speaksAgainst.push(`${node} may hold a few last writes: ${relation.why}`);
    else if (relation.kind !== 'empty') speaksAgainst.push(`${node}: ${relation.why}`);
  }
  for (const { node, why } of tooOld) speaksAgainst.push(`${node} could not copy from it: ${why}`);
  return { speaksFor, speaksAgainst };
}
