import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { RunbookError } from '../errors.js';

/**
 * Which fleet file is meant: `--fleet FILE|NAME`, else `$REDIS_RUNBOOK_FLEET`, else `./fleet.yaml`; never one of a
 * parent directory. A word without `/` and without `.yaml` or `.yml` is a NAME: `~/.config/redis-runbook/NAME.yaml`.
 * Returns undefined when nothing is named and `./fleet.yaml` does not exist; throws `no-fleet` when a named one does not.
 */
export function findFleetFile(
  flag: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  cwd: string,
): string | undefined {
  const named = flag ?? (env.REDIS_RUNBOOK_FLEET || undefined);
  if (named === undefined) {
    return existsSync(join(cwd, 'fleet.yaml')) ? './fleet.yaml' : undefined;
  }
  const path = /[/]|\.ya?ml$/.test(named) ? named : namedFleet(named, env);
  if (!existsSync(isAbsolute(path) ? path : join(cwd, path))) {
    const from = flag === undefined ? '$REDIS_RUNBOOK_FLEET' : '--fleet';
    throw new RunbookError('no-fleet', `${from} names ${path}, and there is no such file.`, {
      facts: ['a word without / and .yaml names a file in ~/.config/redis-runbook'],
    });
  }
  return path;
}

function namedFleet(name: string, env: Readonly<Record<string, string | undefined>>): string {
  if (!/^[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(name)) {
    throw new RunbookError('no-fleet', `"${name}" is not the name of a fleet.`, {
      facts: ['a name has letters, digits and . _ - only; a path has a / or ends in .yaml'],
    });
  }
  return join(env.HOME ?? homedir(), '.config', 'redis-runbook', `${name}.yaml`);
}
