import type { HistoryEdge } from '../model/diagnosis.js';
import type { Life } from './life.js';
import type { LoggedEvidence } from './names.js';
import type { Held } from './stored.js';

/** An edge of the history graph with what proves it. `exact`: the cut is the promotion's own record, not a lower bound. */
export interface ProvenEdge extends HistoryEdge {
  readonly exact: boolean;
  /** The child counts its offsets from 0 again; the first of them already holds the parent up to the cut. */
  readonly fresh?: true;
  readonly evidence: LoggedEvidence;
}

/** The node was started again as master from an AOF that held all that it had of `held`; `child`: the id that it drew, once the log names it. */
export interface Restart {
  readonly held: Held;
  readonly child?: string;
}

/**
 * The stretch of a node's life in one history. `id` is undefined after a restart as master: Redis draws a new
 * replication id and logs nothing about it. Known all the same where it asks a master with
 * that id later: as a replica in the same life, or in the next one.
 */
export interface Span {
  readonly id?: string;
  readonly as: 'origin' | 'follower' | 'restarted';
  readonly beganMs?: number;
  /** The address that was followed, where the log names it. */
  readonly of?: string;
}

/** The node had `offset` of `id` at this moment of its own clock. */
export interface Mark {
  readonly id: string;
  readonly offset: bigint;
  readonly ms: number;
}

/** What one node's own log says about the histories that it lived in, oldest first. */
export interface Timeline {
  readonly node: string;
  readonly spans: readonly Span[];
  readonly edges: readonly ProvenEdge[];
  readonly restarts: readonly Restart[];
  /** Offsets that a history is proved to have reached, by this node's own log. The node may hold less by now. */
  readonly reached: ReadonlyMap<string, bigint>;
  readonly marks: readonly Mark[];
  /** When the last replica was lost with none seen again, on the log's own clock; undefined while one was linked to the end. */
  readonly replicasLostAtMs?: number;
  readonly hadReplicas: boolean;
  /** The life (from one start to the next) in which the node last took part in a named history, when there is one. */
  readonly served?: Life;
  /** What the memory held when that life ended; absent while a full copy was under way, or when the log does not say. */
  readonly servedHeld?: Held;
  /** Starts after that life: the node was booted again and nothing in its log names a history since. */
  readonly bootedSince: number;
  /** The last start was of 6.2 or earlier: a master that starts from a file counts its new history from 0. */
  readonly countsAnew: boolean;
  /** Started again since `served`, and each time from its RDB file. */
  readonly bootedFromFile: boolean;
  /** The last life that the log shows, whether it named a history or not. */
  readonly lastLife?: Life;
  /** What the AOF holds, when the log proves that it was written to. */
  readonly aof?: Held;
  /** The AOF received what the memory received, to the end of the log. */
  readonly aofCurrent: boolean;
  /** The last life wrote lines as master behind the last history that it followed, and its log has no promotion: lines are missing. */
  readonly masterUntold: boolean;
  /** Histories of its own whose life ended without an orderly stop that saved, and without an AOF. */
  readonly unsaved: ReadonlySet<string>;
  /**
   * A life as master whose history the log does not name ended without an orderly stop that saved, and without an AOF; no
   * full copy replaced what the next one loaded.
   */
  readonly diedUnnamed: boolean;
  /**
   * Histories that it was promoted into with no link since its start: there was no backlog, and without one the offset stands
   * still whatever is written (replication.c:replicationFeedSlaves; seen on 7.0.15), until the first replica brings a new id.
   */
  readonly uncounted: ReadonlySet<string>;
  /** One of the lives since `served`, before the last one, did not end in an orderly stop that saved. */
  readonly bootUnsaved: boolean;
}
