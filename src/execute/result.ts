import type { RunResult } from '../model/run.js';
import type { Run } from './run.js';

/** What a run comes to. `leftToDo` holds the hosts that were left out and the scripts that Sentinel would have run. */
export function resultOf(run: Run): RunResult {
  const { plan, progress, tools } = run;
  const to = run.options.handover?.asked()?.to;
  const leftOut = plan.leftOut.map(({ host, node = host, why, next }) => ({
    says: `${node} was left out: ${why}`,
    next,
  }));
  const lost = [...run.memory.gone].map(([host, why]) => ({
    says: `${host} was ${why}. Nothing on it may start or be trusted before it was rejoined`,
    next: `redis-runbook rejoin ${host}`,
  }));
  const scripts = plan.scripts.map((script) => ({ says: 'run by hand what Sentinel would have run', next: script }));
  return {
    schema: 'redis-runbook/run/1',
    run: tools.run,
    group: plan.group,
    master: run.memory.elected ?? plan.master,
    outcome: progress.outcome,
    ...(progress.stoppedIn === undefined ? {} : { stoppedIn: progress.stoppedIn }),
    ...(progress.stoppedWhy === undefined ? {} : { stoppedWhy: progress.stoppedWhy }),
    done: progress.done,
    open: progress.total - progress.done - progress.unknown,
    unknown: progress.unknown,
    changedAnything: progress.changedAnything,
    ...(progress.lockLost ? { lockLost: true } : {}),
    ...(to === undefined || progress.outcome === 'done' || !progress.changedAnything ? {} : { handedTo: to }),
    proof: progress.proof,
    leftToDo: [...leftOut, ...lost, ...(progress.outcome === 'done' ? [...scripts, ...(plan.afterwards ?? [])] : [])],
    ...(progress.servingSince === undefined ? {} : { servingSince: progress.servingSince }),
    directory: tools.directory,
  };
}
