/** One line of a run's journal; parallel lanes interleave. `prev` is the hash of the line before. */
export interface JournalLine {
  readonly n: number;
  readonly prev: string;
  /** On the first line: `redis-runbook/journal/1`. */
  readonly schema?: string;
  /** ISO 8601 UTC */
  readonly at: string;
  readonly run: string;
  /** Action id, condition id, stage id, or `run` for the run itself. */
  readonly action: string;
  readonly phase: 'intent' | 'result' | 'evidence';
  readonly outcome?: 'done' | 'failed' | 'unknown' | 'skipped';
  readonly text: string;
  readonly detail?: Readonly<Record<string, unknown>>;
}

export type Outcome = 'done' | 'failed' | 'unknown' | 'skipped';

/** What a run tells those who watch it; renderers turn these into lines. */
export type RunEvent =
  | { readonly type: 'stage-begun'; readonly index: number; readonly title: string; readonly at: string }
  | {
      readonly type: 'action-ended';
      readonly id: string;
      readonly node: string;
      readonly outcome: Outcome;
      readonly text: string;
      readonly elapsedMs: number;
    }
  | {
      readonly type: 'waiting';
      readonly id: string;
      readonly says: string;
      readonly seen: string;
      readonly elapsedMs: number;
      readonly limitMs: number;
    }
  | {
      readonly type: 'condition-ended';
      readonly id: string;
      readonly outcome: Outcome;
      readonly says: string;
      readonly seen: string;
      readonly elapsedMs: number;
    }
  | { readonly type: 'stage-ended'; readonly title: string; readonly now: string }
  | { readonly type: 'note'; readonly text: string };

export interface RunResult {
  readonly schema: 'redis-runbook/run/1';
  readonly run: string;
  readonly group: string;
  /** Who is master by what the run did: the plan's, or the one that Sentinel chose. */
  readonly master?: string;
  readonly outcome: 'done' | 'stopped' | 'failed' | 'unknown';
  /** Where it stopped, when it did. */
  readonly stoppedIn?: string;
  readonly stoppedWhy?: string;
  readonly done: number;
  readonly open: number;
  readonly unknown: number;
  readonly changedAnything: boolean;
  /** Somebody took the run over, or its lock could not be kept: it is not this process's to go on with. */
  readonly lockLost?: true;
  /** Who goes on with it; nobody else does unasked. */
  readonly handedTo?: string;
  readonly proof: readonly { readonly check: string; readonly ok: boolean; readonly says: string }[];
  /** `tail`: a node whose kept files may hold last writes that nobody compared yet. */
  readonly leftToDo: readonly { readonly says: string; readonly next?: string; readonly tail?: string }[];
  readonly servingSince?: string;
  readonly directory: string;
}
