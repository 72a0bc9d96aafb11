import type { FileIntent } from '../model/plan.js';
import { actionsOf } from '../model/plan.js';
import { applyRedisIntent } from '../redis/edit-redis.js';
import { applySentinelIntent } from '../redis/edit-sentinel.js';
import { readConfig } from './config-texts.js';
import { hostOf } from './node.js';
import type { At } from './tools.js';

/** What an intent makes of a text: the new text, and what changed with secrets replaced. */
export interface Applied {
  readonly text: string;
  readonly diff: readonly string[];
}

/**
 * Applies a file intent. Sentinel files all get one epoch, resolved once per run: what the plan says, or more when a
 * file as it now stands holds a higher one. Throws when the text does not fit the intent.
 */
export async function applyIntent(text: string, intent: FileIntent, at: At): Promise<Applied> {
  if (intent.kind === 'redis.conf') return applyRedisIntent(text, intent);
  at.memory.epoch ??= resolveEpoch(at);
  return applySentinelIntent(text, { ...intent, epoch: await at.memory.epoch });
}

/** Running sentinels go on counting until they are stopped, so a file may hold more than the survey saw. */
async function resolveEpoch(at: At): Promise<bigint> {
  let highest = at.plan.epoch;
  const epochs = await Promise.all(
    actionsOf(at.plan).map(async (action) => {
      if (action.kind !== 'config.rewrite' || action.intent.kind !== 'sentinel.conf') return at.plan.epoch;
      const { text } = await readConfig(hostOf(at, action.host), action.path, at.signal);
      return applySentinelIntent(text, action.intent).epoch;
    }),
  );
  for (const epoch of epochs) if (epoch > highest) highest = epoch;
  if (highest > at.plan.epoch)
    await at.evidence(`a sentinel went on to a higher epoch since the plan: ${highest} is used`, { epoch: highest });
  return highest;
}
