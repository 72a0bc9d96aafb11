import { readFile } from 'node:fs/promises';
import { exitStatus, worstOf } from '../errors.js';
import { journalPath, parseJournal } from '../execute/journal.js';
import { saveInRun, saveReport } from '../execute/run-directory.js';
import type { Diagnosis } from '../model/diagnosis.js';
import { toJson } from '../model/json.js';
import { actionsOf, type Plan } from '../model/plan.js';
import type { JournalLine, RunResult } from '../model/run.js';
import { known } from '../model/seen.js';
import { fleetFlag, type NextCommand } from '../report/next-lines.js';
import { grouped, listed } from '../report/quantities.js';
import { type RunEndFacts, renderRunEnd } from '../report/run-lines.js';
import { renderReport } from '../report/run-markdown.js';
import { holdRows, keptSays } from '../report/run-truth.js';
import { salvagesIn } from '../salvage/read.js';
import type { Judged } from './compose.js';
import type { Context } from './context.js';
import { RESULT_FILE } from './follow.js';

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
  const result = await withSalvages(withTails(ended));
  const journal = parseJournal(await readFile(journalPath(result.directory), 'utf8')).lines;
  const report = renderReport({ plan: ended.plan, diagnosis: ended.before, journal, result, who: ended.who });
  const path = await saveReport(result.directory, report);
  const status = statusOfRun(result, ended.after);
  // On a full disk the run has ended all the same; whoever follows it goes by its journal.
  await saveInRun(result.directory, RESULT_FILE, { ...result, at: context.now().toISOString(), exit: status }).catch(
    () => undefined,
  );
  if (context.json) context.stdout(`${toJson({ type: 'result', ...result, report: path, exit: status })}\n`);
  else
    context.stdout(
      `\n${renderRunEnd(result, facts(ended, result, path, journal, context), { width: context.columns, colour: context.colour })}`,
    );
  return status;
}

/** A possible tail stays something to do until somebody compared the kept files: nothing of it is lost, nothing of it is served. */
function withTails(ended: Ended): RunResult {
  if (ended.result.outcome !== 'done' || ended.plan.rejoins !== undefined) return ended.result;
  const tails = ended.before.possibleTails.map((tail) => ({
    tail: tail.node,
    says:
      `${tail.node} may hold a few last writes that ${ended.plan.master} never got` +
      `${tail.boundSeconds === undefined ? '' : ` (of at most ${tail.boundSeconds} s)`}; its files are kept on its host, ` +
      `in .redis-runbook-${ended.result.run} beside the originals: compare them before they are removed`,
  }));
  return { ...ended.result, leftToDo: [...ended.result.leftToDo, ...tails] };
}

/** What was set aside and written as a bundle waits for somebody who looks at it. */
async function withSalvages(result: RunResult): Promise<RunResult> {
  if (result.outcome !== 'done') return result;
  const waiting = (await salvagesIn(result.directory)).filter(({ manifest }) => manifest.file.sizeBytes > 0n);
  const todo = waiting.map(({ manifest: { node, ledger } }) => ({
    says:
      `${grouped(ledger.onlyLeft.keys)} keys that only ${node} has, and ${grouped(ledger.different.keys)} with another value, ` +
      `are set aside: redis-runbook salvage show ${result.run}`,
  }));
  return { ...result, leftToDo: [...result.leftToDo, ...todo] };
}

function statusOfRun(result: RunResult, after: Judged | undefined): number {
  if (result.outcome === 'unknown') return exitStatus.unknown;
  if (result.lockLost) return exitStatus.locked;
  if (result.outcome !== 'done') return result.changedAnything ? exitStatus.incomplete : exitStatus.stopped;
  const healthy = after === undefined || after.diagnosis.state === 'healthy';
  return worstOf([
    result.leftToDo.length > 0 ? exitStatus.leftToDo : exitStatus.done,
    healthy ? exitStatus.done : exitStatus.unhealthy,
  ]);
}

