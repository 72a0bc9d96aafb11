import type { Action, Stage } from '../model/plan.js';
import type { Outcome } from '../model/run.js';

/** What a journal says of a run: how each action, condition and stage stands, what was remembered of it. */
export interface Past {
  /** By id; `begun` = it has an intent and no result: nobody knows how it ended. */
  readonly stands: ReadonlyMap<string, Outcome | 'begun'>;
  /** Ids that this run may have carried out itself: not those that it only found done already. */
  readonly own: ReadonlySet<string>;
  /** By id, what the evidence and the result of it hold, the later over the earlier. */
  readonly details: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  /** By id, ISO 8601 UTC: when the run last began to carry it out. */
  readonly begunAt: ReadonlyMap<string, string>;
  /** `stands` as far as copies on the hosts told it, where the run was brought from them. */
  readonly brought?: ReadonlyMap<string, Outcome | 'begun'>;
}

/** How a run that was cut off goes on. */
export interface Resumption {
  readonly past: Past;
  /** `undo`: the plan takes the run back. */
  readonly direction?: 'undo';
  /** What is still to be done, stage by stage; stages with nothing left are not in it. */
  readonly stages: readonly Stage[];
  /** Locks that the run had taken, or was taking: taken again before anything else. */
  readonly retake: readonly Action[];
  /** Finished actions whose effect must still be there. */
  readonly verify: readonly Action[];
  /** How many actions and conditions need no second time. */
  readonly behind: number;
}
