import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Prng, prngOf } from '../../src/lab/prng.js';
import { loadSurvey } from '../../src/survey/saved.js';
import { judged } from '../scenarios/fixtures.js';
import { bentFleet, type Reach, type Saved } from './fleets.js';
import { formats, isOwn } from './formats.js';
import { mayWin, type Outcome, outcomeOf } from './judge-fleet.js';
import { bent } from './mutate.js';
import { watchdog } from './watchdog.js';

/** What a series of damaged inputs came to. */
export interface Series {
  /** By input (a format, or fleets by what became of them): how many. */
  readonly counts: Readonly<Record<string, number>>;
  /** Each with its seed: what must never happen. */
  readonly findings: readonly string[];
  readonly slowestMs: number;
  readonly slowestSeed: number;
  /** The most memory that the process ever had, above what it had before the series. */
  readonly grewBytes: number;
}

/** No input takes longer, whatever is in it; generous, because the machine may be busy. */
const LIMIT_MS = 20_000;
/** Of all inputs, the share that is a whole fleet and not one format. */
const FLEETS = 0.35;

interface Base {
  readonly name: string;
  readonly saved: Saved;
  readonly mayWin: readonly string[];
  readonly whole: Outcome;
}

async function bases(): Promise<readonly Base[]> {
  const directory = fileURLToPath(new URL('../fixtures/raw/', import.meta.url));
  const names = readdirSync(directory).filter((name) => name.endsWith('.json'));
  return Promise.all(
    names.map(async (name) => {
      const saved = await loadSurvey(`${directory}${name}`);
      return { name, saved, mayWin: mayWin(judged(saved).diagnosis), whole: await outcomeOf(saved) };
    }),
  );
}

/** Runs the inputs of `count` seeds from `first` on. Each seed alone says its input. */
export async function series(first: number, count: number): Promise<Series> {
  const fleets = await bases();
  const counts: Record<string, number> = {};
  const findings: string[] = [];
  const slowest = { ms: 0, seed: first };
  const before = process.memoryUsage().rss;
  let most = before;
  const dog = watchdog(LIMIT_MS);
  for (let seed = first; seed < first + count; seed++) {
    dog.begin(seed);
    const began = performance.now();
    const { kind, finding } = await one(prngOf(seed), fleets);
    counts[kind] = (counts[kind] ?? 0) + 1;
    if (finding !== undefined) findings.push(`seed ${seed}: ${finding}`);
    const ms = performance.now() - began;
    if (ms > slowest.ms) Object.assign(slowest, { ms, seed });
    most = Math.max(most, process.memoryUsage().rss);
  }
  await dog.end();
  return { counts, findings, slowestMs: slowest.ms, slowestSeed: slowest.seed, grewBytes: most - before };
}

interface One {
  readonly kind: string;
  readonly finding?: string;
}

async function one(prng: Prng, fleets: readonly Base[]): Promise<One> {
  return prng.chance(FLEETS) ? oneFleet(prng, prng.pick(fleets)) : oneFormat(prng);
}

function oneFormat(prng: Prng): One {
  const format = prng.pick(formats);
  const { bytes, how } = bent(prng.pick(format.samples), prng);
  try {
    format.read(bytes, prng);
  } catch (error) {
    if (!isOwn(error)) return { kind: format.name, finding: `${format.name}, ${how}: ${saidOf(error)}` };
  }
  return { kind: format.name };
}

async function oneFleet(prng: Prng, base: Base): Promise<One> {
  const reach: Reach = prng.chance(0.7) ? 'files' : 'answers too';
  const fleet = bentFleet(base.saved, prng, reach);
  const says = (what: string) => `${base.name}, ${what}; ${fleet.how}`;
  try {
    const { automatic, shown, refusal } = await outcomeOf(fleet);
    for (const node of [automatic, shown])
      if (node !== undefined && !base.mayWin.includes(node))
        return { kind: 'fleet: wrong winner', finding: says(`${node} wins (${refusal || 'nobody is asked'})`) };
    if (automatic === undefined) return { kind: 'fleet: refused' };
    if (base.whole.automatic !== undefined) return { kind: 'fleet: same winner' };
    return { kind: 'fleet: not asked', finding: says(`nobody is asked for ${base.whole.refusal} any more`) };
  } catch (error) {
    return { kind: 'fleet: thrown', finding: says(saidOf(error)) };
  }
}

function saidOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message).split('\n').slice(0, 5).join(' | ') : String(error);
}

/** For people: what was tried and what came of it. */
export function printSeries(first: number, count: number, tookMs: number, all: Series): string {
  const counts = Object.entries(all.counts)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([kind, many]) => `  ${String(many).padStart(6)}  ${kind}`);
  const took = `${(tookMs / 1000).toFixed(0)} s, slowest ${all.slowestMs.toFixed(0)} ms (seed ${all.slowestSeed})`;
  const memory = `memory grew by ${(all.grewBytes / 1e6).toFixed(0)} MB`;
  return [
    `fuzz: ${count} damaged inputs, seeds ${first} to ${first + count - 1}: ${took}, ${memory}`,
    ...counts,
    ...all.findings,
  ].join('\n');
}
