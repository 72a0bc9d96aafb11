import { isAbsolute, join } from 'node:path';
import type { Host } from '../hosts/host.js';
import { lastWords } from '../hosts/services/start-reason.js';
import { decodeText } from '../redis/byte-text.js';

const TAIL_BYTES = 65_536n;
const MOST_LINES = 3;

/** `83:S 21 Nov 2026 16:33:27.271 # text`: `#` marks a warning (server.c:serverLogRaw). */
const warning = /^\d+:[A-Z] .*\d\.\d+ # /;
/** A replica without its master says this every second. */
const ofReplication = /\bSYNC\b|MASTER|master connection/i;

/**
 * The last warnings in a node's log file, else its last lines, without secrets, at most three: why it did not do what it
 * was asked. `logfile` as CONFIG GET gives it, beside `dir` when it is relative. Empty when the node has no log file or it
 * cannot be read.
 */
export async function lastLogWords(
  host: Host,
  dir: string,
  logfile: string | undefined,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const text = await logTail(host, dir, logfile, signal);
  if (text === '') return [];
  const warnings = text.split('\n').filter((line) => warning.test(line) && !ofReplication.test(line));
  return lastWords(warnings.length > 0 ? warnings.join('\n') : text, MOST_LINES);
}

/** The last 64 KiB of a node's log file, `logfile` as for `lastLogWords`; empty when there is none or it cannot be read. */
export async function logTail(
  host: Host,
  dir: string,
  logfile: string | undefined,
  signal: AbortSignal,
): Promise<string> {
  if (logfile === undefined || logfile === '') return '';
  const path = isAbsolute(logfile) ? logfile : join(dir, logfile);
  const stat = await host.stat(path);
  if (!stat.ok || stat.value.type !== 'file') return '';
  const end = stat.value.sizeBytes;
  const chunks: Uint8Array[] = [];
  try {
    const from = end > TAIL_BYTES ? end - TAIL_BYTES : 0n;
    for await (const chunk of host.stream(path, signal, from, end)) chunks.push(chunk);
  } catch {
    return '';
  }
  return decodeText(Buffer.concat(chunks));
}
