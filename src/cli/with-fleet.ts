import { RunbookError } from '../errors.js';
import { fleetFlag } from '../report/next-lines.js';
import type { Context } from './context.js';

/** The same error with next commands that name the fleet file again, so that they can be pasted as they are; one with a HOST searches anew. */
export function withFleet(error: RunbookError, context: Pick<Context, 'fleetFile'>): RunbookError {
  const flag = fleetFlag(context.fleetFile);
  if (flag === '') return error;
  const next = error.next.map((line) =>
    line.includes('--fleet') || /^redis-runbook (?:status|recover) [^\s-]/.test(line)
      ? line
      : line.replace(
          /^redis-runbook (?:recover|resume|undo|status|doctor|plan|handover|clean|salvage collect|rejoin \S+)\b/,
          `$&${flag}`,
        ),
  );
  return new RunbookError(error.word, error.message, { facts: error.facts, next });
}
