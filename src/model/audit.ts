import type { NotSeen } from './seen.js';

export type Severity = 'error' | 'warning' | 'info';

/** What goes wrong when the rule is broken; one folder of rules each. In the order in which screens show them. */
export const ruleClasses = [
  'will-not-start',
  'data-loss',
  'failover',
  'security',
  'recovery',
  'drift',
  'performance',
] as const;
export type RuleClass = (typeof ruleClasses)[number];

export const profiles = ['dev', 'single-host-lab', 'production'] as const;
export type Profile = (typeof profiles)[number];

/** What a rule is asked about, one by one: each redis node, sentinel or both (`node`), each host, or each group (`cross-node`, `topology`). */
export type Scope = 'node' | 'redis' | 'sentinel' | 'host' | 'cross-node' | 'topology';

/** A line of a file on a host, as a finding shows it. */
export interface Excerpt {
  readonly host: string;
  readonly node: string;
  readonly file: string;
  /** 1-based; undefined = the directive is in no line of the file */
  readonly line?: number;
  /** 1-based */
  readonly column?: number;
  /** The line with every secret replaced by `(secret A)`, equal letters for equal secrets; '' where there is no line. */
  readonly text: string;
}

/** One line to change; secrets as in excerpts. No `old`: a line to add. No `now`: a line to remove. */
export interface Edit {
  readonly host: string;
  readonly file: string;
  readonly line?: number;
  readonly old?: string;
  readonly now?: string;
}

export interface Waiver {
  /** Rule id as in the policy file. */
  readonly rule: string;
  readonly host?: string;
  readonly port?: number;
  readonly reason: string;
  /** The last day on which it counts, `2027-01-31`. */
  readonly until?: string;
}

/** A mistake in the words of the server. */
export interface ServerSays {
  readonly says: string;
  /** It stops here: of all mistakes it reports this one only. */
  readonly stopsHere: boolean;
}

export interface AuditFinding {
  readonly rule: string;
  readonly class: RuleClass;
  readonly severity: Severity;
  readonly title: string;
  readonly group?: string;
  readonly host?: string;
  readonly node?: string;
  readonly port?: number;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  readonly message: string;
  /** For what keeps a server from starting. */
  readonly server?: ServerSays;
  /** Lines of every host that the finding is about, side by side. */
  readonly excerpt: readonly Excerpt[];
  readonly fix: { readonly says: string; readonly edits: readonly Edit[] };
  /** The built-in runbook that repairs it. */
  readonly runbook?: string;
  readonly waived?: Waiver;
}

/** A question that a rule could not answer, and why. Never a pass. */
export interface NotChecked {
  readonly rule: string;
  readonly class: RuleClass;
  readonly group?: string;
  readonly host?: string;
  readonly node?: string;
  /** The readings that were needed and not there. */
  readonly missing: readonly NotSeen[];
}

/** What a server of this machine did with copies of a node's files (`audit --confirm`). */
export interface Confirmation {
  readonly host: string;
  readonly node: string;
  /**
   * `agrees`: of everything that could be tried the server says what the audit says; `differs`: it does not;
   * `not-tried`: no server read the files.
   */
  readonly outcome: 'agrees' | 'differs' | 'not-tried';
  /** The server that read them, `redis-7.0.15`. */
  readonly by?: string;
  /** One sentence: how it went, or why it was not tried. */
  readonly says: string;
  /** Line by line, the findings of the node and what the server found beyond them. */
  readonly lines: readonly ConfirmedLine[];
}

/** One line that the audit or the server does not like. */
export interface ConfirmedLine {
  readonly file: string;
  /** 1-based; undefined where the server named no line */
  readonly line?: number;
  /** The rule of the finding; undefined for what only the server found. */
  readonly rule?: string;
  readonly outcome: 'confirmed' | 'differs' | 'not-confirmed';
  /** The server's own words, or why it was not asked. */
  readonly says: string;
}

/** What an audit of one fleet found. */
export interface AuditReport {
  readonly fleet: string;
  /** Where the facts come from. */
  readonly from: 'live' | 'survey' | 'files';
  /** ISO 8601 UTC */
  readonly at: string;
  readonly groups: readonly string[];
  /** `redis-7.0.15`; several where the nodes run several. */
  readonly targets: readonly string[];
  /** Nothing said the version: the files were read by the rules of `targets`. */
  readonly targetAssumed: boolean;
  readonly profile: Profile;
  readonly hosts: readonly string[];
  /** Hosts that could not be looked at at all. */
  readonly unreached: readonly string[];
  /** Worst first. */
  readonly findings: readonly AuditFinding[];
  readonly notChecked: readonly NotChecked[];
  readonly passed: number;
  readonly notApplicable: number;
  /** Findings of the baseline that are still there and are not listed. */
  readonly inBaseline: number;
  /** With `--confirm`: every node of the fleet. */
  readonly confirmations?: readonly Confirmation[];
  /** Things about the input that a person should know: ignored files, waivers that matched nothing. */
  readonly notes: readonly string[];
}
