import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RunbookError } from '../errors.js';
import { execute } from '../execute/engine.js';
import { type Handover, type HandoverAsked, watchForHandover } from '../execute/handover.js';
import { openJournal } from '../execute/journal.js';
import type { Resumption } from '../execute/resumption.js';
import { makeRunDirectory, type RunDirectory, runsDirectory, saveInRun } from '../execute/run-directory.js';
import type { BackupSource, Tools } from '../execute/tools.js';
import { myIdentity } from '../hosts/process-identity.js';
import type { Plan } from '../model/plan.js';
import type { RunResult } from '../model/run.js';
import { paint, wrap } from '../report/layout.js';
import { saveSurvey, surveyText } from '../survey/saved.js';
import { createAsk } from './ask.js';
import { type Fleet, type Judged, lookAndJudge } from './compose.js';
import type { Context } from './context.js';
import { detachRun } from './detach.js';
import type { RecoverFlags } from './flags.js';
import { PROCESS_FILE } from './follow.js';
import { isToBeKept, refuseUnasked } from './found-file.js';
import { createGate, createStep } from './gates.js';
import { operator } from './operator.js';
import type { MadeFrom } from './plan.js';
import { choiceOfPlan } from './rebuild.js';
import { endRun } from './run-end.js';
import { runFiles } from './run-files.js';
import { createRunScreen } from './run-screen.js';
import { terminalLine } from './terminal-line.js';

export { operator } from './operator.js';

/** What of the command line counts while a plan is carried out. */
export type ConductFlags = Pick<RecoverFlags, 'yes' | 'step'>;

/** Carries an agreed plan out in a run directory of its own, looks again, and shows how it ended. Exit status of the run. */
export async function carryOut(
  plan: Plan,
  judged: Judged,
  fleet: Fleet,
  flags: ConductFlags & { readonly detach?: boolean },
  context: Context,
  keepIn: (runDirectory: string) => Promise<void> = async () => undefined,
  backup?: BackupSource,
): Promise<number> {
  refuseUnasked(context);
  const directory = await recorded(plan, judged, context);
  if (flags.detach && context.handed === undefined) return detachRun(directory, plan, context);
  await keepIn(directory.path);
  if (!context.json && !context.quiet)
    context.stdout(
      `\n${paint('verdict', '4/4 DO IT', context.colour)}\n${begins(context)}\nRun ${directory.run} is being recorded in ${directory.path}\n`,
    );
  const all = { plan, judged, fleet, directory, ...(backup === undefined ? {} : { backup }) };
  const result = await conduct(all, flags, context);
  return concluded({ plan, before: judged, result, directory }, fleet, context);
}

/** The directory of a new run, with what a resume needs. Throws RunbookError `disk-full` where this machine has no room. */
async function recorded(plan: Plan, judged: Judged, context: Context): Promise<RunDirectory> {
  const runs = runsDirectory(process.env);
  refuseOther(plan, context);
  try {
    const directory =
      context.handed?.directory ?? (await makeRunDirectory(runs, judged.inventory.fleet, context.now()));
    await saveInRun(directory.path, 'plan.json', plan);
    await saveInRun(directory.path, runFiles.survey, surveyText(judged.raw, judged.inventory));
    await saveInRun(directory.path, runFiles.answers, judged.answers ?? []);
    if (isToBeKept(context) && context.fleetFile !== undefined)
      await saveInRun(directory.path, runFiles.fleet, await readFile(context.fleetFile, 'utf8'));
    return directory;
  } catch (error) {
    throw new RunbookError('disk-full', 'A run is recorded before it begins, and this machine could not record it.', {
      facts: [`${runs}: ${error instanceof Error ? error.message : String(error)}`, 'nothing was changed'],
      next: ['make room there, or set $XDG_STATE_HOME to a directory with room', 'redis-runbook recover'],
    });
  }
}

/** From what `apply` would make the plan anew; undefined where that takes more than the fleet: a backup, a host that comes back. */
function madeFrom({ plan, judged }: Pick<Conducted, 'plan' | 'judged'>): MadeFrom | undefined {
  if (plan.restore !== undefined || plan.configsOf !== undefined || plan.rejoins !== undefined) return undefined;
  return { judged, choice: choiceOfPlan(plan), runbook: undefined };
}

