import type { Evidence, HistoryEdge } from '../model/diagnosis.js';
import type { LogEvent } from '../model/formats.js';
import { known } from '../model/seen.js';
import type { RedisSurvey } from '../model/survey.js';

/** An edge of the history graph with what proves it. `exact`: the cut is the promotion's own record, not a lower bound. */
export interface ProvenEdge extends HistoryEdge {
  readonly exact: boolean;
  readonly evidence: Omit<Evidence, 'id'>;
}

/**
 * The stretch of a node's life in one history. `id` is undefined after a restart as master: Redis draws a new
 * replication id and logs nothing about it.
 */
export interface Span {
  readonly id?: string;
  readonly as: 'origin' | 'follower' | 'restarted';
  readonly beganMs?: number;
  /** After a restart: what the dataset was loaded from. */
  loaded?: 'rdb' | 'aof' | 'nothing';
}

/** What one node's own log says about the histories that it lived in, oldest first. */
export interface Timeline {
  readonly node: string;
  readonly spans: readonly Span[];
  readonly edges: readonly ProvenEdge[];
  /** Offsets of a history that the node is proved to have reached by its own log. */
  readonly reached: ReadonlyMap<string, bigint>;
  /** When the last replica was lost with none seen again, on the log's own clock; undefined while one was linked to the end. */
  readonly replicasLostAtMs?: number;
  readonly hadReplicas: boolean;
  /** The life (from one start to the next) in which the node last took part in a named history, when there is one. */
  readonly served?: Life;
  /** Starts after that life: the node was booted again and nothing in its log names a history since. */
  readonly bootedSince: number;
}

/** One life of a process: from its start line to the next one. Times are the log's own clock. */
export interface Life {
  readonly startedMs?: number;
  readonly lastMs?: number;
  /** The last save (BGSAVE or at the stop) of this life. */
  readonly savedMs?: number;
  /** The life ended with an orderly exit. */
  readonly clean: boolean;
}

interface Walk {
  readonly redis: RedisSurvey;
  readonly spans: Span[];
  readonly edges: ProvenEdge[];
  readonly reached: Map<string, bigint>;
  requested?: { readonly replid: string; readonly offset: bigint } | undefined;
  replicasLostAtMs?: number | undefined;
  hadReplicas: boolean;
  life: { startedMs?: number; lastMs?: number; savedMs?: number; clean: boolean };
  served?: Walk['life'];
  bootedSince: number;
}

/**
 * Walks a redis-server log once and keeps what joins histories. The texts and their meaning: replication.c of Redis
 * 4.0 to 7.2 (`shiftReplicationId`, `slaveTryPartialResynchronization`, `masterTryPartialResynchronization`).
 */
export function timelineOf(redis: RedisSurvey): Timeline {
  const walk: Walk = {
    redis,
    spans: [],
    edges: [],
    reached: new Map(),
    hadReplicas: false,
    life: { clean: false },
    bootedSince: 0,
  };
  for (const event of known(redis.log) ?? []) {
    noteLife(walk, event);
    if (event.at.localMs !== undefined) walk.life.lastMs = event.at.localMs;
    noteHistory(walk, event);
  }
  return {
    node: redis.node,
    spans: walk.spans,
    edges: walk.edges,
    reached: walk.reached,
    hadReplicas: walk.hadReplicas,
    bootedSince: walk.bootedSince,
    ...(walk.served === undefined ? {} : { served: lastTrace(redis, walk) }),
    ...(walk.replicasLostAtMs === undefined ? {} : { replicasLostAtMs: walk.replicasLostAtMs }),
  };
}

/** The log's last line may be newer than its last line of evidence, and belongs to the last life. */
function lastTrace(redis: RedisSurvey, walk: Walk): Life {
  const life = walk.served ?? walk.life;
  const last = known(redis.lastLogLine)?.localMs;
  return walk.bootedSince === 0 && last !== undefined ? { ...life, lastMs: last } : life;
}

function noteLife(walk: Walk, event: LogEvent): void {
  const ms = event.at.localMs;
  switch (event.kind) {
    case 'started':
      walk.life = { clean: false, ...(ms === undefined ? {} : { startedMs: ms }) };
      walk.bootedSince += 1;
      walk.requested = undefined;
      walk.spans.push({ as: 'restarted', ...(ms === undefined ? {} : { beganMs: ms }) });
      return;
    case 'loaded-rdb':
      noteLoaded(walk, event.keys === 0n ? 'nothing' : 'rdb');
      return;
    case 'loaded-aof':
      noteLoaded(walk, 'aof');
      return;
    case 'loaded-nothing':
      noteLoaded(walk, 'nothing');
      return;
    case 'replica-asks':
    case 'replica-synced':
      walk.hadReplicas = true;
      walk.replicasLostAtMs = undefined;
      return;
    case 'replica-lost':
      walk.replicasLostAtMs ??= ms;
      return;
    case 'saved':
      if (ms !== undefined) walk.life.savedMs = ms;
      return;
    case 'exited':
      walk.life.clean = true;
      return;
    default:
      return;
  }
}

