import { RunbookError } from '../errors.js';
import type { FileChange } from '../model/plan.js';
import { encodeText } from '../redis/byte-text.js';
import { readConfig } from './config-texts.js';
import { applyIntent } from './intents.js';
import { keptConfigPath } from './kept-config.js';
import { fileHost, hostOf, pidOf } from './node.js';
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
  await refuseRunning(change, at);
  const host = fileHost(at, change.node, change.path);
  const { text, sha256 } = await readConfig(host, change.path, at.signal);
  await compareWithKept(change, text, at);
  const applied = await applyIntent(text, change.intent, at);
  if (applied.text !== text) await host.write(change.path, encodeText(applied.text), sha256, at.signal);
  return applied.diff;
}

/** Settings of a sentinel are written only while it does not run: else it would write what it has over them. Throws RunbookError('changed'). */
export async function refuseRunning({ node, intent }: Pick<Rewrite, 'node' | 'intent'>, at: At): Promise<void> {
  if (intent.kind !== 'sentinel.settings' || (await pidOf(at, node)) === null) return;
  throw new RunbookError('changed', `${node} was started meanwhile, and writes its file itself.`, {
    facts: ['nothing was written into its file'],
    next: ['redis-runbook resume   when it is stopped again', 'redis-runbook undo'],
  });
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
