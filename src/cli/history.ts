import { exitStatus } from '../errors.js';
import { listRuns, readRun, runsDirectory } from '../execute/run-directory.js';
import { toJson } from '../model/json.js';
import { printableProse } from '../report/escape.js';
import { wrap } from '../report/layout.js';
import type { Context } from './context.js';
import type { HistoryFlags } from './flags.js';
import { followRun, shownLine } from './follow.js';

/** `history list|show RUN`: the runs of this machine, from their journals. */
export async function historyCommand(flags: HistoryFlags, context: Context): Promise<number> {
  const runs = runsDirectory(process.env);
  return flags.sub === 'show' ? show(runs, flags.run ?? '', flags.follow, context) : list(runs, context);
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
  else for (const row of rows) for (const line of rowLines(row, context.columns)) context.stdout(`${line}\n`);
  return exitStatus.done;
}

/** How a run ended, in the words of its last screen; why, where there is more to say than that. */
function rowLines(
  row: { run: string; begun: string; fleet: string; ended: string; text: string } & Named,
  width: number,
) {
  const ended = row.ended === 'skipped' ? 'stopped' : row.ended;
  const why = row.text === '' || row.text === ended ? '' : `: ${printableProse(row.text)}`;
  const what = `${row.begun}  ${row.fleet} / ${row.group ?? '-'}  ${row.runbook ?? '-'}`;
  return [`${row.run}  ${printableProse(what)}`, ...wrap(`${ended}${why}`, width, '      ', '      ')];
}

interface Named {
  readonly group: string | undefined;
  readonly runbook: string | undefined;
}

async function show(runs: string, run: string, follow: boolean, context: Context): Promise<number> {
  const read = await readRun(runs, run);
  if (follow) return followRun(read.directory, context);
  if (context.json) {
    context.stdout(
      `${toJson({ schema: 'redis-runbook/run-history/1', ...read.directory, journal: read.journal }, 2)}\n`,
    );
    return exitStatus.done;
  }
  for (const line of read.journal.lines) context.stdout(shownLine(line, false));
  if (read.journal.torn !== undefined)
    context.stdout('!  the last line was never finished: the run ended in the middle of it\n');
  if (read.journal.brokenAt !== undefined)
    context.stdout(`!  line ${read.journal.brokenAt} does not fit the one before it: the journal was changed\n`);
  return exitStatus.done;
}
