import { exitStatus } from '../errors.js';
import { listRuns, readRun, runsDirectory } from '../execute/run-directory.js';
import { toJson } from '../model/json.js';
import { printableProse } from '../report/escape.js';
import type { Context } from './context.js';
import type { HistoryFlags } from './flags.js';

/** `history list|show RUN`: the runs of this machine, from their journals. */
export async function historyCommand(flags: HistoryFlags, context: Context): Promise<number> {
  const runs = runsDirectory(process.env);
  return flags.sub === 'show' ? show(runs, flags.run ?? '', context) : list(runs, context);
}

async function list(runs: string, context: Context): Promise<number> {
  const all = await Promise.all([...(await listRuns(runs))].reverse().map((each) => readRun(runs, each.run)));
  const rows = all.map((each) => {
    const end = each.journal.lines.findLast((line) => line.action === 'run' && line.phase === 'result');
    return {
      run: each.directory.run,
      begun: each.directory.begun,
      fleet: each.directory.fleet,
      group: each.plan?.group,
      runbook: each.plan?.runbook,
      ended: end?.outcome ?? 'not ended',
      text: end?.text ?? '',
    };
  });
  if (context.json) context.stdout(`${toJson({ schema: 'redis-runbook/history/1', runs: rows }, 2)}\n`);
  else if (rows.length === 0) context.stdout('No run is recorded on this machine.\n');
  else
    for (const row of rows)
      context.stdout(
        `${row.run}  ${row.begun}  ${row.fleet} / ${row.group ?? '-'}  ${row.runbook ?? '-'}  ${row.ended}  ${printableProse(row.text)}\n`,
      );
  return exitStatus.done;
}

async function show(runs: string, run: string, context: Context): Promise<number> {
  const read = await readRun(runs, run);
  if (context.json) {
    context.stdout(
      `${toJson({ schema: 'redis-runbook/run-history/1', ...read.directory, journal: read.journal }, 2)}\n`,
    );
    return exitStatus.done;
  }
  for (const line of read.journal.lines)
    context.stdout(
      `${line.at}  ${line.phase.padEnd(8)}  ${(line.outcome ?? '').padEnd(7)}  ${line.action}  ${printableProse(line.text)}\n`,
    );
  if (read.journal.torn !== undefined)
    context.stdout('!  the last line was never finished: the run ended in the middle of it\n');
  if (read.journal.brokenAt !== undefined)
    context.stdout(`!  line ${read.journal.brokenAt} does not fit the one before it: the journal was changed\n`);
  return exitStatus.done;
}
