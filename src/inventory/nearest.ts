import { editDistance } from '../model/edit-distance.js';

/**
 * The known word that was probably meant: the only one that begins so, or the one with the fewest changes; undefined
 * when more than a third of its letters differ.
 */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const begun = word.length >= 3 ? known.filter((candidate) => candidate.startsWith(word.toLowerCase())) : [];
  if (begun.length === 1) {
    return begun[0];
  }
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(word, candidate) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  const limit = Math.max(1, Math.floor(Math.max(word.length, best?.candidate.length ?? 0) / 3));
  return best !== undefined && best.distance <= limit ? best.candidate : undefined;
}
