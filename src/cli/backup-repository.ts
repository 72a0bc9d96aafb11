import { openRepository } from '../backup/repository/open.js';
import type { Repository } from '../backup/repository/repository.js';
import { RunbookError } from '../errors.js';
import { loadInventory } from '../inventory/load.js';
import type { Context } from './context.js';

/** The repository that the flags name. Throws RunbookError `usage` when none is named, and what opening it says. */
export async function repositoryOf(
  named: string | undefined,
  context: Context,
  options: { readonly make: boolean },
): Promise<Repository> {
  const path = named ?? (await declared(context));
  if (path === undefined)
    throw new RunbookError('usage', 'No backup repository is named.', {
      next: ['add --repository DIRECTORY', 'redis-runbook schema   shows backup: repository: of a fleet file'],
    });
  return openRepository(path, { make: options.make, now: context.now() });
}

async function declared(context: Context): Promise<string | undefined> {
  return context.fleetFile === undefined ? undefined : (await loadInventory(context.fleetFile)).backup?.repository;
}
