import { exitStatus, RunbookError } from '../errors.js';
import { listRuns, readRun, runsDirectory } from '../execute/run-directory.js';
import { toJson } from '../model/json.js';
import type { Context } from './context.js';
import type { ReportFlags } from './flags.js';

/** `report [RUN]`: the report of a run, the newest one when none is named, as Markdown on stdout. */
export async function reportCommand(flags: ReportFlags, context: Context): Promise<number> {
  const runs = runsDirectory(process.env);
  const run = flags.run ?? (await listRuns(runs)).at(-1)?.run;
  if (run === undefined)
    throw new RunbookError('usage', 'No run is recorded on this machine.', { next: ['redis-runbook recover'] });
  const read = await readRun(runs, run);
  if (read.report === undefined)
    throw new RunbookError('usage', `Run ${read.directory.run} has no report: it did not come to its end.`, {
      next: [`redis-runbook history show ${read.directory.run}`],
    });
  const { directory, report } = read;
  context.stdout(
    context.json ? `${toJson({ schema: 'redis-runbook/report/1', ...directory, markdown: report }, 2)}\n` : report,
  );
  return exitStatus.done;
}
