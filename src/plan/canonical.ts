import { createHash } from 'node:crypto';
import { toJson } from '../model/json.js';
import { known } from '../model/seen.js';
import type { GroupSurvey, RedisSurvey, SentinelSurvey } from '../model/survey.js';

/** Directives that Sentinel and CONFIG REWRITE own: their movement is no change of the fleet. */
const generated = new Set([
  'config-epoch',
  'leader-epoch',
  'current-epoch',
  'known-replica',
  'known-slave',
  'known-sentinel',
]);

/** What a plan rests on, of one node. Left out: not seen, or nothing that this kind of node has. */
export interface NodeFacts {
  readonly node: string;
  /** Whether its process runs, or why that was not seen. */
  readonly runs: boolean | string;
  readonly runId?: string | undefined;
  readonly replid?: string | undefined;
  readonly role?: string | undefined;
  /** The replication id in the RDB of a node that does not run. */
  readonly rdb?: string | undefined;
  /** The operator's own config lines; secrets as `{secret:N}`, the same N for the same secret. */
  readonly lines?: readonly string[] | undefined;
}

/**
 * The canonical facts of a group: who answers, run ids, replication ids, roles, and the operator's own config lines. Never
 * epochs, offsets or generated lines, so that a sentinel that rewrites its file does not change them.
 */
export interface CanonicalFacts {
  readonly group: string;
  readonly redis: readonly NodeFacts[];
  readonly sentinels: readonly NodeFacts[];
}

/** The canonical facts of a survey. Two surveys of the same fleet give the same ones, also in two processes. */
export function canonicalFacts(group: GroupSurvey): CanonicalFacts {
  const numbered = secretNumbers();
  return {
    group: group.group,
    redis: group.redis.map((node) => redisFacts(node, numbered)),
    sentinels: group.sentinels.map((node) => ({
      node: node.node,
      runs: runs(node.process),
      lines: ownLines(node).map(numbered),
    })),
  };
}

/** A hash over the canonical facts, sha256 in lower-case hex. */
export function fingerprintOf(group: GroupSurvey): string {
  return hashOfFacts(canonicalFacts(group));
}

/** The fingerprint of facts that were read back. */
export function hashOfFacts(facts: CanonicalFacts): string {
  const { group, redis, sentinels } = facts;
  return createHash('sha256')
    .update(toJson({ group, redis: redis.map(inOrder), sentinels: sentinels.map(inOrder) }))
    .digest('hex');
}

function inOrder({ node, runs, runId, replid, role, rdb, lines }: NodeFacts): NodeFacts {
  return { node, runs, runId, replid, role, rdb, lines };
}

function redisFacts(node: RedisSurvey, numbered: (line: string) => string): NodeFacts {
  const running = known(node.running);
  return {
    node: node.node,
    runs: runs(node.process),
    runId: running?.runId,
    replid: running?.replid,
    role: running?.role,
    rdb: running ? undefined : known(node.rdb)?.replid,
    lines: known(node.config)?.lines.map((line) => numbered(line.raw.trim())),
  };
}

function runs(process: RedisSurvey['process']): boolean | string {
  return process.ok ? process.value !== null : process.why;
}

/** The keyed hashes of secrets say nothing in another process: each gets the number of its first place instead. */
function secretNumbers(): (line: string) => string {
  const numbers = new Map<string, number>();
  return (line) =>
    line.replace(/\{secret:[0-9a-f]{16}\}/g, (token) => {
      const number = numbers.get(token) ?? numbers.size + 1;
      numbers.set(token, number);
      return `{secret:${number}}`;
    });
}

function ownLines(sentinel: SentinelSurvey): readonly string[] {
  return (known(sentinel.file)?.lines ?? [])
    .filter((line) => line.name === 'sentinel' && !generated.has(line.args[0]?.toLowerCase() ?? ''))
    .map((line) => line.args.join(' '))
    .sort();
}
