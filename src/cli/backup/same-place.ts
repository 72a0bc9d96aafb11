import { RunbookError } from '../../errors.js';
import { fleetFlag, repositoryFlag } from '../../report/next-lines.js';
import type { Context } from '../context.js';
import type { BackupFlags } from './flags.js';

type Given = Pick<BackupFlags, 'repository'>;

/** The flags that name the fleet file and the repository again, in commands that are to be pasted; empty where both are found anyway. */
export function placeFlags(context: Pick<Context, 'fleetFile'>, { repository }: Given): string {
  return fleetFlag(context.fleetFile) + repositoryFlag(repository);
}

/** The same error, whose next commands about backups mean the same fleet file and the same repository. */
export function withPlace(
  error: RunbookError,
  context: Pick<Context, 'fleetFile'>,
  { repository }: Given,
): RunbookError {
  const next = error.next.map((line) => {
    const fleet = line.includes('--fleet') ? '' : fleetFlag(context.fleetFile);
    const place = line.includes('--repository') ? '' : repositoryFlag(repository);
    return line.replace(
      /^redis-runbook backup (?:create|list|show|status|verify|drill|restore|prune)\b/,
      (command) => `${command}${fleet}${place}`,
    );
  });
  return new RunbookError(error.word, error.message, { facts: error.facts, next });
}
