import { RunbookError } from '../../errors.js';
import type { HostEntry, NodeEntry } from '../../model/inventory.js';
import type { ExecResult } from '../channel.js';
import { changed, type RemoteFiles } from '../remote/files.js';
import type { Processes } from '../remote/processes.js';
import type { Script } from '../remote/run-as.js';
import { textOf } from '../remote/script.js';
import type { Shell } from '../remote/sudo.js';
import { configErrorIn, lastWords } from './start-reason.js';

/** What a service manager of another machine works with. */
export interface ServiceTools {
  readonly entry: HostEntry;
  readonly shell: Shell;
  readonly files: RemoteFiles;
  /** The files that a node's config names, with no more right than whoever may write it. */
  readonly named: (config: string) => RemoteFiles;
  readonly processes: Processes;
}

/** Time that a start may take until its port is open. Loading comes after (server.c: initServer, then loadDataFromDisk). */
export const START_LIMIT_S = 30;
const ANSWER_BYTES = 64 * 1024;
const WAY_MS = 15_000;

/**
 * Runs a script that changes something and may wait up to `seconds` on the host; its status and what it said. Statuses
 * below 70 and above 79 are errors and are thrown.
 */
export async function command(
  tools: ServiceTools,
  script: Script,
  seconds: number,
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly said: string }> {
  signal.throwIfAborted();
  const options = { timeoutMs: seconds * 1000 + WAY_MS, limitBytes: ANSWER_BYTES };
  const result = await tools.shell.exec(script, options, signal);
  const status = result.status ?? -1;
  if (status >= 70 && status < 80) return { status, said: textOf(result.stdout) };
  return { status: 0, said: textOf(await changed(tools.shell, result, tools.entry.name, signal)) };
}

/** A start that failed: why, with file and line when the server named a line of its config, else with its last words and those of its log. */
export async function startError(
  tools: ServiceTools,
  node: NodeEntry,
  said: string,
  signal: AbortSignal,
): Promise<RunbookError> {
  const wrong = configErrorIn(said);
  const place =
    wrong && `${node.config}:${wrong.line}: ${wrong.directive === '' ? '' : `${wrong.directive}: `}${wrong.reason}`;
  const log = wrong ? [] : await logEnd(tools, node, signal);
  return new RunbookError('incomplete', `${node.id} was started and does not serve${place ? `: ${place}` : ''}`, {
    facts: [...lastWords(said), ...log.map((line) => `log: ${line}`)],
  });
}

/** The last lines of the node's log file that `logfile` of its main config names. */
async function logEnd(tools: ServiceTools, node: NodeEntry, signal: AbortSignal): Promise<readonly string[]> {
  try {
    const config = textOf(await tools.files.read(node.config, 1024 * 1024, signal));
    const path = [...config.matchAll(/^\s*logfile\s+["']?(\/[^"'\n]+?)["']?\s*$/gim)].at(-1)?.[1];
    if (path === undefined) return [];
    return lastWords(textOf(await tools.named(node.config).tail(path, 4096, signal)));
  } catch {
    return [];
  }
}

/** A looking command with the right of the login user. */
export function ask(tools: ServiceTools, script: Script, signal: AbortSignal): Promise<ExecResult> {
  return tools.shell.plain(script, { timeoutMs: WAY_MS, limitBytes: 256 * 1024 }, signal);
}
