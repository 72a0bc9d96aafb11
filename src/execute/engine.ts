import { setMaxListeners } from 'node:events';
import { RunbookError } from '../errors.js';
import type { Plan, Stage } from '../model/plan.js';
import type { RunResult } from '../model/run.js';
import { runBatch } from './batch.js';
import { copyOut } from './copies.js';
import { closeFences, closeReaders, settleLocks } from './ending.js';
import { beginHeartbeat, type Heartbeat, lostNow } from './heartbeat.js';
import { checkNeeds } from './needs.js';
import { entryOf } from './node.js';
import { pickUp } from './pick-up.js';
import { resultOf } from './result.js';
import { at, emit, newRun, type Run, stop, stopAsked } from './run.js';
import { checkShape } from './shape.js';
import type { ExecuteOptions, Tools } from './tools.js';

/**
 * Carries a plan out: stage by stage, gates asked, needs seen afresh, lanes side by side, conditions waited for, each
 * step journalled before and after. Resolves with how it ended: `done`, `stopped` (asked to), `failed` or `unknown`.
 * Rejects with RunbookError('locked') or ('changed') when it may not begin or go on, and with the system's error when
 * the journal cannot be written; locks and fences are in order by then too. A re-run with a fresh plan skips what is
 * done. The fence never outlives the run by more than five seconds.
 */
export async function execute(plan: Plan, tools: Tools, options: ExecuteOptions): Promise<RunResult> {
  checkShape(plan, tools);
  // Every connection and command listens for the end of the run; Node warns on the terminal above ten.
  setMaxListeners(0, options.signal, options.now);
  const run = newRun(plan, tools, options);
  const heartbeat = beginHeartbeat(run);
  try {
    await tools.journal.write({ action: 'run', phase: 'intent', ...beginning(plan, tools, options) });
    if (options.resumption) await pickUp(run, options.resumption);
    if (run.progress.outcome === 'done') await runStages(run, heartbeat);
  } catch (error) {
    if (run.progress.outcome === 'done') run.progress.outcome = 'failed';
    run.progress.stoppedWhy ??= error instanceof Error ? error.message : String(error);
    throw cleanHanded(run, error);
  } finally {
    await inOrder(run, heartbeat);
  }
  return resultOf(run);
}

/** Fences, locks and journal in order, each whatever became of the others; rejects with the first that could not be. */
async function inOrder(run: Run, heartbeat: ReturnType<typeof beginHeartbeat>): Promise<void> {
  await heartbeat.end();
  await run.memory.copying;
  closeReaders(run);
  const ends = [];
  for (const step of [closeFences, settleLocks, journalEnd, copyOut])
    ends.push(...(await Promise.allSettled([step(run)])));
  for (const end of ends) if (end.status === 'rejected') throw cleanHanded(run, end.reason);
}

/** A run that cannot be recorded is incomplete, unless it has changed nothing yet. */
function cleanHanded(run: Run, error: unknown): unknown {
  if (!(error instanceof RunbookError) || error.word !== 'incomplete' || run.progress.changedAnything) return error;
  return new RunbookError('stopped', `${error.message} Nothing was changed.`, { facts: error.facts, next: error.next });
}

/** What the first line of this part of the run says of it. */
function beginning(plan: Plan, { who }: Tools, { resumption }: ExecuteOptions) {
  const detail = { fingerprint: plan.fingerprint, path: plan.path, who };
  if (resumption?.direction === 'undo')
    return { text: `undo of ${plan.runbook} for ${plan.group}`, detail: { ...detail, direction: 'undo' } };
  const goesOn = resumption === undefined ? '' : ', gone on with';
  return { text: `${plan.runbook} for ${plan.group}: ${plan.master} becomes master${goesOn}`, detail };
}

async function runStages(run: Run, heartbeat: Heartbeat): Promise<void> {
  for (const [index, stage] of run.stages.entries()) {
    if (run.options.signal.aborted) return stopAsked(run, stage);
    if (!(await passesGate(run, stage, index))) {
      return stop(run, stage, 'stopped', 'declined at the question before it');
    }
    if (run.options.signal.aborted) return stopAsked(run, stage);
    const place = run.plan.stages.findIndex((each) => each.id === stage.id);
    run.progress.doing = `stage ${place + 1} ${stage.title}`;
    heartbeat.changed();
    await runStage(run, stage, place);
    if (run.progress.outcome !== 'done') return;
  }
}

