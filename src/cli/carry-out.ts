import { hostname, userInfo } from 'node:os';
import { execute } from '../execute/engine.js';
import { openJournal } from '../execute/journal.js';
import { makeRunDirectory, runsDirectory, saveInRun } from '../execute/run-directory.js';
import type { BackupSource } from '../execute/tools.js';
import type { Plan } from '../model/plan.js';
import type { RunResult } from '../model/run.js';
import { paint } from '../report/layout.js';
import { saveSurvey } from '../survey/saved.js';
import { createAsk } from './ask.js';
import { type Fleet, type Judged, lookAndJudge } from './compose.js';
import type { Context } from './context.js';
import type { RecoverFlags } from './flags.js';
import { createGate, createStep } from './gates.js';
import { endRun } from './run-end.js';
import { createRunScreen } from './run-screen.js';

/** `user@machine`, as locks and reports show the operator. */
export function operator(): string {
  return `${userInfo().username}@${hostname()}`;
}

/** Carries an agreed plan out in a run directory of its own, looks again, and shows how it ended. Exit status of the run. */
export async function carryOut(
  plan: Plan,
  judged: Judged,
  fleet: Fleet,
  flags: Pick<RecoverFlags, 'yes' | 'step'>,
  context: Context,
  backup?: BackupSource,
): Promise<number> {
  const directory = await makeRunDirectory(runsDirectory(process.env), judged.inventory.fleet, context.now());
  await saveInRun(directory.path, 'plan.json', plan);
  await saveSurvey(`${directory.path}/survey-before.json`, judged.raw, judged.inventory);
  if (!context.json && !context.quiet)
    context.stdout(
      `\n${paint('verdict', '4/4 DO IT', context.colour)}\nRun ${directory.run} is being recorded in ${directory.path}\n`,
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
        now: context.now,
        ...(backup === undefined ? {} : { backup }),
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
