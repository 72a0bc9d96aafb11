import type { LeftOutHost } from './left-out.js';
import type { From } from './seen.js';

export type Path = 'nothing' | 'failover' | 'sentinels-only' | 'live' | 'cold';

/** A position in a replication history. */
export interface HistoryPoint {
  readonly replid: string;
  readonly offset: bigint;
  /** `exact`, or `at-least`: the node's own end was recorded by nobody, but others prove that it reached this offset. */
  readonly precision: 'exact' | 'at-least';
}

export interface Evidence {
  /** `E1`, `E2`, … in the order of the claims. */
  readonly id: string;
  readonly from: From;
  /** Short place for the table: `redis log 01:13:15`, `dump.rdb header`. */
  readonly place: string;
  readonly says: string;
  /** The line or field itself, for -v. */
  readonly raw?: string;
}

/** A sentence of the verdict and what speaks for it. */
export interface Claim {
  readonly says: string;
  readonly standing: 'proved' | 'claimed' | 'unknown';
  readonly evidence: readonly Evidence[];
}

/** How one candidate's data stands to another node's. */
export type Relation =
  /** `lagBytes`: how far the other is behind; absent where its own end is not recorded. */
  | { readonly kind: 'contains'; readonly lagBytes?: bigint; readonly why: string }
  | { readonly kind: 'equal'; readonly why: string }
  | { readonly kind: 'contained'; readonly lagBytes?: bigint; readonly why: string }
  | {
      readonly kind: 'forked';
      /** Last shared offset of the shared history. */
      readonly cut: bigint;
      readonly ownBytes: bigint;
      readonly otherBytes: bigint;
      /** The end of the other was recorded by nobody: its bytes are only that there are any. */
      readonly otherEndUnknown?: true;
      readonly why: string;
    }
  /** The other node is a crashed former master whose own end nobody recorded: it may hold writes past the cut. */
  | { readonly kind: 'possible-tail'; readonly cut: bigint; readonly boundSeconds?: number; readonly why: string }
  | { readonly kind: 'empty'; readonly why: string }
  | { readonly kind: 'incomparable'; readonly why: string };

export type CandidateVerdict =
  | 'freshest'
  | 'same-as-freshest'
  | 'behind'
  | 'split-off'
  | 'possible-tail'
  | 'empty'
  | 'incomparable'
  | 'unknown';

export interface Candidate {
  readonly node: string;
  readonly verdict: CandidateVerdict;
  readonly end?: HistoryPoint;
  /** What the node would load at its next start, or holds now: number of keys, undefined when not known yet. */
  readonly wouldLoadKeys?: bigint;
  readonly source: 'running' | 'rdb' | 'aof' | 'nothing' | 'unknown';
  readonly versus: Readonly<Record<string, Relation>>;
  /** Why its server would refuse the RDB file that it has; absent where nothing is known against it. */
  readonly wontLoad?: string;
  /** Nodes whose server is too old to copy from this one, were it master; absent where none is known to be. */
  readonly tooOld?: readonly { readonly node: string; readonly why: string }[];
  readonly speaksFor: readonly string[];
  readonly speaksAgainst: readonly string[];
}

/** Something that only the operator may accept, and the words that accept it. */
export type Consent =
  | {
      readonly kind: 'accept-loss';
      /** The winner, whose name is typed: the lost writes are on no disk. */
      readonly node: string;
      readonly seconds?: number;
      readonly why: string;
    }
  | {
      readonly kind: 'set-aside';
      readonly node: string;
      readonly ownBytes?: bigint;
      readonly seconds?: number;
      readonly why: string;
    }
  | { readonly kind: 'shrunk'; readonly node: string; readonly why: string };

export interface Finding {
  /** kebab-case, stable. */
  readonly id: string;
  readonly severity: 'error' | 'warning' | 'note';
  readonly nodes: readonly string[];
  readonly says: string;
  /** True when no plan may be carried out while it holds. */
  readonly blocks: boolean;
  readonly next?: string;
}

/** An edge of the drawing: one history growing out of another. */
export interface HistoryEdge {
  readonly parent: string;
  readonly child: string;
  /** Last shared offset. */
  readonly cut: bigint;
  readonly how: 'promotion' | 'restart' | 'followed';
  /** `HH:MM:SS` of the log line that tells it, on the clock of its host; absent where no line does. */
  readonly when?: string;
  readonly proof: string;
}

export interface Lineage {
  /** Histories in the order of descent, each with a letter for screens. */
  readonly histories: readonly { readonly replid: string; readonly letter: string; readonly bornOn?: string }[];
  readonly edges: readonly HistoryEdge[];
  readonly ends: readonly { readonly node: string; readonly end: HistoryPoint }[];
}

export interface PathChoice {
  readonly recommended: Path;
  readonly why: string;
  /** The gentler paths that were not chosen, gentlest first, with the reason. */
  readonly ruledOut: readonly { readonly path: Path; readonly why: string }[];
  /** The harder paths that are not possible here either, gentlest first, with the reason; absent: any of them is. */
  readonly impossible?: readonly { readonly path: Path; readonly why: string }[];
}

/** An effect that diagnosis needs answered before it can decide; the survey answers, then diagnosis is called again. */
export type Question =
  | { readonly kind: 'aof-contained'; readonly of: string; readonly within: string }
  /** Whether a FLUSHALL or FLUSHDB stands in what the node would load, and how much follows it. */
  | { readonly kind: 'aof-flushed'; readonly of: string };

export interface Naive {
  readonly rule: 'largest AOF' | 'newest file' | 'highest offset' | "Sentinel's own order" | 'highest config-epoch';
  /** Undefined: the rule has no answer here. */
  readonly node?: string;
}

export interface Diagnosis {
  readonly schema: 'redis-runbook/diagnosis/1';
  readonly group: string;
  /** ISO 8601 UTC of the survey. */
  readonly at: string;
  readonly state: 'healthy' | 'sentinel-at-work' | 'degraded' | 'down' | 'unknown';
  /** One to four sentences, plain text, what is true. */
  readonly headline: readonly string[];
  readonly claims: readonly Claim[];
  readonly unknown: readonly string[];
  readonly findings: readonly Finding[];
  readonly candidates: readonly Candidate[];
  /** The node that may become master without anybody giving anything up, or with the consents below. */
  readonly winner?: string;
  /** The one node that serves as master now; absent when none does, or more than one that the sentinels do not agree on. */
  readonly serving?: string;
  readonly consents: readonly Consent[];
  readonly possibleTails: readonly { readonly node: string; readonly boundSeconds?: number }[];
  /** Writes that are on no disk, at most, as seconds and why; absent when nothing of the kind is known. */
  readonly onNoDisk?: {
    readonly seconds?: number;
    readonly newestFile?: string;
    /** When the newest file began to be written, ISO 8601 UTC by its own host's clock: every later write is named by this. */
    readonly savedAt?: string;
    /** They were lost in a life before the one that the last master's own log tells of; what is there now may be whole. */
    readonly earlier?: true;
    readonly why: string;
  };
  readonly lineage: Lineage;
  readonly naive: readonly Naive[];
  /** Hosts that runs left out and that were not rejoined since, by what the other hosts remember. */
  readonly leftOut: readonly LeftOutHost[];
  readonly epochs: { readonly highestEpoch: bigint; readonly nextEpoch: bigint; readonly from: string };
  readonly path: PathChoice;
  readonly questions: readonly Question[];
}
