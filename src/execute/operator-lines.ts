import type { FileIntent } from '../model/plan.js';
import { diffLines } from '../redis/diff.js';
import { applyRedisIntent } from '../redis/edit-redis.js';
import { differsOutsideGenerated } from '../redis/edit-sentinel.js';
import { showRaw } from '../redis/secrets.js';

/**
 * The operator's lines that differ between the kept text and the text now, secrets replaced; empty when only what
 * Redis and Sentinel write themselves differs. A redis.conf that an earlier run of the same intent rewrote is no difference.
 */
export function differsFromKept(kept: string, now: string, intent: FileIntent): readonly string[] {
  if (intent.kind === 'sentinel.conf') return differsOutsideGenerated(kept, now, intent.group);
  if (kept === now || applyRedisIntent(kept, intent).text === now) return [];
  return diffLines(kept.split('\n'), now.split('\n'))
    .filter(({ op }) => op !== ' ')
    .map(({ op, text }) => `${op}${showRaw(text)}`);
}
