import type { LogEvent } from '../model/formats.js';
import { known } from '../model/seen.js';
import type { RedisSurvey } from '../model/survey.js';
import { type Life, type LifeWalk, noteStop } from './life.js';
import { logEvidence, short } from './names.js';
import { advance, asksFrom, type DataWalk, goOn, noteData, settle } from './stored.js';
import type { Restart, Span, Timeline } from './timeline-shape.js';
import { newWalk, noteLife, noteUnsaved, type Walk } from './timeline-walk.js';

/**
 * Walks a redis-server log once and keeps what joins histories. The texts and their meaning: replication.c of Redis
 * 4.0 to 7.2 (`shiftReplicationId`, `slaveTryPartialResynchronization`, `masterTryPartialResynchronization`).
 */
export function timelineOf(redis: RedisSurvey): Timeline {
  const walk = newWalk(redis);
  const events = known(redis.log) ?? [];
  for (const event of events) noteEvent(walk, event);
  const { served, servedHeld, replicasLostAtMs, data } = walk;
  return {
    node: redis.node,
    spans: walk.spans,
    edges: walk.edges,
    restarts: [...walk.restarts, ...restartOf(walk.data)],
    reached: walk.reached,
    unsaved: walk.unsaved,
    diedUnnamed: walk.diedUnnamed,
    uncounted: walk.uncounted,
    marks: walk.marks,
    hadReplicas: walk.hadReplicas,
    bootedSince: walk.bootedSince,
    aofCurrent: data.appending === true && data.incoming === undefined,
    bootUnsaved: walk.bootUnsaved,
    countsAnew: walk.countsAnew,
    masterUntold: walk.masterUntold,
    bootedFromFile: walk.bootedSince > 0 && walk.fileLoads === walk.bootedSince,
    ...(data.aof === undefined ? {} : { aof: data.aof }),
    ...(served === undefined ? {} : { served: lastTrace(redis, served, walk.bootedSince) }),
    ...(servedHeld === undefined ? {} : { servedHeld }),
    ...(events.length === 0 ? {} : { lastLife: lastTrace(redis, walk.life, 0) }),
    ...(replicasLostAtMs === undefined ? {} : { replicasLostAtMs }),
  };
}

function noteEvent(walk: Walk, event: LogEvent): void {
  if (event.kind === 'started') {
    noteUnsaved(walk);
    settle(walk.data, walk.life.clean);
  }
  noteLife(walk, event);
  noteStop(walk.life, event);
  noteData(walk.data, event);
  if (event.at.localMs !== undefined) walk.life.lastMs = event.at.localMs;
  noteHistory(walk, event);
  if (event.at.role === 'M' || event.at.role === 'S') walk.life.role = event.at.role;
  if (event.at.role === 'M') walk.hasBeenMaster = true;
  // A promotion names its history (replication.c:shiftReplicationId, since 4.0), and one of the lines before it is the master's already.
  walk.masterUntold = event.at.role === 'M' && walk.spans.at(-1)?.as === 'follower';
  if (walk.bootedSince === 0) walk.servedHeld = walk.data.incoming === undefined ? walk.data.memory : undefined;
}

/** What the memory began from, when that was the whole of a named history. */
function restartOf({ memory }: DataWalk, child?: string): Restart[] {
  if (memory?.booted === undefined || memory.whole === undefined) return [];
  return [{ held: memory, ...(child === undefined ? {} : { child }) }];
}

/** The log's last line may be newer than its last line of evidence, and belongs to the last life. */
function lastTrace(redis: RedisSurvey, life: LifeWalk, bootedSince: number): Life {
  const last = known(redis.lastLogLine)?.localMs;
  return bootedSince === 0 && last !== undefined ? { ...life, lastMs: last } : life;
}

function noteHistory(walk: Walk, event: LogEvent): void {
  switch (event.kind) {
    case 'backlog-created':
      walk.life.counts = true;
      walk.restarts.push(...restartOf(walk.data, event.replid));
      goOn(walk.data, { id: event.replid, floor: 0n, as: 'origin' });
      // Whoever is in this history has all that there was when it began.
      made(walk, event, event.replid, 0n);
      enter(walk, event, event.replid, 'origin');
      return;
    case 'full-resync':
      walk.requested = undefined;
      made(walk, event, event.replid, event.offset);
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
      countsFromHere(walk);
      servedUpTo(walk, event, event.offset + event.lengthBytes - 1n);
      return;
    default:
      return;
  }
}

