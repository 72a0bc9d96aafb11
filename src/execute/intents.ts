import { createHash } from 'node:crypto';
import { RunbookError } from '../errors.js';
import type { FileIntent } from '../model/plan.js';
import { actionsOf } from '../model/plan.js';
import { decodeText } from '../redis/byte-text.js';
import { aclUsers, applyAclIntent } from '../redis/edit-acl.js';
import { applyRedisIntent } from '../redis/edit-redis.js';
import { applySentinelIntent } from '../redis/edit-sentinel.js';
import { applySentinelSettings } from '../redis/edit-sentinel-settings.js';
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
  if (intent.kind === 'sentinel.settings') return applySentinelSettings(text, intent);
  if (intent.kind === 'users.acl') return applyAclIntent(text, intent, await storedPasswords(text, intent, at));
  at.memory.epoch ??= resolveEpoch(at);
  return applySentinelIntent(text, { ...intent, epoch: await at.memory.epoch });
}

/** Of users that the file does not have (any more); nothing is read when all are there, as after the rewrite. */
async function storedPasswords(
  text: string,
  intent: Extract<FileIntent, { kind: 'users.acl' }>,
  at: At,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const there = new Set(aclUsers(text).map(({ name }) => name));
  if (intent.users.every(({ name }) => there.has(name))) return new Map();
  const stored = await storedText(intent, at);
  return new Map(aclUsers(stored).map(({ name, passwords }) => [name, passwords]));
}

async function storedText(
  { stored, sha256 }: { readonly stored: string; readonly sha256: string },
  at: At,
): Promise<string> {
  const { backup } = at.tools;
  if (backup === undefined) throw new Error('the backup that users come back from is not open');
  const chunks: Uint8Array[] = [];
  for await (const chunk of backup.read(stored, 0n, at.signal)) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  if (createHash('sha256').update(bytes).digest('hex') === sha256) return decodeText(bytes);
  throw new RunbookError('bad-backup', `${stored} of the backup is not what was verified.`, {
    next: ['redis-runbook backup verify'],
  });
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