/** A plan, the fleet that it is for, and where its run is recorded. */
export interface Conducted {
  readonly plan: Plan;
  readonly judged: Judged;
  readonly fleet: Fleet;
  readonly directory: RunDirectory;
  /** How a run that was cut off goes on. */
  readonly resumption?: Resumption;
  /** What a restore brings back. */
  readonly backup?: BackupSource;
}

/** What a run works with, all but its journal. */
export function toolsFor(
  { judged, fleet, directory, backup }: Pick<Conducted, 'judged' | 'fleet' | 'directory' | 'backup'>,
  context: Context,
): Omit<Tools, 'journal'> {
  return {
    hosts: new Map(fleet.hosts.map((host) => [host.entry.name, host])),
    inventory: judged.inventory,
    passwords: fleet.passwords,
    directory: directory.path,
    run: directory.run,
    who: operator(),
    now: context.now,
    ...(backup === undefined ? {} : { backup }),
  };
}

/** Gives a plan to the engine, with its questions on this terminal and its events on this screen. Rejects as `execute`. */
export async function conduct(conducted: Conducted, flags: ConductFlags, context: Context): Promise<RunResult> {
  const { plan, directory, resumption } = conducted;
  const identity = await myIdentity();
  await saveInRun(directory.path, PROCESS_FILE, identity);
  const journal = await openJournal(directory.path, directory.run, context.now);
  const ask = createAsk(context);
  const handover = handoverIn(context);
  const watch = watchForHandover(directory.path, identity, handover.ask);
  try {
    return await execute(
      plan,
      { ...toolsFor(conducted, context), journal, identity },
      {
        gate: createGate(plan, ask, flags.yes, context, resumption ? undefined : madeFrom(conducted)),
        onEvent: createRunScreen(context),
        signal: context.signal,
        now: context.stopNow,
        handover,
        ...(flags.step ? { step: createStep(ask, context) } : {}),
        ...(resumption ? { resumption } : {}),
      },
    );
  } finally {
    watch.end();
    await journal.close();
  }
}

/** Whoever asks for the run to be handed over ends it as a first Ctrl-C does. */
function handoverIn(context: Context): Handover {
  let asked: HandoverAsked | undefined;
  return {
    asked: () => asked,
    ask: (request) => {
      if (asked !== undefined) return;
      asked = request;
      if (!context.signal.aborted) context.stop(`the run is handed over to ${request.to}`);
    },
  };
}

/** What is true now, the report, the last screen, and the exit status of a run whose plan was carried out. */
export async function concluded(
  run: {
    readonly plan: Plan;
    readonly before: Judged;
    readonly result: RunResult;
    readonly directory: RunDirectory;
  },
  fleet: Fleet,
  context: Context,
): Promise<number> {
  const { plan, before, result, directory } = run;
  const after = await lookAfter(fleet, result.outcome === 'done', context);
  // What is true now is told below; that it could not be kept changes nothing of it.
  if (after)
    await saveSurvey(join(directory.path, 'survey-after.json'), after.raw, after.inventory).catch(() => undefined);
  return endRun({ plan, before: before.diagnosis, after, result, who: operator() }, context);
}

/** A run that was handed over is refused where the plan is another than was agreed to. */
function refuseOther(plan: Plan, { handed }: Context): void {
  if (handed === undefined || handed.fingerprint === plan.fingerprint) return;
  throw new RunbookError('changed', 'The fleet changed between the question and the run: nothing was done.', {
    next: ['redis-runbook status', 'redis-runbook recover'],
  });
}

function begins(context: Context): string {
  return wrap(terminalLine(process.env, context.handed !== undefined), context.columns).join('\n');
}

/** What is true now, also after Ctrl-C; a second Ctrl-C ends this look, too. */
export async function lookAfter(fleet: Fleet, isDone: boolean, context: Context): Promise<Judged | undefined> {
  if (context.stopNow.aborted) return undefined;
  const signal = AbortSignal.any([context.stopNow, AbortSignal.timeout(LAST_LOOK_MS)]);
  const look = () => lookAndJudge(fleet, { ...context, signal }).catch(() => undefined);
  const seen = await look();
  // What was proved a moment ago and looks wrong now may only be a connection that dropped: the next look logs in again.
  return isDone && seen?.diagnosis.state !== 'healthy' ? ((await look()) ?? seen) : seen;
}

const LAST_LOOK_MS = 10_000;