/** Asks before a stage that has a gate, unless all questions of the run were answered at once; the answer is journalled. */
async function passesGate(run: Run, stage: Stage, index: number): Promise<boolean> {
  if (!stage.gate || run.memory.answeredAll) return true;
  const answer = await run.options.gate(stage.gate, stagesOfGate(run.stages, index));
  if (answer === 'all') run.memory.answeredAll = true;
  const text = `the question before ${stage.title} was answered: ${answer}`;
  await run.tools.journal.write({ action: 'run', phase: 'evidence', text, detail: { answer } });
  return answer !== 'stop';
}

/** The stages that one gate covers: its own and those after it that have none. */
function stagesOfGate(stages: readonly Stage[], index: number): readonly Stage[] {
  const after = stages.slice(index + 1);
  const next = after.findIndex((stage) => stage.gate !== undefined);
  return stages.slice(index, next === -1 ? undefined : index + 1 + next);
}

async function runStage(run: Run, stage: Stage, index: number): Promise<void> {
  await run.tools.journal.write({ action: stage.id, phase: 'intent', text: stage.title });
  emit(run, { type: 'stage-begun', index, title: stage.title, at: run.tools.now().toISOString() });
  if (!(await needsHold(run, stage))) return;
  // Whoever has only the copies knows every stage that was over before anything of this one is changed.
  await run.memory.copying;
  for (const batch of stage.batches) {
    await runBatch(run, stage, batch);
    if (run.progress.outcome !== 'done') return;
  }
  await run.tools.journal.write({ action: stage.id, phase: 'result', outcome: 'done', text: stage.now });
  // Beside the look of the next stage at what it needs; a journal that cannot be written says so at its next line.
  copyOut(run).catch(() => undefined);
  emit(run, { type: 'stage-ended', title: stage.title, now: stage.now });
}

/** Whether what the stage needs is still so. Throws where it is not and nothing was changed yet. */
async function needsHold(run: Run, stage: Stage): Promise<boolean> {
  const wrong = await checkNeeds(stage.needs, at(run, stage.id));
  if (wrong.length === 0) return true;
  if (await isTakenOver(run, stage)) return false;
  const says = wrong.map((one) => one.says);
  const isLost = wrong.every((one) => !one.isSeen);
  const what = isLost ? 'a part of the fleet cannot be seen any more' : 'the fleet changed';
  await run.tools.journal.write({ action: stage.id, phase: 'result', outcome: 'failed', text: says.join('; ') });
  stop(run, stage, 'failed', `${what}: ${says.join('; ')}`);
  if (run.progress.changedAnything) return false;
  if (!isLost)
    throw new RunbookError('changed', 'The fleet is not as it was when the plan was made.', {
      facts: says,
      next: ['redis-runbook status', 'redis-runbook recover'],
    });
  const hosts = [...new Set(wrong.flatMap(({ node }) => entryOf(run.tools, node)?.host ?? []))];
  throw new RunbookError('unreachable', `${hosts.join(', ')} cannot be seen any more. Nothing was changed.`, {
    facts: says,
    next: [
      'redis-runbook status',
      `redis-runbook recover --without ${hosts.join(',')} --reason "..."   when what it holds is given up`,
    ],
  });
}

/** A fleet that changed under a run that was taken over was changed by who has it now. */
async function isTakenOver(run: Run, stage: Stage): Promise<boolean> {
  const lost = run.memory.lost ?? (await lostNow(at(run, stage.id)));
  if (lost === undefined) return false;
  run.memory.lost = lost;
  run.progress.lockLost = true;
  const says = [lost.message, ...lost.facts].map((part) => part.replace(/\.$/, '')).join('; ');
  await run.tools.journal.write({ action: stage.id, phase: 'result', outcome: 'failed', text: says });
  stop(run, stage, 'failed', says);
  return true;
}

async function journalEnd(run: Run): Promise<void> {
  const { outcome, stoppedIn, stoppedWhy, done, unknown, changedAnything: changed } = run.progress;
  const text = stoppedIn === undefined ? (stoppedWhy ?? outcome) : `in ${stoppedIn}: ${stoppedWhy}`;
  const word = outcome === 'stopped' ? 'skipped' : outcome;
  await run.tools.journal.write({
    action: 'run',
    phase: 'result',
    outcome: word,
    text,
    detail: { done, unknown, changed },
  });
}
