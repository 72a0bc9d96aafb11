import type { Relation } from '../model/diagnosis.js';
import type { Holding } from './holding.js';

/** Default of `repl-timeout`: a replica that hears nothing for this long is dropped by its master (and the log says so). */
const REPL_TIMEOUT_SECONDS = 60;

/** `other` may hold writes past `cut` that nobody else has. */
export function tailOf(other: Holding, cut: bigint, why: string): Relation {
  const boundSeconds = tailSeconds(other);
  return {
    kind: 'possible-tail',
    cut: cut < 0n ? 0n : cut,
    ...(boundSeconds === undefined ? {} : { boundSeconds }),
    why,
  };
}

/**
 * For how long the node may have taken writes that no replica got: since its last replica was lost, on its own clock;
 * while none was logged as lost, at most repl-timeout, after which the master would have dropped it and said so.
 */
export function tailSeconds(holding: Holding): number | undefined {
  const { served, replicasLostAtMs, hadReplicas, bootedSince, spans } = holding.timeline;
  if (bootedSince > 0 || served?.lastMs === undefined) return undefined;
  if (replicasLostAtMs !== undefined)
    return Math.max(1, Math.ceil((served.lastMs - replicasLostAtMs) / 1000)) + REPL_TIMEOUT_SECONDS;
  const last = spans.findLast((span) => span.id !== undefined);
  return hadReplicas || last?.as !== 'origin' ? REPL_TIMEOUT_SECONDS : undefined;
}
