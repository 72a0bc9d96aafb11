import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Writes what went wrong inside the tool to a file that only its owner can read, because a stack may hold what must
 * not be on a terminal. Returns its path, or undefined when it could not be written.
 */
export function writeCrashFile(stateDirectory: string, error: unknown, now: Date): string | undefined {
  const directory = join(stateDirectory, 'crashes');
  const path = join(directory, `${now.toISOString().replace(/[:.]/g, '')}-${process.pid}.txt`);
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    writeFileSync(path, `${stackOf(error)}\n`, { mode: 0o600, flag: 'wx' });
    return path;
  } catch {
    return undefined;
  }
}

/** What the operator is told about it: no stack, no message of it. */
export function crashText(path: string | undefined): string {
  const where = path === undefined ? 'The details could not be written.' : `The details are in ${path}`;
  return [
    'redis-runbook: this is a mistake of the tool itself, not of your fleet. [bug]',
    '',
    `  ${where}`,
    '  What it had begun may be half done. Nothing goes on by itself.',
    '',
    'Next:',
    '  redis-runbook status    what is true now; changes nothing',
    '',
  ].join('\n');
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) {
    return String(error);
  }
  const cause = error.cause === undefined ? '' : `\ncaused by: ${stackOf(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