function keptAnything(journal: readonly JournalLine[]): boolean {
  return journal.some(
    (line) => line.phase === 'result' && line.outcome !== 'failed' && /\/(data|config)\.keep\//.test(line.action),
  );
}

function facts(
  ended: Ended,
  result: RunResult,
  report: string,
  journal: readonly JournalLine[],
  context: Context,
): RunEndFacts {
  return {
    headline: headline(ended, result, journal),
    rows: rows(ended, result, journal),
    next: next(result, ended, context),
    report,
  };
}

function headline(ended: Ended, result: RunResult, journal: readonly JournalLine[]): string {
  const { plan, after } = ended;
  if (result.outcome !== 'done') return interrupted(ended, result, journal);
  const now = after?.diagnosis.headline.join(' ') ?? '';
  if (plan.restore !== undefined) return `${restoredSays(plan.restore, plan, result)} ${now}`.trim();
  if (plan.rejoins !== undefined) return cameBack(plan, plan.rejoins, result, now);
  if (plan.configsOf !== undefined) return `${configsSay(plan.configsOf, plan)} ${now}`.trim();
  const since = result.servingSince ? ` since ${result.servingSince.slice(11, 19)} UTC` : '';
  const lost = plan.acceptedLoss ? 'What was on no disk is lost, as accepted.' : 'Nothing that was on a disk is lost.';
  const aside = plan.setAside.length > 0 ? ` The own writes of ${listed(plan.setAside)} are set aside.` : '';
  const left = result.leftToDo.length > 0 ? ` ${result.leftToDo.length} left to do.` : '';
  const serves = plan.serves
    ? `${plan.group} serves, as it did all the while: ${plan.master} is master.`
    : `${plan.group} serves again${since}: ${result.master ?? plan.master} is master.`;
  const data = plan.path === 'sentinels-only' ? 'No Redis was touched.' : `${lost}${aside}`;
  return `${serves} ${data}${left} ${now}`.trim();
}

function restoredSays({ id, takenAt }: NonNullable<Plan['restore']>, plan: Plan, result: RunResult): string {
  const since = result.servingSince ? `, since ${result.servingSince.slice(11, 19)} UTC` : '';
  const of = takenAt.slice(0, 19).replace('T', ' ');
  const aside =
    plan.setAside.length > 0 ? ' Everything that was written later is set aside: kept, and not served.' : '';
  return `${plan.group} serves the data of backup ${id}, of ${of} UTC${since}: ${plan.master} is master.${aside}`;
}

function configsSay({ id }: NonNullable<Plan['configsOf']>, plan: Plan): string {
  const count = actionsOf(plan).filter(({ kind }) => kind === 'config.rewrite').length;
  return `${count === 1 ? 'One config file is' : `${count} config files are`} as agreed, with lines of backup ${id}: they count from the next start on. Nothing was started or stopped.`;
}

function cameBack(plan: Plan, host: string, result: RunResult, now: string): string {
  const aside = plan.setAside.length > 0 ? ` What only ${listed(plan.setAside)} held is set aside.` : '';
  const left = result.leftToDo.length > 0 ? ` ${result.leftToDo.length} left to do.` : '';
  return `${host} takes part again behind ${plan.master}.${aside}${left} ${now}`.trim();
}

const endings = { done: 'Done', stopped: 'Stopped', failed: 'Failed', unknown: 'Not known how it ended:' } as const;

/** What is true when a run did not come to its end: where, why, what was touched, and what was seen afterwards. */
function interrupted(ended: Ended, result: RunResult, journal: readonly JournalLine[]): string {
  const why = (result.stoppedWhy ?? result.outcome).replace(/\.$/, '');
  const where = `${endings[result.outcome]} in stage ${result.stoppedIn ?? 'none'}: ${why}.`;
  const state = result.changedAnything ? keptSays(ended.plan, journal) : 'Nothing was changed.';
  const now = ended.after?.diagnosis.headline ?? ['What is true now could not be looked at.'];
  return [where, state, ...now].join(' ');
}

