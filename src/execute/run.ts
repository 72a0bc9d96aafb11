import type { Plan, Stage } from '../model/plan.js';
import type { RunEvent, RunResult } from '../model/run.js';
import { changedAnything } from './past.js';
import type { At, ExecuteOptions, Memory, Tools } from './tools.js';

/** How far a run came and why it ended. Filled in while it works. */
export interface Progress {
  done: number;
  unknown: number;
  total: number;
  changedAnything: boolean;
  /** The run was cut off before and takes its locks again: what refuses them ends it. */
  picksUp: boolean;
  outcome: RunResult['outcome'];
  stoppedIn?: string;
  stoppedWhy?: string;
  servingSince?: string;
  /** The run's lock is another's by now, or could not be kept. */
  lockLost?: true;
  /** The stage under way, for the locks' `doing`. */
  doing: string;
  readonly proof: { check: string; ok: boolean; says: string }[];
}

/** One run under way: what it works with, what it asks and tells, how far it came. */
export interface Run {
  readonly plan: Plan;
  /** What of the plan is to be done: all of it, or what an earlier part of the run left. */
  readonly stages: readonly Stage[];
  readonly tools: Tools;
  readonly options: ExecuteOptions;
  readonly memory: Memory;
  readonly progress: Progress;
}

/** A run that has not begun. */
export function newRun(plan: Plan, tools: Tools, options: ExecuteOptions): Run {
  const batches = plan.stages.flatMap((stage) => stage.batches);
  const total = batches.reduce((sum, batch) => sum + Object.values(batch.lanes).flat().length + batch.then.length, 0);
  const progress: Progress = {
    done: options.resumption?.behind ?? 0,
    unknown: 0,
    total,
    changedAnything: options.resumption !== undefined && changedAnything(plan, options.resumption.past),
    picksUp: false,
    outcome: 'done',
    doing: 'beginning',
    proof: [],
  };
  const memory: Memory = {
    locks: new Map(),
    claimed: new Map(),
    renewedAtMs: new Map(),
    fences: new Map(),
    copies: new Map(),
    notCopied: new Set(),
    checked: new Map(),
    gone: new Map(),
    stopped: new Map(),
    leaving: new Map(),
    raised: new Map(),
    readers: new Map(),
    credentials: new Map(),
  };
  return { plan, stages: options.resumption?.stages ?? plan.stages, tools, options, memory, progress };
}

/** Notes why and where the run ends; the first reason stays, but `unknown` outranks the others. */
export function stop(run: Run, stage: Stage, outcome: 'stopped' | 'failed' | 'unknown', why: string): void {
  const { progress } = run;
  const rank = { done: 0, stopped: 1, failed: 2, unknown: 3 } as const;
  if (rank[outcome] <= rank[progress.outcome]) return;
  progress.outcome = outcome;
  progress.stoppedIn = stage.title;
  progress.stoppedWhy = why;
}

/** Ends a run that was asked to end: by Ctrl-C and its like, or because somebody else goes on with it. */
export function stopAsked(run: Run, stage: Stage): void {
  const to = run.options.handover?.asked()?.to;
  stop(run, stage, 'stopped', to === undefined ? 'asked to stop' : `handed over to ${to}`);
}

/** Tells those who watch; what they throw stops nothing. */
export function emit(run: Run, event: RunEvent): void {
  try {
    run.options.onEvent(event);
  } catch {
    // A renderer that lost its terminal must not stop an action half way.
  }
}

/** Where an action, a condition or a check of this run works. */
export function at(run: Run, id: string, limitMs?: number): At {
  return {
    tools: run.tools,
    plan: run.plan,
    memory: run.memory,
    signal: run.options.now,
    ...(limitMs === undefined ? {} : { limitMs }),
    evidence: async (text, detail) => {
      await run.tools.journal.write({ action: id, phase: 'evidence', text, ...(detail ? { detail } : {}) });
    },
    note: (text) => emit(run, { type: 'note', text }),
    waiting: (says, seen, elapsedMs, limitMs) => emit(run, { type: 'waiting', id, says, seen, elapsedMs, limitMs }),
  };
}
