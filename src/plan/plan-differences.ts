import { toJson } from '../model/json.js';
import type { Plan } from '../model/plan.js';
import type { CanonicalFacts, NodeFacts } from './canonical.js';

/** What moved on the fleet between two sets of canonical facts, one sentence for each; empty when nothing did. */
export function movedFacts(then: CanonicalFacts, now: CanonicalFacts): readonly string[] {
  return [...movedNodes(then.redis, now.redis), ...movedNodes(then.sentinels, now.sentinels)];
}

function movedNodes(then: readonly NodeFacts[], now: readonly NodeFacts[]): readonly string[] {
  const gone = then.filter(({ node }) => !now.some((other) => other.node === node));
  return [
    ...gone.map(({ node }) => `${node}: is no node of the fleet file any more`),
    ...now.flatMap((node) => {
      const before = then.find((other) => other.node === node.node);
      return before === undefined ? [`${node.node}: is new in the fleet file`] : movedNode(before, node);
    }),
  ];
}

function movedNode(then: NodeFacts, now: NodeFacts): readonly string[] {
  const moved = (what: string, a: string | undefined, b: string | undefined) =>
    a === b ? [] : [`${now.node}: ${what} was ${a ?? 'not seen'}, is ${b ?? 'not seen'}`];
  if (then.runs !== now.runs) return moved('its process', runs(then.runs), runs(now.runs));
  return [
    ...moved('its run id', then.runId, now.runId),
    ...moved('its replication id', then.replid, now.replid),
    ...moved('its role', then.role, now.role),
    ...moved('the replication id in its RDB', then.rdb, now.rdb),
    ...movedLines(now.node, then.lines, now.lines),
  ];
}

function runs(value: boolean | string): string {
  if (typeof value === 'string') return `not seen (${value})`;
  return value ? 'running' : 'stopped';
}

function movedLines(node: string, then: NodeFacts['lines'], now: NodeFacts['lines']): readonly string[] {
  if (then === undefined || now === undefined) {
    return then === now ? [] : [`${node}: its config was ${then ? 'seen, is not now' : 'not seen, is now'}`];
  }
  const less = without(then, now).map((line) => `${node}: a line of its config is gone: ${line}`);
  const more = without(now, then).map((line) => `${node}: a line of its config is new: ${line}`);
  const moved = less.length + more.length === 0 && then.join('\n') !== now.join('\n');
  return moved ? [`${node}: the lines of its config stand in another order`] : [...less, ...more];
}

/** The lines of `all` that `others` does not have as often. */
function without(all: readonly string[], others: readonly string[]): readonly string[] {
  const left = [...others];
  return all.filter((line) => {
    const at = left.indexOf(line);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

const MOST_SHOWN = 10;

/** Values that only grow, or that the look at the moment decides; the facts and `atLeast` have been compared before. */
const moving = new Set(['epoch', 'downtimeSeconds', 'expectedKeys']);

/**
 * Where the plan of a file is not the one that was made anew, in words, at most ten. What people were shown counts too:
 * commands that say something else are a forgery of what somebody agreed to. Only numbers may differ in such texts.
 */
export function planDifferences(file: unknown, plan: Plan): readonly string[] {
  const now: unknown = JSON.parse(toJson(plan));
  const found: string[] = [];
  compare(file, now, 'plan', found);
  return found.slice(0, MOST_SHOWN);
}

type Tree = Readonly<Record<string, unknown>>;

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null;
}

function compare(file: unknown, now: unknown, path: string, found: string[]): void {
  if (!isTree(file) || !isTree(now) || Array.isArray(file) !== Array.isArray(now)) {
    if (file !== now && !sameWords(file, now, path)) {
      found.push(`${path}: the file says ${shown(file)}, and it is ${shown(now)}`);
    }
    return;
  }
  for (const key of new Set([...Object.keys(file), ...Object.keys(now)])) {
    if (moving.has(key)) continue;
    const place = Array.isArray(now) ? `${path}[${key}]` : `${path}.${key}`;
    const isSentinels = key === 'says' && isTree(now.intent) && now.intent.kind === 'sentinel.conf';
    if (isSentinels) compare(withoutDiff(file[key]), withoutDiff(now[key]), place, found);
    else compare(file[key], now[key], place, found);
  }
}

/** A live sentinel rewrites its file all the time: what would be changed in it moves with it. */
function withoutDiff(says: unknown): unknown {
  return isTree(says) ? { ...says, diff: undefined } : says;
}

/** Texts for people may name a pid or a size that moved. */
function sameWords(file: unknown, now: unknown, path: string): boolean {
  if (typeof file !== 'string' || typeof now !== 'string' || !/\.says\b|\.why$|\.scripts\[/.test(path)) return false;
  return file.replace(/\d+/g, '#') === now.replace(/\d+/g, '#');
}

function shown(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 120);
}