/** Hosts of the plan that the last look could not reach; none when there was no last look. */
function outOfReach(ended: Ended): readonly string[] {
  const hosts = ended.after?.survey.hosts.filter((host) => !host.reached.ok).map((host) => host.host) ?? [];
  return hosts.filter((host) => ended.plan.hosts.includes(host));
}

function rows(ended: Ended, result: RunResult, journal: readonly JournalLine[]): RunEndFacts['rows'] {
  const kept = keptAnything(journal);
  const name = result.master ?? ended.plan.master;
  const group = ended.after?.survey.groups[ended.plan.group];
  const master = group?.redis.find((node) => node.node === name);
  const epoch = group?.sentinels.flatMap(({ view }) => known(view)?.configEpoch ?? []).at(0) ?? ended.plan.epoch;
  const running = master?.running.ok ? master.running.value : undefined;
  const serves = running
    ? `${name}, ${grouped(running.keys)} keys, offset ${grouped(running.offset)}, epoch ${epoch}`
    : undefined;
  const unknown = result.unknown > 0 ? `, ${result.unknown} unknown` : '';
  const open = result.open > 0 ? `, ${result.open} open` : '';
  return [
    ...(serves === undefined ? [] : [['master', serves] as const]),
    ...(ended.plan.reason === undefined ? [] : [['reason', ended.plan.reason] as const]),
    ['run', `${result.run}: ${result.done} steps done${unknown}${open}`],
    ...(result.outcome === 'done' ? [] : holdRows(ended.plan, journal, outOfReach(ended))),
    ...(kept
      ? [
          [
            'kept files',
            `in .redis-runbook-${result.run} beside the data; configs in the state directory of each host`,
          ] as const,
        ]
      : []),
  ];
}

/** What a branch that was set aside holds alone is in its kept files until somebody compares them. */
function collects(plan: Plan, result: RunResult, fleet: string): readonly NextCommand[] {
  if (plan.setAside.length === 0 || plan.restore !== undefined) return [];
  const isMade = result.leftToDo.some(({ says }) => says.includes('salvage show'));
  const command = `redis-runbook salvage ${isMade ? 'show' : 'collect'} ${result.run}${fleet}`;
  return [{ command, says: `what only ${listed(plan.setAside)} had, and putting it back` }];
}

function next(result: RunResult, ended: Ended, context: Context): readonly NextCommand[] {
  const { plan } = ended;
  const { rejoins } = plan;
  const gone = outOfReach(ended);
  const fleet = fleetFlag(context.fleetFile);
  const look = { command: `redis-runbook status${fleet}`, says: 'only looks' };
  const history = { command: `redis-runbook history show ${result.run}`, says: 'every step of this run' };
  if (result.outcome === 'done') return [look, ...collects(plan, result, fleet), history];
  const { restore } = plan;
  const anew =
    restore === undefined
      ? `redis-runbook recover${fleet}`
      : `redis-runbook backup restore ${restore.id} --repository ${restore.repository}${fleet}`;
  if (result.handedTo !== undefined) {
    const goesOn = rejoins === undefined ? `resume ${result.run}` : `rejoin ${rejoins}`;
    const command = `redis-runbook ${goesOn}${fleet}`;
    return [{ command, says: `typed by ${result.handedTo}, on any machine with this fleet file` }, look, history];
  }
  if (!result.changedAnything) return [{ command: anew, says: 'looks again and plans anew' }, look, history];
  return [
    ...(rejoins === undefined
      ? [
          { command: `redis-runbook resume ${result.run}${fleet}`, says: 'goes on from here, after looking' },
          { command: `redis-runbook undo ${result.run}${fleet}`, says: 'goes back, while no write is lost by it' },
        ]
      : [{ command: `redis-runbook rejoin ${rejoins}${fleet}`, says: 'looks again and goes on from what is true' }]),
    ...(gone.length === 0 || rejoins !== undefined
      ? []
      : [
          {
            command: `redis-runbook recover --without ${gone.join(',')} --reason "..."${fleet}`,
            says: `where ${listed(gone)} cannot be brought back first: what it holds is given up`,
          },
        ]),
    look,
  ];
}
