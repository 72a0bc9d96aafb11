import { openRuns } from '../execute/open-runs.js';
import { printableProse } from '../report/escape.js';
import { fleetFlag } from '../report/next-lines.js';

/**
 * What to type about the runs of this machine that did not come to their end, two lines for each; empty when there are
 * none, or they cannot be read. `fleet`: only those of the fleet with this name.
 */
export async function openRunLines(
  runs: string,
  fleetFile: string | undefined,
  fleet?: string,
): Promise<readonly string[]> {
  const open = await openRuns(runs, fleet).catch(() => []);
  const flag = fleetFlag(fleetFile);
  return open.flatMap(({ read, plan, direction, stopped }) => {
    const { run } = read.directory;
    const back = direction === 'undo' ? ', while it was being undone' : `; back: redis-runbook undo ${run}${flag}`;
    return [
      printableProse(`Run ${run} of ${plan.group} is unfinished: redis-runbook resume ${run}${flag}`),
      printableProse(`  it stopped ${stopped.replace(/\.$/, '')}${back}`),
    ];
  });
}
