import { type OwnServerLink, openOwnServer } from '../hosts/redis-client.js';
import type { KeyLedger } from '../model/ledger.js';
import { type Tallying, tallyKeys } from '../redis/key-tally.js';
import { atLeast, parseVersion } from '../redis/versions.js';
import { factsOf, type KeyFacts, scanKeys, untilTablesRest } from './key-facts.js';
import type { Scratch } from './load.js';

/** A dataset of a node, loaded in a closed server with `debug` and `keepExpired`. */
export interface Compared {
  readonly node: string;
  readonly scratch: Scratch;
}

/** A key of the left side that the right side lacks or has otherwise. */
export interface OwnKey {
  readonly database: number;
  readonly key: Uint8Array;
  readonly facts: KeyFacts;
  readonly standing: 'only' | 'different' | 'other-expiry';
}

export interface CompareOptions {
  /** Called with each batch of the left side's own keys, whose database is selected on the link; the walk waits for it. */
  onOwn?(keys: readonly OwnKey[], left: OwnServerLink): Promise<void>;
  /** Keys walked so far, of how many in all. */
  onProgress?(walked: bigint, of: bigint): void;
}

const ANSWER_MS = 30_000;

interface Walk {
  readonly left: OwnServerLink;
  readonly right: OwnServerLink;
  /** Both know PEXPIRETIME (7.0): expiries are exact, else they may be off by the time between two readings. */
  readonly isExactTime: boolean;
  readonly options: CompareOptions;
  readonly signal: AbortSignal;
  readonly of: bigint;
  readonly only: Tallying;
  readonly onlyRight: Tallying;
  readonly different: Tallying;
  readonly otherExpiry: Tallying;
  same: bigint;
  walked: bigint;
  liveLeft: bigint;
  liveRight: bigint;
}

/**
 * Compares what two closed servers hold, key by key, in constant memory. A key whose time is over counts as expired on
 * its side and nowhere else. Rejects when a server is lost or `signal` ends; the servers are left running.
 */
export async function compareKeys(
  left: Compared,
  right: Compared,
  options: CompareOptions,
  signal: AbortSignal,
): Promise<KeyLedger> {
  const began = performance.now();
  const links: OwnServerLink[] = [];
  try {
    for (const { scratch } of [left, right]) links.push(await linkTo(scratch, signal));
    const walk = walkOver(links, left, right, options, signal);
    const databases = databasesOf(left, right);
    const rests = await Promise.all(links.map((link) => untilTablesRest(link, databases, signal)));
    for (const database of databases) await walkDatabase(walk, database);
    return told(walk, left, right, rests.every(Boolean), Math.round(performance.now() - began));
  } finally {
    for (const link of links) link.close();
  }
}

async function linkTo({ host, endpoint }: Scratch, signal: AbortSignal): Promise<OwnServerLink> {
  const opened = await openOwnServer(host, endpoint, { timeoutMs: ANSWER_MS, limitBytes: 1024 ** 3 }, signal);
  if (opened.ok) return opened.value;
  throw new Error(`the closed server does not answer: ${opened.detail}`);
}

function walkOver(
  [a, b]: readonly OwnServerLink[],
  left: Compared,
  right: Compared,
  options: CompareOptions,
  signal: AbortSignal,
): Walk {
  if (a === undefined || b === undefined) throw new Error('two servers are compared');
  const isExactTime = [left, right].every(({ scratch }) => atLeast(parseVersion(scratch.counted.version), '7.0'));
  const of = left.scratch.counted.keys + right.scratch.counted.keys;
  const tallies = { only: tallyKeys(), onlyRight: tallyKeys(), different: tallyKeys(), otherExpiry: tallyKeys() };
  const none = { same: 0n, walked: 0n, liveLeft: 0n, liveRight: 0n };
  return { left: a, right: b, isExactTime, options, signal, of, ...tallies, ...none };
}

function databasesOf(...sides: readonly Compared[]): readonly number[] {
  const all = sides.flatMap(({ scratch }) => scratch.counted.databases.map(({ db }) => db));
  return [...new Set(all)].sort((a, b) => a - b);
}

async function walkDatabase(walk: Walk, database: number): Promise<void> {
  await walk.right.call('SELECT', String(database));
  for await (const keys of scanKeys(walk.left, database)) await fromLeft(walk, database, keys);
  for await (const keys of scanKeys(walk.right, database)) await fromRight(walk, keys);
}

