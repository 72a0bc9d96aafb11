import type { Candidate, Consent, Diagnosis } from '../model/diagnosis.js';

/**
 * The freshest node, where it has all that the chosen master would set aside and can be copied by it: with that one as master
 * first, and the chosen one after it, nothing is given up. Undefined where it would be.
 */
export function freshestFirst(
  { candidates, winner }: Pick<Diagnosis, 'candidates' | 'winner'>,
  chosen: Candidate,
  missing: readonly Consent[],
): string | undefined {
  const freshest = candidates.find(({ node }) => node === winner);
  if (freshest === undefined || freshest === chosen || freshest.versus[chosen.node] === undefined) return undefined;
  const canCopy = freshest.wontLoad === undefined && !freshest.tooOld?.some(({ node }) => node === chosen.node);
  const asides = missing.filter(({ kind }) => kind === 'set-aside').map(({ node }) => node);
  const brings = (node: string): boolean =>
    node === freshest.node || ['contains', 'equal', 'empty'].includes(freshest.versus[node]?.kind ?? '');
  return canCopy && asides.length > 0 && [chosen.node, ...asides].every(brings) ? freshest.node : undefined;
}

/** The two commands of that way, each with what it does. */
export function freshestFirstCommands(freshest: string, chosen: string): readonly string[] {
  return [
    `redis-runbook recover   with ${freshest} as master, which has all of ${chosen}: nothing is set aside, and then`,
    `redis-runbook recover --path live --promote ${chosen}   makes ${chosen} master once it has all of ${freshest}; or`,
  ];
}
