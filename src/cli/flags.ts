/** What the global flags choose among what could be looked at. */
export interface SelectFlags {
  readonly group: string | undefined;
  /** Path of a saved survey that is judged instead of the fleet. */
  readonly survey: string | undefined;
}

/** Where a fleet is searched from, when there is no fleet file. */
export interface SearchFlags {
  /** As typed; empty = the fleet file says it. */
  readonly hosts: readonly string[];
  /** Files and directories to look for config files in. */
  readonly conf: readonly string[];
}

export interface StatusFlags extends SelectFlags, SearchFlags {
  readonly why: boolean;
  readonly watch: boolean;
  /** Path to write the RawHosts to. */
  readonly save: string | undefined;
}

/** What the operator decides about the plan on the command line. Lists are empty when their flag was not given. */
export interface RecoverFlags extends SelectFlags, SearchFlags {
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly step: boolean;
  readonly path: string | undefined;
  readonly promote: string | undefined;
  readonly setAside: readonly string[];
  readonly acceptLoss: string | undefined;
  readonly without: readonly string[];
  readonly hostIsOff: readonly string[];
  readonly reason: string | undefined;
  readonly out: string | undefined;
  readonly markdown: boolean;
  /** How long to queue up behind a holder of the lock that lives. */
  readonly wait: string | undefined;
  /** Go on in a process that outlives this terminal. */
  readonly detach: boolean;
  /** The id of the run whose holder is gone. */
  readonly takeOver: string | undefined;
}

export interface RejoinFlags
  extends SelectFlags,
    Pick<RecoverFlags, 'dryRun' | 'yes' | 'step' | 'setAside' | 'reason'> {
  readonly host: string;
}

export interface ResumeFlags extends SelectFlags {
  readonly run: string | undefined;
  readonly yes: boolean;
  readonly step: boolean;
  /** How long to queue up behind a holder that lives, as `10m`. */
  readonly wait: string | undefined;
  /** Its holder is gone, and the operator typed the run's id. */
  readonly takeOver: boolean;
}

export interface HandoverFlags extends SelectFlags {
  /** The run that has the lock, where none is named. */
  readonly run: string | undefined;
  readonly to: string | undefined;
  readonly note: string | undefined;
}

export interface CleanFlags extends SelectFlags {
  /** All ended runs of the fleet where none is named. */
  readonly run: string | undefined;
  readonly apply: boolean;
  /** Nodes whose kept files the operator compared. */
  readonly compared: readonly string[];
  readonly reason: string | undefined;
}

export interface PlanFlags extends Omit<RecoverFlags, 'hosts' | 'conf'> {
  /** Name or file of a runbook; undefined = the recommended recovery. */
  readonly runbook: string | undefined;
}

export interface RunbookFlags extends SelectFlags {
  readonly sub: 'list' | 'show' | 'check';
  readonly name: string | undefined;
  readonly markdown: boolean;
}

export interface HistoryFlags extends SelectFlags {
  readonly sub: 'list' | 'show';
  readonly run: string | undefined;
  /** Show a run while it works, until it ends. */
  readonly follow: boolean;
}

export interface ReportFlags extends SelectFlags {
  readonly run: string | undefined;
}

export interface AuditFlags extends SelectFlags {
  /** `--fleet` as given; what is found without it does not count beside PATHs. */
  readonly fleet: string | undefined;
  readonly paths: readonly string[];
  readonly target: string | undefined;
  readonly failOn: 'error' | 'warning' | 'info';
  readonly strict: boolean;
  /** Start servers of this machine with copies that touch nothing. */
  readonly confirm: boolean;
  readonly policy: string | undefined;
  readonly profile: string | undefined;
  readonly baseline: string | undefined;
  readonly format: 'table' | 'json' | 'markdown';
  readonly listRules: boolean;
}

export interface ExplainFlags {
  readonly word: string;
}

export interface SalvageFlags {
  readonly sub: 'list' | 'show' | 'collect' | 'apply';
  readonly run: string | undefined;
  /** A pattern as the shell has it; undefined = every key. */
  readonly only: string | undefined;
  /** Show the names of the keys, on a terminal. */
  readonly keys: boolean;
  readonly dryRun: boolean;
  readonly yes: boolean;
}
