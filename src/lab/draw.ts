import type { Persistence } from './layout.js';
import { type Prng, prngOf } from './prng.js';
import type { Stop } from './stop.js';
import { usualShape, type WriteShape } from './writer.js';

/** Which node of a phase does something: the one that is master then, or one of its replicas. */
export interface Moment {
  readonly phase: number;
  readonly who: 'master' | 'replica';
}

/** What a seed draws for one breaking of a lab. Phases count the masters of the scenario, from 1. */
export interface Draw {
  /** One shape per phase. */
  readonly writes: readonly WriteShape[];
  /** The phase whose master gets ten times the writes. */
  readonly heavyPhase: number;
  /** Whose AOF is rewritten last; absent without an AOF. */
  readonly rewrite?: Moment;
  /** Who saves an RDB midway; absent when nobody does. */
  readonly bgsave?: Moment;
  /** A dead node that was started alone and stopped again after the end: the master of that phase, not the last one's. */
  readonly booted?: { readonly phase: number; readonly stop: Stop };
}

const HEAVY = 10;

/** Draws the variation of a scenario with `phases` masters. The same seed and arguments give the same draw. */
export function drawFor(seed: number, phases: number, persistence: Persistence, stop: Stop): Draw {
  const prng = prngOf(seed);
  const heavyPhase = prng.between(1, phases);
  const writes = Array.from({ length: phases }, (_, i) => shapeOf(prng, i + 1 === heavyPhase));
  const rewrite = momentOf(prng, phases);
  const bgsave = prng.chance(0.75) ? momentOf(prng, phases) : undefined;
  const booted = phases > 1 && prng.chance(0.6) ? prng.between(1, phases - 1) : undefined;
  const bootedStop: Stop = stop === 'crash' && prng.chance(0.5) ? 'crash' : 'clean';
  return {
    writes,
    heavyPhase,
    ...(persistence === 'rdb' ? {} : { rewrite }),
    ...(bgsave === undefined ? {} : { bgsave }),
    ...(booted === undefined ? {} : { booted: { phase: booted, stop: bootedStop } }),
  };
}

/** Minutes that each host's clock is ahead, drawn once when the lab comes up. */
export function drawClocks(seed: number, hosts: number): readonly number[] {
  const prng = prngOf(seed ^ 0x5eed);
  return Array.from({ length: hosts }, () => prng.between(-9, 9));
}

/** The draw in words, one line each. */
export function drawnText(draw: Draw): readonly string[] {
  const sizes = draw.writes.map((shape) => `${shape.count} of ${shape.lowBytes}-${shape.highBytes} bytes`);
  return [
    `writes by phase: ${sizes.join(', ')}; phase ${draw.heavyPhase} has ten times the writes`,
    draw.rewrite === undefined ? 'no AOF to rewrite' : `AOF rewritten last: ${momentText(draw.rewrite)}`,
    draw.bgsave === undefined ? 'nobody saves an RDB midway' : `RDB saved midway: ${momentText(draw.bgsave)}`,
    draw.booted === undefined
      ? 'no dead node is started again'
      : `started alone and stopped again (${draw.booted.stop}): the master of phase ${draw.booted.phase}`,
  ];
}

function momentText(moment: Moment): string {
  return `the ${moment.who} of phase ${moment.phase}`;
}

function shapeOf(prng: Prng, heavy: boolean): WriteShape {
  const lowBytes = prng.between(8, 60);
  const count = prng.between(24, 60) * (heavy ? HEAVY : 1);
  return { ...usualShape, count, lowBytes, highBytes: lowBytes + prng.between(50, 900) };
}

/** The last of several phases has no replica left. */
function momentOf(prng: Prng, phases: number): Moment {
  const phase = prng.between(1, phases);
  const replica = phases === 1 || phase < phases;
  return { phase, who: replica && prng.chance(0.5) ? 'replica' : 'master' };
}