function noteHistory(walk: Walk, event: LogEvent): void {
  switch (event.kind) {
    case 'backlog-created':
      enter(walk, event, event.replid, 'origin');
      return;
    case 'full-resync':
      reach(walk, event.replid, event.offset);
      enter(walk, event, event.replid, 'follower');
      return;
    case 'partial-requested':
      requested(walk, event);
      return;
    case 'master-id-changed':
      followed(walk, event);
      return;
    case 'promoted':
      promoted(walk, event);
      return;
    case 'partial-accepted':
      walk.hadReplicas = true;
      walk.replicasLostAtMs = undefined;
      servedUpTo(walk, event.offset + event.lengthBytes - 1n);
      return;
    default:
      return;
  }
}

function enter(walk: Walk, event: LogEvent, id: string, as: Span['as']): void {
  const ms = event.at.localMs;
  walk.served = walk.life;
  walk.bootedSince = 0;
  walk.spans.push({ id, as, ...(ms === undefined ? {} : { beganMs: ms }) });
}

function reach(walk: Walk, id: string, offset: bigint): void {
  const before = walk.reached.get(id);
  if (before === undefined || before < offset) walk.reached.set(id, offset);
}

function noteLoaded(walk: Walk, loaded: 'rdb' | 'aof' | 'nothing'): void {
  const last = walk.spans.at(-1);
  if (last?.as === 'restarted') last.loaded = loaded;
}

/** `request ID:N` asks for byte N: the node had applied N-1. After a restart it also names the history that was loaded. */
function requested(walk: Walk, event: Extract<LogEvent, { kind: 'partial-requested' }>): void {
  walk.requested = { replid: event.replid, offset: event.requestOffset };
  reach(walk, event.replid, event.requestOffset - 1n);
  if (walk.spans.at(-1)?.as === 'restarted') enter(walk, event, event.replid, 'follower');
}

/** A replica that went on with a partial resync into a new id: the new history holds at least what the replica had. */
function followed(walk: Walk, event: Extract<LogEvent, { kind: 'master-id-changed' }>): void {
  const from = walk.requested;
  if (from && from.replid !== event.replid) {
    walk.edges.push({
      parent: from.replid,
      child: event.replid,
      cut: from.offset - 1n,
      how: 'followed',
      exact: false,
      proof: `${walk.redis.node} went on from ${short(from.replid)} at ${from.offset - 1n} into ${short(event.replid)}`,
      evidence: evidenceOf(walk, event, `followed ${short(from.replid)} into ${short(event.replid)}`),
    });
    reach(walk, event.replid, from.offset - 1n);
  }
  enter(walk, event, event.replid, 'follower');
}

function promoted(walk: Walk, event: Extract<LogEvent, { kind: 'promoted' }>): void {
  walk.edges.push({
    parent: event.parent,
    child: event.replid,
    cut: event.cut,
    how: 'promotion',
    exact: true,
    proof: `${walk.redis.node} was promoted: ${short(event.parent)} is shared up to ${event.cut}`,
    evidence: evidenceOf(
      walk,
      event,
      `new history ${short(event.replid)}, ${short(event.parent)} is shared up to ${event.cut}`,
    ),
  });
  reach(walk, event.parent, event.cut);
  reach(walk, event.replid, event.cut);
  enter(walk, event, event.replid, 'origin');
}

function servedUpTo(walk: Walk, offset: bigint): void {
  const current = walk.spans.findLast((span) => span.id !== undefined)?.id;
  if (current !== undefined) reach(walk, current, offset);
}

function evidenceOf(walk: Walk, event: LogEvent, says: string): Omit<Evidence, 'id'> {
  return {
    from: { host: walk.redis.host, node: walk.redis.node, source: `${event.at.file}:${event.at.line}` },
    place: `redis log ${clockOf(event)}`,
    says,
    raw: event.at.text,
  };
}

function clockOf(event: LogEvent): string {
  return /\d\d:\d\d:\d\d/.exec(event.at.local ?? '')?.[0] ?? `line ${event.at.line}`;
}

/** The first eight digits of a replication id: enough to tell histories apart on a screen. */
export function short(replid: string): string {
  return replid.slice(0, 8);
}
