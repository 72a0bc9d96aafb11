import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { RunbookError } from '../errors.js';
import { parseRunbook, type Runbook } from '../plan/runbook-file.js';

const directory = new URL('../../runbooks/', import.meta.url);

/** The names of the built-in runbooks, in alphabetical order. */
export async function builtInRunbooks(): Promise<readonly string[]> {
  const names = await readdir(directory);
  return names.flatMap((name) => (name.endsWith('.yaml') ? [name.slice(0, -'.yaml'.length)] : [])).sort();
}

/** Reads a built-in runbook by name, or one from a file (a word with a dot or a slash). Throws RunbookError `runbook-file`. */
export async function readRunbook(name: string): Promise<Runbook> {
  const isFile = /[./]/.test(name);
  const known = await builtInRunbooks();
  if (!isFile && !known.includes(name))
    throw new RunbookError('runbook-file', `There is no built-in runbook ${name}.`, {
      facts: [`built in: ${known.join(', ')}`],
      next: ['redis-runbook runbook list'],
    });
  const file = isFile ? name : fileURLToPath(new URL(`${name}.yaml`, directory));
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new RunbookError('runbook-file', `${name} cannot be read: ${error.code ?? error.message}.`, {
      next: ['redis-runbook runbook list'],
    });
  });
  return parseRunbook(name, text);
}
