/** How many of a bucket's newest are kept: a count, or every one there is. */
export type KeepCount = number | 'unlimited';

/** A span in restic's words, `2y5m7d3h`: calendar years and months, days, hours. */
export interface CalendarSpan {
  readonly years: number;
  readonly months: number;
  readonly days: number;
  readonly hours: number;
}

export const keepBuckets = ['hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const;
export type KeepBucket = (typeof keepBuckets)[number];

/** What is kept of one group's backups: the rules are joined by or. */
export interface KeepPolicy {
  readonly last?: KeepCount;
  readonly buckets: Readonly<Partial<Record<KeepBucket, KeepCount>>>;
  /** Everything not older than this before the newest good backup. */
  readonly within?: CalendarSpan;
  readonly withinBuckets: Readonly<Partial<Record<KeepBucket, CalendarSpan>>>;
  readonly tags: readonly string[];
}

/** What retention needs to know of one backup. */
export interface RetentionBackup {
  readonly id: string;
  /** ISO 8601 UTC: whose moment its data is. */
  readonly takenAt: string;
  readonly state: 'good' | 'bad' | 'unknown' | 'incomplete';
  /** When a drill last loaded it whole. */
  readonly drilledAt?: string;
  readonly pinned?: string;
  readonly tags: readonly string[];
}

export interface RetentionRow {
  readonly id: string;
  readonly keep: boolean;
  /** `last 1`, `daily 2`, `newest drilled`, `pinned 7K3Q`; for one that goes: why nothing keeps it. */
  readonly reasons: readonly string[];
}

/** Why pruning is refused, each with its word. */
export interface RetentionRefusal {
  readonly what: 'no-policy' | 'most-would-go' | 'newest-too-old' | 'clock';
  readonly text: string;
}

export interface RetentionPlan {
  /** Newest first. */
  readonly rows: readonly RetentionRow[];
  readonly refusals: readonly RetentionRefusal[];
}

/** Where a ping URL comes from: it is as good as a password to whoever has it. */
export type PingSource =
  | { readonly from: 'url'; readonly url: string }
  | { readonly from: 'env'; readonly name: string }
  | { readonly from: 'file'; readonly path: string };

/** `backup:` of fleet.yaml with its defaults filled in. */
export interface BackupSettings {
  /** Directory on this machine; left out: every backup command needs --repository. */
  readonly repository?: string;
  readonly keep: KeepPolicy;
  /** How old the newest good backup of a group may be. */
  readonly limitMs: number;
  /** How long what was pruned stays in the trash. */
  readonly trashMs: number;
  /** In which days, weeks and months begin: `UTC`, `Asia/Seoul`. */
  readonly timeZone: string;
  /** Directory of the textfile collector of node_exporter. */
  readonly metrics?: string;
  readonly ping?: PingSource;
}
