import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exitStatus, worstOf } from '../errors.js';
import { journalPath, parseJournal } from '../execute/journal.js';
import { saveInRun } from '../execute/run-directory.js';
import type { Diagnosis } from '../model/diagnosis.js';
import { toJson } from '../model/json.js';
import type { Plan } from '../model/plan.js';
import type { RunResult } from '../model/run.js';
import { grouped, listed } from '../report/quantities.js';
import { renderRunEnd } from '../report/run-lines.js';
import { renderReport } from '../report/run-markdown.js';
import type { Judged } from './compose.js';
import type { Context } from './context.js';

export interface Ended {
  readonly plan: Plan;
  readonly before: Diagnosis;
  /** The survey after the run, when it came to an end; undefined when nothing could be looked at any more. */
  readonly after: Judged | undefined;
  readonly result: RunResult;
  readonly who: string;
}

/** Writes report.md, shows the last screen, and gives the exit status of the run. */
export async function endRun(ended: Ended, context: Context): Promise<number> {
  const result = withTails(ended);
  const journal = parseJournal(await readFile(journalPath(result.directory), 'utf8')).lines;
  const report = renderReport({ plan: ended.plan, diagnosis: ended.before, journal, result, who: ended.who });
  const path = await saveInRun(result.directory, 'report.md', report);
  const status = statusOfRun(result, ended.after);
  if (context.json) context.stdout(`${toJson({ type: 'result', ...result, report: path, exit: status })}\n`);
  else
    context.stdout(
      `\n${renderRunEnd(result, facts(ended, result, path), { width: context.columns, colour: context.colour })}`,
    );
  return status;
}

/** A possible tail stays something to do until somebody compared the kept files: nothing of it is lost, nothing of it is served. */
function withTails(ended: Ended): RunResult {
  if (ended.result.outcome !== 'done') return ended.result;
  const tails = ended.before.possibleTails.map((tail) => ({
    says:
      `${tail.node} may hold a few last writes that ${ended.plan.master} never got` +
      `${tail.boundSeconds === undefined ? '' : ` (of at most ${tail.boundSeconds} s)`}; its files are kept on its host, ` +
      `in .redis-runbook-${ended.result.run} beside the originals: compare them before they are removed`,
  }));
  return { ...ended.result, leftToDo: [...ended.result.leftToDo, ...tails] };
}

function statusOfRun(result: RunResult, after: Judged | undefined): number {
  if (result.outcome === 'unknown') return exitStatus.unknown;
  if (result.outcome !== 'done') return result.changedAnything ? exitStatus.incomplete : exitStatus.stopped;
  const healthy = after === undefined || after.diagnosis.state === 'healthy';
  return worstOf([
    result.leftToDo.length > 0 ? exitStatus.leftToDo : exitStatus.done,
    healthy ? exitStatus.done : exitStatus.unhealthy,
  ]);
}

function facts(ended: Ended, result: RunResult, report: string) {
  return { headline: headline(ended, result), next: next(result), report, lines: lines(ended, result) };
}

function headline(ended: Ended, result: RunResult): string {
  const { plan, after } = ended;
  if (result.outcome !== 'done') {
    const where = `Interrupted in stage ${result.stoppedIn ?? 'none'}: ${result.stoppedWhy ?? result.outcome}.`;
    const kept = result.changedAnything ? 'Every file is kept; nothing needs haste.' : 'Nothing was changed.';
    return `${where} ${kept}`;
  }
  const now = after?.diagnosis.headline.join(' ') ?? '';
  const since = result.servingSince ? ` since ${result.servingSince.slice(11, 19)} UTC` : '';
  const lost = plan.acceptedLoss ? 'What was on no disk is lost, as accepted.' : 'Nothing that was on a disk is lost.';
  const aside = plan.setAside.length > 0 ? ` The own writes of ${listed(plan.setAside)} are set aside.` : '';
  const left = result.leftToDo.length > 0 ? ` ${result.leftToDo.length} left to do.` : '';
  return `${plan.group} serves again${since}: ${plan.master} is master. ${lost}${aside}${left} ${now}`.trim();
}

function lines(ended: Ended, result: RunResult): string[] {
  const counts = `done ${result.done}   unknown ${result.unknown}   open ${result.open}   run ${result.run}`;
  const master = ended.after?.survey.groups[ended.plan.group]?.redis.find((node) => node.node === ended.plan.master);
  const running = master?.running.ok ? master.running.value : undefined;
  return [
    counts,
    ...(running
      ? [
          `master ${ended.plan.master}, ${grouped(running.keys)} keys, offset ${grouped(running.offset)}, epoch ${ended.plan.epoch}`,
        ]
      : []),
    `kept files: .redis-runbook-${result.run} beside the data, configs in the state directory of each host`,
  ];
}

function next(result: RunResult): string[] {
  if (result.outcome === 'done') return ['redis-runbook status', `redis-runbook history show ${result.run}`];
  return [
    'redis-runbook recover    looks again and goes on from what is true',
    'redis-runbook status     only looks',
    `redis-runbook history show ${result.run}`,
  ];
}

/** Where the run's files are, for messages. */
export function reportPath(directory: string): string {
  return join(directory, 'report.md');
}
