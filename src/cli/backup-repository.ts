import { openRepository } from '../backup/repository/open.js';
import type { Repository } from '../backup/repository/repository.js';
import { RunbookError } from '../errors.js';
import type { Context } from './context.js';

/** The repository that the flags name. Throws RunbookError `usage` when none is named, and what opening it says. */
export async function repositoryOf(
  named: string | undefined,
  context: Context,
  options: { readonly make: boolean },
): Promise<Repository> {
  if (named === undefined)
    throw new RunbookError('usage', 'No backup repository is named.', {
      next: ['add --repository DIRECTORY'],
    });
  return openRepository(named, { make: options.make, now: context.now() });
}
