/** One stream of numbers drawn from a seed: the same seed gives the same lab on every machine. */
export interface Prng {
  /** A fraction in [0, 1). */
  readonly fraction: () => number;
  /** A whole number in [low, high], both included. */
  readonly between: (low: number, high: number) => number;
  /** One of the items; throws RangeError on an empty list. */
  readonly pick: <T>(items: readonly T[]) => T;
  /** True with the given probability. */
  readonly chance: (probability: number) => boolean;
}

/** A Prng from a 32-bit seed (mulberry32: small, and good enough to vary a scenario). */
export function prngOf(seed: number): Prng {
  let state = seed >>> 0;
  function fraction(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }
  function between(low: number, high: number): number {
    return low + Math.floor(fraction() * (high - low + 1));
  }
  function pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError('nothing to pick from');
    return items[between(0, items.length - 1)] as T;
  }
  return { fraction, between, pick, chance: (probability) => fraction() < probability };
}