async function fromLeft(walk: Walk, database: number, keys: readonly Uint8Array[]): Promise<void> {
  const sides = [walk.left, walk.right].map((link) => factsOf(link, keys, walk.isExactTime));
  const [here = [], there = []] = await Promise.all(sides);
  const nowMs = Date.now();
  const own: OwnKey[] = [];
  for (const [at, key] of keys.entries()) {
    const facts = here[at];
    if (facts === undefined || isOver(facts, nowMs)) continue;
    walk.liveLeft += 1n;
    const standing = standingOf(facts, there[at], walk.isExactTime);
    if (standing === 'same') walk.same += 1n;
    else own.push({ database, key, facts, standing });
  }
  for (const { key, facts, standing } of own) tallyOf(walk, standing).add(key, facts.type, facts.expireAtMs >= 0);
  if (own.length > 0) await walk.options.onOwn?.(own, walk.left);
  advance(walk, keys.length);
}

function tallyOf(walk: Walk, standing: OwnKey['standing']): Tallying {
  if (standing === 'only') return walk.only;
  return standing === 'different' ? walk.different : walk.otherExpiry;
}

async function fromRight(walk: Walk, keys: readonly Uint8Array[]): Promise<void> {
  const sides = [walk.left, walk.right].map((link) => factsOf(link, keys, walk.isExactTime));
  const [here = [], there = []] = await Promise.all(sides);
  const nowMs = Date.now();
  for (const [at, key] of keys.entries()) {
    const facts = there[at];
    if (facts === undefined || isOver(facts, nowMs)) continue;
    walk.liveRight += 1n;
    if (here[at]?.type === 'none') walk.onlyRight.add(key, facts.type, facts.expireAtMs >= 0);
  }
  advance(walk, keys.length);
}

function advance(walk: Walk, keys: number): void {
  walk.signal.throwIfAborted();
  walk.walked += BigInt(keys);
  walk.options.onProgress?.(walk.walked, walk.of);
}

function told(walk: Walk, left: Compared, right: Compared, isResting: boolean, elapsedMs: number): KeyLedger {
  const side = ({ node, scratch }: Compared, live: bigint) => ({
    node,
    keys: scratch.counted.keys,
    expired: scratch.counted.keys - live,
  });
  const [onlyLeft, onlyRight] = [walk.only.done(), walk.onlyRight.done()];
  const [different, otherExpiry] = [walk.different.done(), walk.otherExpiry.done()];
  // A key walked twice, or never, shows in one of these sums; between the two walks a key's time may end.
  const common = walk.same + different.keys + otherExpiry.keys;
  const adds =
    common + onlyLeft.keys === walk.liveLeft &&
    walk.liveRight - onlyRight.keys <= common &&
    walk.liveLeft <= left.scratch.counted.keys &&
    walk.liveRight <= right.scratch.counted.keys;
  return {
    schema: 'redis-runbook/ledger/1',
    left: side(left, walk.liveLeft),
    right: side(right, walk.liveRight),
    same: walk.same,
    onlyLeft,
    onlyRight,
    different,
    otherExpiry,
    isExact: isResting && walk.isExactTime && adds,
    elapsedMs,
  };
}

/** A key that is gone by now was gone before the other side was asked, or went meanwhile: it is nobody's own. */
function isOver({ type, expireAtMs }: KeyFacts, nowMs: number): boolean {
  return type === 'none' || (expireAtMs >= 0 && expireAtMs <= nowMs);
}

/** Without PEXPIRETIME two readings of the same expiry differ by what passed between them. */
const BLUR_MS = 2000;

function standingOf(here: KeyFacts, there: KeyFacts | undefined, isExactTime: boolean): OwnKey['standing'] | 'same' {
  if (there === undefined || there.type === 'none') return 'only';
  if (there.type !== here.type || there.digest !== here.digest) return 'different';
  if (here.expireAtMs < 0 !== there.expireAtMs < 0) return 'other-expiry';
  const apartMs = Math.abs(here.expireAtMs - there.expireAtMs);
  return apartMs > (isExactTime ? 0 : BLUR_MS) ? 'other-expiry' : 'same';
}
