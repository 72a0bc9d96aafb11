import type { Consent } from '../model/diagnosis.js';
import { known } from '../model/seen.js';
import type { Answer } from '../model/survey.js';
import type { Graph } from './graph.js';

/** Less than half of what another node holds that the winner contains: data may have been deleted, or the node emptied. */
export function shrunk(winner: string, graph: Graph, answers: readonly Answer[]): readonly Consent[] {
  const flushed = flushedIn(winner, answers);
  if (flushed !== undefined) return [{ kind: 'shrunk', node: winner, why: flushed }];
  const own = graph.holdings.find((holding) => holding.node === winner);
  if (own?.keys === undefined || (own.source === 'rdb' && known(own.redis.rdb)?.keysExact === false)) return [];
  const keys = own.keys;
  const larger = graph.holdings.find(
    (other) => other.node !== winner && other.keys !== undefined && other.keys > keys * 2n,
  );
  if (!larger) return [];
  return [
    {
      kind: 'shrunk',
      node: winner,
      why: `${winner} is the freshest and holds ${keys} keys; ${larger.node}, which is older, holds ${larger.keys}`,
    },
  ];
}

/** Most of what the file recorded was deleted by one command, and less followed than had been there before. */
function flushedIn(winner: string, answers: readonly Answer[]): string | undefined {
  const answer = answers.find((each) => 'flushed' in each && each.flushed === winner);
  const found = answer !== undefined && 'flushed' in answer ? known(answer.result) : undefined;
  if (!found || found.afterBytes >= found.beforeBytes) return undefined;
  return `${winner} is the freshest, and ${found.command} stands in its AOF: ${found.beforeBytes} bytes up to it, ${found.afterBytes} after it`;
}
