import { RunbookError } from '../errors.js';
import type { FileChange } from '../model/plan.js';
import { encodeText } from '../redis/byte-text.js';
import { readConfig } from './config-texts.js';
import { applyIntent } from './intents.js';
import { keptConfigPath } from './kept-config.js';
import { fileHost, hostOf } from './node.js';
import { differsFromKept } from './operator-lines.js';
import type { At } from './tools.js';

/** A config file of a node on a host that is to be changed. */
export interface Rewrite extends FileChange {
  readonly host: string;
  readonly node: string;
}

/**
 * Applies an intent to a config file as it now stands and writes it whole or not at all; a file that says it already is
 * left alone. Returns the changed lines. Throws RunbookError('changed') when somebody changed the file since this run kept it.
 */
export async function rewriteFile(change: Rewrite, at: At): Promise<readonly string[]> {
  const host = fileHost(at, change.node, change.path);
  const { text, sha256 } = await readConfig(host, change.path, at.signal);
  await compareWithKept(change, text, at);
  const applied = await applyIntent(text, change.intent, at);
  if (applied.text !== text) await host.write(change.path, encodeText(applied.text), sha256, at.signal);
  return applied.diff;
}

/** What the operator wrote must be what the survey saw: the copy that this run kept before anything was stopped. */
async function compareWithKept(change: Rewrite, text: string, at: At): Promise<void> {
  const host = hostOf(at, change.host);
  const kept = await readConfig(host, keptConfigPath(host, at.tools.run, change.path), at.signal).catch(
    () => undefined,
  );
  if (!kept) return;
  const differing = differsFromKept(kept.text, text, change.intent);
  if (differing.length === 0) return;
  throw new RunbookError('changed', `Somebody changed ${change.path} on ${change.host} since this run began.`, {
    facts: differing,
    next: ['redis-runbook recover'],
  });
}