function enter(walk: Walk, event: LogEvent, id: string, as: Span['as']): void {
  const ms = event.at.localMs;
  walk.served = walk.life;
  walk.bootedSince = 0;
  walk.bootUnsaved = false;
  walk.fileLoads = 0;
  const of = as === 'follower' && walk.following !== undefined ? { of: walk.following } : {};
  walk.spans.push({ id, as, ...of, ...(ms === undefined ? {} : { beganMs: ms }) });
}

/** The node holds this much of the history now. */
function reach(walk: Walk, event: LogEvent, id: string, offset: bigint): void {
  made(walk, event, id, offset);
  advance(walk.data, id, offset);
}

/** The history came this far, whether or not this node ever holds it: a copy that was announced may not have come. */
function made(walk: Walk, event: LogEvent, id: string, offset: bigint): void {
  const before = walk.reached.get(id);
  if (before === undefined || before < offset) walk.reached.set(id, offset);
  if (event.at.localMs !== undefined) walk.marks.push({ id, offset, ms: event.at.localMs });
}

/** `request ID:N` asks for byte N: the node had applied N-1. After a restart it also names the history that it was in. */
function requested(walk: Walk, event: Extract<LogEvent, { kind: 'partial-requested' }>): void {
  const offset = event.requestOffset - 1n;
  walk.requested = { replid: event.replid, offset };
  asksFrom(walk.data, event.replid, offset);
  reach(walk, event, event.replid, offset);
  const own = ownUnnamed(walk);
  const span = own === undefined ? undefined : walk.spans[own];
  if (own !== undefined && span !== undefined) walk.spans[own] = { ...span, id: event.replid };
  if (walk.spans.at(-1)?.as === 'restarted') enter(walk, event, event.replid, 'follower');
}

/**
 * Where the stretch is whose history the first request after a start names: its own, when it was a master before in this life, or
 * its file is what a master's life saved (replication.c:replicationCacheMasterUsingMyself). What such a life took is given up
 * by whoever made it follow; it is no history of the master that it follows now.
 */
function ownUnnamed({ spans, hasBeenMaster, savedUnnamed }: Walk): number | undefined {
  const last = spans.length - 1;
  if (spans[last]?.as !== 'restarted') return undefined;
  if (hasBeenMaster) return last;
  return savedUnnamed === last - 1 ? savedUnnamed : undefined;
}

/** A replica that went on with a partial resync into a new id: the new history holds at least what the replica had. */
function followed(walk: Walk, event: Extract<LogEvent, { kind: 'master-id-changed' }>): void {
  const from = walk.requested;
  const floor = from?.offset ?? 0n;
  if (from && from.replid !== event.replid) {
    walk.edges.push({
      parent: from.replid,
      child: event.replid,
      cut: floor,
      how: 'followed',
      exact: false,
      proof: `${walk.redis.node} went on from ${short(from.replid)} at ${floor} into ${short(event.replid)}`,
      evidence: logEvidence(walk.redis, event, `followed ${short(from.replid)} into ${short(event.replid)}`),
    });
  }
  goOn(walk.data, { id: event.replid, floor, as: 'follower' });
  reach(walk, event, event.replid, floor);
  enter(walk, event, event.replid, 'follower');
}

function promoted(walk: Walk, event: Extract<LogEvent, { kind: 'promoted' }>): void {
  const { parent, replid, cut } = event;
  if (!walk.life.counts) walk.uncounted.add(replid);
  walk.edges.push({
    parent,
    child: replid,
    cut,
    how: 'promotion',
    exact: true,
    proof: `${walk.redis.node} was promoted: ${short(parent)} is shared up to ${cut}`,
    evidence: logEvidence(walk.redis, event, `new history ${short(replid)}, ${short(parent)} is shared up to ${cut}`),
  });
  reach(walk, event, parent, cut);
  goOn(walk.data, { id: replid, floor: cut, as: 'origin' });
  reach(walk, event, replid, cut);
  enter(walk, event, replid, 'origin');
}

/** A part of a history is served out of a backlog only. */
function countsFromHere(walk: Walk): void {
  walk.life.counts = true;
  const current = walk.spans.at(-1)?.id;
  if (current !== undefined) walk.uncounted.delete(current);
}

/** Only of a history that the log names: after a start as master the offsets are those of an id that nobody logged. */
function servedUpTo(walk: Walk, event: LogEvent, offset: bigint): void {
  const current = walk.spans.at(-1)?.id;
  if (current !== undefined) reach(walk, event, current, offset);
}
