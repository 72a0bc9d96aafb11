import type { Path } from './diagnosis.js';
import type { LeftOutHost } from './left-out.js';

/** A value that a config directive is set to: literal words, or the secret that another directive of the same file holds. */
export type SetValue = readonly string[] | { readonly sameSecretAs: string };

/**
 * A change of one config file by directive, applied by a pure function to the text as read after the file's owner was
 * stopped. Redis: `set`/`drop` by directive. Sentinel: the strip algorithm for one group.
 */
export type FileIntent =
  | {
      readonly kind: 'redis.conf';
      readonly set: readonly { readonly directive: string; readonly value: SetValue }[];
      readonly drop: readonly string[];
    }
  | {
      readonly kind: 'sentinel.conf';
      readonly group: string;
      readonly master: { readonly host: string; readonly port: number };
      /** One epoch for config-epoch and current-epoch: at least this; raised when the file as read holds a higher one. */
      readonly epoch: bigint;
      /** Ids of sentinels that are decommissioned; every other known-sentinel line stays. */
      readonly forget: readonly string[];
    };

/** What a person is told about an action. Output only: nothing of it is ever read back and carried out. */
export interface Described {
  readonly text: string;
  /** The exact commands that would do the same by hand, one per line. */
  readonly commands: readonly string[];
  /** Unified lines (` `, `+`, `-`), secrets replaced. */
  readonly diff?: readonly string[];
  readonly expect: string;
  readonly hazard?: string;
  readonly undo: string;
  readonly verify?: string;
}

interface ActionBase {
  /** `stage/host/kind/n`, stable for the same plan. */
  readonly id: string;
  readonly host: string;
  /** The node touched; the host's name for actions on the host itself. */
  readonly node: string;
  readonly says: Described;
}

export type StopMode = 'save' | 'without-saving' | 'already-stopped';

/** Everything that a run may do to a fleet. A closed union of values: no code, no secret. */
export type Action = ActionBase &
  /** `over`: runs whose lock on this host may be taken, because they ended and left the host out. */
  (
    | { readonly kind: 'lock.take'; readonly over?: readonly string[] }
    | { readonly kind: 'lock.release' }
    | { readonly kind: 'service.hold' }
    | { readonly kind: 'service.release' }
    | {
        readonly kind: 'service.stop';
        readonly mode: StopMode;
        /** It takes writes and is to follow another: it is fenced, and refused when it went past this offset since it was looked at. */
        readonly notBeyond?: bigint;
      }
    | { readonly kind: 'service.start'; readonly as: 'master' | 'replica' | 'sentinel' }
    /** Running node: BGSAVE and wait for it, so that the file kept next is fresh. */
    | { readonly kind: 'data.save' }
    /** Link, reflink or copy every data file into the run's directory beside them, hash and verify. */
    | {
        readonly kind: 'data.keep';
        readonly moment: 'before-stop' | 'after-stop';
        /** The kept files also come to the operator's machine: they are set aside, or may hold what nobody else has. */
        readonly alsoHere: boolean;
      }
    | { readonly kind: 'config.keep'; readonly path: string }
    | { readonly kind: 'config.rewrite'; readonly path: string; readonly intent: FileIntent }
    /** Read back, compare with the intent, trial start of a copy. */
    | { readonly kind: 'config.check'; readonly path: string; readonly intent: FileIntent }
    /** What the node would load: from its kept files, in a scratch server or by reading them. */
    | { readonly kind: 'data.check'; readonly expectedKeys?: bigint; readonly as: 'master' | 'replica' }
    /** The files kept after the stop are hashed, once the group serves. */
    | { readonly kind: 'data.verify' }
    /** Pause writes on the starting master, renewed until `fence.lift`. */
    | { readonly kind: 'fence.raise' }
    | { readonly kind: 'fence.lift' }
    /** BGREWRITEAOF and wait, before clients may write: a torn MULTI would swallow every later write. */
    | { readonly kind: 'aof.rewrite' }
    /** Write on this host which hosts the run leaves out. */
    | {
        readonly kind: 'left-out.note';
        readonly leaves: readonly { readonly host: string; readonly why: string }[];
      }
    /** Mark on this host that these, which runs left out, take part again. */
    | { readonly kind: 'left-out.done'; readonly back: readonly LeftOutHost[] }
    /** Takes back what this run did with `of`; `found` is what its journal remembered of it. */
    | { readonly kind: 'undo'; readonly of: Action; readonly found: Readonly<Record<string, unknown>> }
  );

