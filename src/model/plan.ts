import type { BackupKeyspace, BackupKind } from './backup.js';
import type { Path } from './diagnosis.js';
import type { LeftOutHost } from './left-out.js';

/** How far a master had come when its data was weighed against the others'. */
export interface Weighed {
  /** Its history; '' before 4.0. */
  readonly replid: string;
  readonly offset: bigint;
  /** Calls of writing commands: without a backlog its offset stands still while it takes writes. */
  readonly writes?: bigint;
}

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
      /** Ids of sentinels that are decommissioned, or that two sentinels had; every other known-sentinel line stays. */
      readonly forget: readonly string[];
      /** Its id is another sentinel's, too: the `myid` line goes, and a new one is drawn at the start (3.2 and later). */
      readonly newId?: true;
    }
  | {
      /** What an operator decides in a sentinel.conf; the file's sentinel must not run, for it would write its own over it. */
      readonly kind: 'sentinel.settings';
      readonly group: string;
      readonly quorum?: string;
      readonly statements: readonly { readonly sub: string; readonly words: readonly string[] }[];
      readonly dropStatements: readonly string[];
      /** Plain directives, as in a redis.conf. */
      readonly set: readonly { readonly directive: string; readonly value: SetValue }[];
      readonly drop: readonly string[];
    }
  | {
      /** Rules of users; never a password: those of a user that is gone are read from the backup when they are written. */
      readonly kind: 'users.acl';
      readonly users: readonly { readonly name: string; readonly rules: readonly string[] }[];
      /** The file of the backup that the plan names, as verified. */
      readonly stored: string;
      readonly sha256: string;
    };

/** A change of one config file of a node: its main file, or one that it includes. */
export interface FileChange {
  readonly path: string;
  readonly intent: FileIntent;
}

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

/** A file that a restored node will load, and where its bytes come from. */
export interface RestoredFile {
  /** A stored file of the backup by its path there (`data/dump.rdb`), or the text of a manifest made for it. */
  readonly from: { readonly stored: string } | { readonly text: string };
  /** Below the node's data directory: `dump.rdb`, `appendonlydir/appendonly.aof.1.base.rdb`. */
  readonly to: string;
  readonly sizeBytes: bigint;
  readonly sha256: string;
}

/** What a node will look for at its next start, by its config. A restore that finds anything else does not go on. */
export interface RestorePlace {
  readonly dir: string;
  readonly dbfilename: string;
  readonly appendonly: boolean;
  readonly appendfilename: string;
  readonly appenddirname: string;
}

/** The backup that a plan brings back, and what it is compared with. */
export interface RestoredBackup {
  readonly id: string;
  readonly kind: BackupKind;
  /** Where it is kept, and under which name there. */
  readonly repository: string;
  readonly fleet: string;
  readonly group: string;
  readonly name: string;
  /** Of its manifest, as it was verified. */
  readonly manifestSha256: string;
  /** ISO 8601 UTC: the moment whose data it is. */
  readonly takenAt: string;
  readonly sizeBytes: bigint;
  /** Counted in the data itself, those whose time was over too; missing where nothing could count them. */
  readonly databases?: readonly BackupKeyspace[];
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
        readonly notBeyond?: Weighed;
      }
    | { readonly kind: 'service.start'; readonly as: 'master' | 'replica' | 'sentinel' }
    /** Running node: BGSAVE and wait for it, so that the file kept next is fresh. */
    | { readonly kind: 'data.save' }
    /** Link, reflink or copy every data file into the run's directory beside them, hash and verify. */
    | {
        readonly kind: 'data.keep';
        /** `fenced`: running, with its writes paused, after a save of its own. */
        readonly moment: 'before-stop' | 'after-stop' | 'fenced';
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
    /** One command to one sentinel: the master is replaced without an election. `was`: the address that all name now. */
    | { readonly kind: 'sentinel.failover'; readonly group: string; readonly was: string }
    /** A running node becomes master, and its files say so. */
    | { readonly kind: 'role.lead'; readonly files: readonly FileChange[] }
    /** A running node becomes a replica of `master`, its files say so, and its clients are disconnected. */
    | {
        readonly kind: 'role.follow';
        readonly master: string;
        readonly files: readonly FileChange[];
        /** How far a node that is master now may have come: what it accepted since was never weighed. */
        readonly upTo?: Weighed;
        /** It is set aside and was kept under its fence: what it accepted after that is in no kept file. */
        readonly asKept?: true;
      }
    /** The files of a backup come to the run's directory beside the data: hidden there, read back, loaded by nobody. */
    | { readonly kind: 'data.send'; readonly place: RestorePlace; readonly files: readonly RestoredFile[] }
    /** A stopped node: its data files move to the run's directory, those that were sent take their place. */
    | {
        readonly kind: 'data.place';
        readonly place: RestorePlace;
        readonly files: readonly RestoredFile[];
      }
    /** A stopped node: its data files move to the run's directory, so that it starts empty and copies its master. */
    | { readonly kind: 'data.aside'; readonly place: RestorePlace }
    /** Keys of each database against the backup's, while writes are fenced; a node that differs is stopped again. */
    | { readonly kind: 'data.compare'; readonly databases?: readonly BackupKeyspace[] }
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
  /** All listed sentinels name one of `among` as master, it serves, and the other running nodes follow it. */
  | {
      readonly kind: 'failed-over';
      readonly group: string;
      readonly was: string;
      readonly among: readonly string[];
      readonly sentinels: readonly string[];
      readonly running: readonly string[];
    }
  /** No sentinel, listed in fleet.yaml or not, has a connection to any of these redis nodes. */
  | { readonly kind: 'no-sentinel-talks'; readonly nodes: readonly string[] }
  /** Each of these processes is the one that was surveyed: it was never restarted. */
  | { readonly kind: 'not-restarted'; readonly nodes: readonly { readonly node: string; readonly runId: string }[] }
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
  /** The master serves already, and goes on serving while the plan is carried out. */
  readonly serves?: true;
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
  /** Hosts that somebody has seen to be off. */
  readonly hostIsOff?: readonly string[];
  readonly acceptedLoss?: string;
  readonly reason?: string;
  /** Hash over the canonical facts of the survey: who answers, run ids, replication ids, roles, the operator's own lines. */
  readonly fingerprint: string;
  readonly epoch: bigint;
  readonly expectedKeys?: bigint;
  readonly downtimeSeconds: number;
  readonly stages: readonly Stage[];
  /** What this path leaves to do, with the next command. */
  readonly afterwards?: readonly { readonly says: string; readonly next: string }[];
  /** Other groups that the same sentinels watch: they have no automatic failover while those are held. Left out: none. */
  readonly withoutFailover?: readonly string[];
  /** What Sentinel would have run and now does not: scripts to run by hand, with Sentinel's own arguments. */
  readonly scripts: readonly string[];
  /** There when the group gets the data of a backup. */
  readonly restore?: RestoredBackup;
  /** There when config files get lines of a backup, which is all that the plan does. */
  readonly configsOf?: RestoredBackup;
}

/** All actions of a plan in order of stages, batches and lanes. */
export function actionsOf(plan: Plan): readonly Action[] {
  return plan.stages.flatMap((stage) => stage.batches.flatMap((batch) => Object.values(batch.lanes).flat()));
}
