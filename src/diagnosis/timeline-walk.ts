import type { LogEvent } from '../model/formats.js';
import type { RedisSurvey } from '../model/survey.js';
import { atLeast, parseVersion, type Version } from '../redis/versions.js';
import { type LifeWalk, newLife } from './life.js';
import type { DataWalk, Held } from './stored.js';
import type { Mark, ProvenEdge, Restart, Span } from './timeline-shape.js';

/** What is known of a node's log while it is walked. */
export interface Walk {
  readonly redis: RedisSurvey;
  readonly spans: Span[];
  readonly edges: ProvenEdge[];
  readonly restarts: Restart[];
  readonly reached: Map<string, bigint>;
  readonly marks: Mark[];
  readonly data: DataWalk;
  requested?: { readonly replid: string; readonly offset: bigint } | undefined;
  following?: string | undefined;
  replicasLostAtMs?: number | undefined;
  hadReplicas: boolean;
  life: LifeWalk;
  served?: LifeWalk;
  servedHeld?: Held | undefined;
  bootedSince: number;
  bootUnsaved: boolean;
  fileLoads: number;
  countsAnew: boolean;
  masterUntold: boolean;
  /** Where in `spans` the life before this one is, when it was a master's, its history has no name, and its stop saved it in order. */
  savedUnnamed?: number | undefined;
  /** The life that is walked has lines as master. */
  hasBeenMaster: boolean;
  readonly unsaved: Set<string>;
  diedUnnamed: boolean;
  readonly uncounted: Set<string>;
}

/** Before the first line. */
export function newWalk(redis: RedisSurvey): Walk {
  return {
    redis,
    spans: [],
    edges: [],
    restarts: [],
    reached: new Map(),
    marks: [],
    data: {},
    hadReplicas: false,
    life: newLife(),
    bootedSince: 0,
    bootUnsaved: false,
    fileLoads: 0,
    countsAnew: false,
    masterUntold: false,
    hasBeenMaster: false,
    unsaved: new Set(),
    diedUnnamed: false,
    uncounted: new Set(),
  };
}

/** The life before a start: what it held as master and did not save in order. */
export function noteUnsaved(walk: Walk): void {
  const { memory, appending } = walk.data;
  const { finalSave, role } = walk.life;
  if (appending === true || finalSave) return;
  if (memory?.as === 'origin') walk.unsaved.add(memory.id);
  if (memory === undefined && role === 'M') walk.diedUnnamed = true;
}

function savedUnnamed({ spans, life }: Walk): number | undefined {
  const isUnnamed = spans.at(-1)?.as === 'restarted' && spans.at(-1)?.id === undefined;
  return isUnnamed && life.finalSave && life.exitRole === 'M' ? spans.length - 1 : undefined;
}

function versionOr7(text: string): Version {
  try {
    return parseVersion(text);
  } catch {
    return { major: 7, minor: 0, patch: 0 };
  }
}

/** What an event says of the life that it belongs to: its start, what it loaded, whom it follows, whether it has replicas. */
export function noteLife(walk: Walk, event: LogEvent): void {
  const ms = event.at.localMs;
  switch (event.kind) {
    case 'started':
      if (walk.bootedSince > 0 && !walk.life.finalSave) walk.bootUnsaved = true;
      walk.savedUnnamed = savedUnnamed(walk);
      walk.hasBeenMaster = false;
      walk.life = newLife(ms);
      walk.bootedSince += 1;
      walk.countsAnew = !atLeast(versionOr7(event.version), '7.0');
      walk.requested = undefined;
      walk.following = undefined;
      walk.spans.push({ as: 'restarted', ...(ms === undefined ? {} : { beganMs: ms }) });
      return;
    case 'loaded-rdb':
      walk.fileLoads += 1;
      return;
    case 'flushed':
      walk.diedUnnamed = false;
      walk.life.counts = true;
      return;
    case 'partial-resync':
      walk.life.counts = true;
      return;
    case 'replica-of':
    case 'connecting-to-master':
      walk.following = event.address;
      return;
    case 'replica-asks':
    case 'replica-synced':
      walk.hadReplicas = true;
      walk.replicasLostAtMs = undefined;
      return;
    case 'replica-lost':
      walk.replicasLostAtMs ??= ms;
      return;
    default:
      return;
  }
}
