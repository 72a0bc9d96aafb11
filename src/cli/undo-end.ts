import { readFile } from 'node:fs/promises';
import { exitStatus } from '../errors.js';
import { journalPath, parseJournal } from '../execute/journal.js';
import { type RunDirectory, saveReport } from '../execute/run-directory.js';
import { toJson } from '../model/json.js';
import type { Plan } from '../model/plan.js';
import type { RunResult } from '../model/run.js';
import { fleetFlag } from '../report/next-lines.js';
import { renderRunEnd } from '../report/run-lines.js';
import { renderReport } from '../report/run-markdown.js';
import { lookAfter, operator } from './carry-out.js';
import type { Fleet, Judged } from './compose.js';
import type { Context } from './context.js';

/** What is true after a run was taken back, or was not: report.md, the last screen, the exit status. */
export async function endUndo(
  run: { readonly plan: Plan; readonly before: Judged; readonly result: RunResult; readonly directory: RunDirectory },
  fleet: Fleet,
  context: Context,
): Promise<number> {
  const { plan, before, result, directory } = run;
  const after = await lookAfter(fleet, false, context);
  const journal = parseJournal(await readFile(journalPath(directory.path), 'utf8')).lines;
  const report = renderReport({ plan, diagnosis: before.diagnosis, journal, result, who: operator() });
  const path = await saveReport(directory.path, report);
  const status = statusOfUndo(result);
  if (context.json) {
    context.stdout(`${toJson({ type: 'result', direction: 'undo', ...result, report: path, exit: status })}\n`);
    return status;
  }
  const flag = fleetFlag(context.fleetFile);
  const next = [
    ...(result.outcome === 'done'
      ? []
      : [
          {
            command: `redis-runbook resume ${directory.run}${flag}`,
            says: 'goes on with taking it back, after looking',
          },
        ]),
    { command: `redis-runbook status${flag}`, says: 'only looks' },
  ];
  const rows = [...rowsOf(result), ...unprovable(plan, before, after, `${flag} --promote ${plan.master}`)];
  const facts = { headline: headline(result, directory.run, after), rows, next, report: path };
  context.stdout(`\n${renderRunEnd(result, facts, { width: context.columns, colour: context.colour })}`);
  return status;
}

function statusOfUndo({ outcome }: RunResult): number {
  if (outcome === 'done') return exitStatus.done;
  return outcome === 'unknown' ? exitStatus.unknown : exitStatus.incomplete;
}

function headline(result: RunResult, run: string, after: Judged | undefined): string {
  const now = after?.diagnosis.headline ?? ['What is true now could not be looked at.'];
  const says =
    result.outcome === 'done'
      ? `Run ${run} is undone: configs, units and roles are as they were before it.`
      : `Run ${run} is not undone yet: stopped in stage ${result.stoppedIn ?? 'none'}: ${(result.stoppedWhy ?? '').replace(/\.$/, '')}.`;
  return [says, ...now].join(' ');
}

function rowsOf(result: RunResult): readonly (readonly [string, string])[] {
  const unknown = result.unknown > 0 ? `, ${result.unknown} unknown` : '';
  const open = result.open > 0 ? `, ${result.open} open` : '';
  return [
    ['run', `${result.run}: ${result.done} steps done${unknown}${open}`],
    ['data', 'no data file was put back over a newer one; what the run kept stays where it is'],
  ];
}

/**
 * A master that starts from a file draws a new history, and nothing that it writes joins the two (replication.c): once a
 * replica has that history, the files alone no longer prove who is freshest. The run's own record does.
 */
function unprovable(
  plan: Plan,
  before: Judged,
  after: Judged | undefined,
  flags: string,
): readonly (readonly [string, string])[] {
  if (after === undefined || after.diagnosis.winner !== undefined || before.diagnosis.winner === undefined) return [];
  const says =
    `${plan.master}, by what this run saw: it contains all others. The files alone do not prove that any more, because ` +
    `this run had started it; a new recovery asks for it by name: redis-runbook recover${flags} --set-aside NODE --reason TEXT`;
  return [['freshest', says]];
}
