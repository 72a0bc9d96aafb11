import type { FileIntent } from '../model/plan.js';
import { diffLines } from '../redis/diff.js';
import { aclDiffersBeyond } from '../redis/edit-acl.js';
import { applyRedisIntent } from '../redis/edit-redis.js';
import { differsOutsideGenerated } from '../redis/edit-sentinel.js';
import { applySentinelSettings } from '../redis/edit-sentinel-settings.js';
import { showRaw } from '../redis/secrets.js';

/**
 * The operator's lines that differ between the kept text and the text now, secrets replaced; empty when only what
 * Redis and Sentinel write themselves differs. A redis.conf that an earlier run of the same intent rewrote is no difference.
 */
export function differsFromKept(kept: string, now: string, intent: FileIntent): readonly string[] {
  if (intent.kind === 'sentinel.conf') return differsOutsideGenerated(kept, now, intent.group);
  if (intent.kind === 'users.acl') return aclDiffersBeyond(kept, now, intent);
  if (intent.kind === 'sentinel.settings') {
    const changed = differsOutsideGenerated(kept, now, intent.group);
    const ours = differsOutsideGenerated(applySentinelSettings(kept, intent).text, now, intent.group);
    return ours.length === 0 ? [] : changed;
  }
  if (kept === now || applyRedisIntent(kept, intent).text === now) return [];
  return diffLines(kept.split('\n'), now.split('\n'))
    .filter(({ op }) => op !== ' ')
    .map(({ op, text }) => `${op}${showRaw(text)}`);
}
