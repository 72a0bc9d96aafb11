import { RunbookError } from '../errors.js';
import { execute } from '../execute/engine.js';
import { openJournal } from '../execute/journal.js';
import { makeRunDirectory, type RunDirectory, runsDirectory, saveInRun } from '../execute/run-directory.js';
import { myIdentity } from '../hosts/process-identity.js';
import type { Plan } from '../model/plan.js';
import type { RunResult } from '../model/run.js';
import { paint, wrap } from '../report/layout.js';
import { saveSurvey } from '../survey/saved.js';
import { createAsk } from './ask.js';
import { type Fleet, type Judged, lookAndJudge } from './compose.js';
import type { Context } from './context.js';
import { detachRun } from './detach.js';
import type { RecoverFlags } from './flags.js';
import { PROCESS_FILE } from './follow.js';
import { createGate, createStep } from './gates.js';
import { operator } from './operator.js';
import { endRun } from './run-end.js';
import { createRunScreen } from './run-screen.js';
import { terminalLine } from './terminal-line.js';

export { operator } from './operator.js';

/** Carries an agreed plan out in a run directory of its own, looks again, and shows how it ended. Exit status of the run. */
export async function carryOut(
  plan: Plan,
  judged: Judged,
  fleet: Fleet,
  flags: Pick<RecoverFlags, 'yes' | 'step'> & { readonly detach?: boolean },
  context: Context,
): Promise<number> {
  const directory = await directoryFor(plan, judged, context);
  if (flags.detach && context.handed === undefined) return detachRun(directory, plan, context);
  const identity = await myIdentity();
  await saveInRun(directory.path, PROCESS_FILE, identity);
  await saveInRun(directory.path, 'plan.json', plan);
  await saveSurvey(`${directory.path}/survey-before.json`, judged.raw, judged.inventory);
  if (!context.json && !context.quiet)
    context.stdout(
      `\n${paint('verdict', '4/4 DO IT', context.colour)}\n${begins(context)}\nRun ${directory.run} is being recorded in ${directory.path}\n`,
    );
  const journal = await openJournal(directory.path, directory.run, context.now);
  const who = operator();
  const ask = createAsk(context);
  let result: RunResult;
  try {
    result = await execute(
      plan,
      {
        hosts: new Map(fleet.hosts.map((host) => [host.entry.name, host])),
        inventory: judged.inventory,
        passwords: fleet.passwords,
        journal,
        directory: directory.path,
        run: directory.run,
        who,
        identity,
        now: context.now,
      },
      {
        gate: createGate(plan, ask, flags.yes, context),
        onEvent: createRunScreen(context),
        signal: context.signal,
        now: context.stopNow,
        ...(flags.step ? { step: createStep(ask, context) } : {}),
      },
    );
  } finally {
    await journal.close();
  }
  const after = await lookAfter(fleet, result.outcome === 'done', context);
  if (after) await saveSurvey(`${directory.path}/survey-after.json`, after.raw, after.inventory);
  return endRun({ plan, before: judged.diagnosis, after, result, who }, context);
}

/** A new run directory; a run that was handed over has one, and is refused where the plan is another than was agreed to. */
async function directoryFor(plan: Plan, judged: Judged, { handed, now }: Context): Promise<RunDirectory> {
  if (handed === undefined) return makeRunDirectory(runsDirectory(process.env), judged.inventory.fleet, now());
  if (handed.fingerprint === plan.fingerprint) return handed.directory;
  throw new RunbookError('changed', 'The fleet changed between the question and the run: nothing was done.', {
    next: ['redis-runbook status', 'redis-runbook recover'],
  });
}

function begins(context: Context): string {
  return wrap(terminalLine(process.env, context.handed !== undefined), context.columns).join('\n');
}

/** What is true now, also after Ctrl-C; a second Ctrl-C ends this look, too. */
async function lookAfter(fleet: Fleet, isDone: boolean, context: Context): Promise<Judged | undefined> {
  if (context.stopNow.aborted) return undefined;
  const signal = AbortSignal.any([context.stopNow, AbortSignal.timeout(LAST_LOOK_MS)]);
  const look = () => lookAndJudge(fleet, { ...context, signal }).catch(() => undefined);
  const seen = await look();
  // What was proved a moment ago and looks wrong now may only be a connection that dropped: the next look logs in again.
  return isDone && seen?.diagnosis.state !== 'healthy' ? ((await look()) ?? seen) : seen;
}

const LAST_LOOK_MS = 10_000;
