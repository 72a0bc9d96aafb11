import type { Candidate, Diagnosis } from '../model/diagnosis.js';
import { bytes, grouped } from './quantities.js';

/** An offset for tables and drawings: grouped, `>=` where nobody recorded the node's own end, `?` when not even a part. */
export function shownOffset(end: { readonly offset: bigint; readonly precision: 'exact' | 'at-least' }): string {
  if (end.precision === 'at-least' && end.offset === 0n) return '?';
  return `${end.precision === 'at-least' ? '>= ' : ''}${grouped(end.offset)}`;
}

/** How a node's data stands, in a word or two for the end of a line; the best is in capitals. */
export function verdictWord(diagnosis: Diagnosis, node: string): string {
  const candidate = diagnosis.candidates.find((each) => each.node === node);
  if (!candidate) return '';
  if (candidate.verdict === 'freshest') return 'FRESHEST';
  if (candidate.verdict === 'same-as-freshest') return 'the same';
  if (candidate.verdict === 'behind') return behindWord(diagnosis, candidate);
  return candidate.verdict.replace('-', ' ');
}

function behindWord(diagnosis: Diagnosis, candidate: Candidate): string {
  const best = diagnosis.candidates.find((each) => each.verdict === 'freshest')?.node ?? diagnosis.winner;
  const relation = best === undefined ? undefined : candidate.versus[best];
  const lag = relation?.kind === 'contained' ? relation.lagBytes : undefined;
  return lag === undefined ? 'behind' : `${bytes(lag)} behind`;
}
