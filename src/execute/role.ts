import { RunbookError } from '../errors.js';
import type { RedisWriter } from '../hosts/host.js';
import type { FileChange } from '../model/plan.js';
import type { RunningRedis } from '../model/survey.js';
import { replicaofWord } from '../redis/directive-names.js';
import { readConfig } from './config-texts.js';
import { effectiveOf } from './data-place.js';
import { applyIntent } from './intents.js';
import { fileHost, replyOf, runningOf } from './node.js';
import { type Rewrite, rewriteFile } from './rewrite-file.js';
import type { At } from './tools.js';

/** A role that a running node is given, with the files that have to say it. */
export interface RoleChange {
  readonly host: string;
  readonly node: string;
  readonly files: readonly FileChange[];
}

/** The command that gives a running server its master, or takes it away. */
export function followCommand({ version }: RunningRedis): 'REPLICAOF' | 'SLAVEOF' {
  return replicaofWord(version) === 'replicaof' ? 'REPLICAOF' : 'SLAVEOF';
}

/**
 * What the node is on this very connection: the process that was surveyed, with its data loaded. Throws
 * RunbookError('changed') when it is another process than the plan was made for.
 */
export async function knownNode(writer: RedisWriter, node: string, at: At): Promise<RunningRedis> {
  const running = await runningOf(writer);
  const facts = at.plan.stages.flatMap((stage) => stage.needs);
  const wanted = facts.find((fact) => fact.node === node && fact.fact === 'run-id')?.value;
  if (wanted !== undefined && wanted !== running.runId)
    throw new RunbookError('changed', `${node} is another process than the one that was looked at.`, {
      facts: [`run id ${running.runId} now, ${wanted} when the plan was made`],
      next: ['redis-runbook status'],
    });
  if (running.loading) throw new Error('it is still loading: what it holds is not all there yet');
  return running;
}

/** Whether every file of the change says already what it has to say. */
export async function isDurable({ node, files }: RoleChange, at: At): Promise<boolean> {
  for (const { path, intent } of files) {
    const { text } = await readConfig(fileHost(at, node, path), path, at.signal);
    if ((await applyIntent(text, intent, at)).text !== text) return false;
  }
  return true;
}

/**
 * Writes the role into the files that decide it, reads them back, and compares what the next start will give:
 * `wanted` = `host:port` of the master, undefined for a master. Returns the changed lines of all files.
 */
export async function makeDurable(change: RoleChange, wanted: string | undefined, at: At): Promise<readonly string[]> {
  const diffs: string[] = [];
  for (const file of change.files) {
    const rewrite: Rewrite = { host: change.host, node: change.node, ...file };
    diffs.push(...(await rewriteFile(rewrite, at)));
  }
  const decides = (await effectiveOf(at, change.node)).scalar('replicaof');
  const [host, port] = decides?.args ?? [];
  const isMaster = host === undefined || (host.toLowerCase() === 'no' && port?.toLowerCase() === 'one');
  const will = isMaster ? undefined : `${host}:${port}`;
  if (will !== wanted)
    throw new Error(
      `after a restart it would be ${will === undefined ? 'a master' : `a replica of ${will}`}: ${decides?.file ?? 'its file'} decides`,
    );
  return diffs;
}

/** Ends a pause of writes that this run began on the node, however its own connection fares. */
export async function unfence(writer: RedisWriter, node: string, at: At): Promise<void> {
  const keeper = at.memory.fences.get(node);
  if (!keeper) return;
  at.memory.fences.delete(node);
  await keeper.end(true).catch(() => replyOf(writer, 'CLIENT UNPAUSE'));
}