export type ActionKind = Action['kind'];
export type ActionOf<K extends ActionKind> = Extract<Action, { kind: K }>;

/** A fact that is waited for, with a limit. Conditions are seen, never slept for. */
export type Condition = { readonly id: string; readonly says: string; readonly limitMs: number } & (
  | { readonly kind: 'stopped'; readonly nodes: readonly string[] }
  | { readonly kind: 'is-master'; readonly node: string }
  | { readonly kind: 'data-loaded'; readonly node: string }
  | { readonly kind: 'linked-to'; readonly node: string; readonly master: string }
  | { readonly kind: 'caught-up-with'; readonly node: string; readonly master: string }
  | {
      readonly kind: 'sentinels-agree';
      readonly group: string;
      readonly master: string;
      readonly sentinels: readonly string[];
      readonly replicas: readonly string[];
    }
  | { readonly kind: 'quorum'; readonly group: string; readonly sentinels: readonly string[] }
  | { readonly kind: 'nothing-held'; readonly nodes: readonly string[] }
  | { readonly kind: 'files-as-planned'; readonly nodes: readonly string[] }
  /** Facts that were true before a run are true again. */
  | { readonly kind: 'as-before'; readonly facts: readonly Fact[] }
);

export interface Batch {
  /** Actions by host; the lanes run side by side, the actions of a lane in order. */
  readonly lanes: Readonly<Record<string, readonly Action[]>>;
  readonly then: readonly Condition[];
}

/** A fact of the survey that must still hold when a stage begins. */
export interface Fact {
  readonly node: string;
  readonly fact: 'process' | 'run-id' | 'replication-id' | 'role' | 'answers';
  readonly value: string;
}

export type Gate = 'hold-keep' | 'stop-rewrite-check' | 'start';

export interface Stage {
  /** `1 HOLD` is `{id: 'hold', title: 'HOLD'}` at index 0. */
  readonly id: string;
  readonly title: string;
  readonly why: string;
  /** The question that is asked before this stage (and covers the following stages without a gate). */
  readonly gate?: Gate;
  readonly needs: readonly Fact[];
  readonly batches: readonly Batch[];
  /** What is true if the operator walked away after this stage. */
  readonly now: string;
}

export interface Plan {
  readonly schema: 'redis-runbook/plan/1';
  readonly group: string;
  readonly runbook: string;
  readonly path: Path;
  readonly master: string;
  readonly replicas: readonly string[];
  readonly sentinels: readonly string[];
  /** Hosts that are touched. */
  readonly hosts: readonly string[];
  /**
   * Hosts that are left out because they could not be reached, and nodes that stay held because they could not copy from
   * the master (`node`); what must be done before they may start.
   */
  readonly leftOut: readonly {
    readonly host: string;
    readonly node?: string;
    readonly why: string;
    readonly next: string;
  }[];
  /** The host that comes back, where that is all that the plan does. */
  readonly rejoins?: string;
  readonly setAside: readonly string[];
  readonly acceptedLoss?: string;
  readonly reason?: string;
  /** Hash over the canonical facts of the survey: who answers, run ids, replication ids, roles, the operator's own lines. */
  readonly fingerprint: string;
  readonly epoch: bigint;
  readonly expectedKeys?: bigint;
  readonly downtimeSeconds: number;
  readonly stages: readonly Stage[];
  /** Other groups that the same sentinels watch: they have no automatic failover while those are held. Left out: none. */
  readonly withoutFailover?: readonly string[];
  /** What Sentinel would have run and now does not: scripts to run by hand, with Sentinel's own arguments. */
  readonly scripts: readonly string[];
}

/** All actions of a plan in order of stages, batches and lanes. */
export function actionsOf(plan: Plan): readonly Action[] {
  return plan.stages.flatMap((stage) => stage.batches.flatMap((batch) => Object.values(batch.lanes).flat()));
}
