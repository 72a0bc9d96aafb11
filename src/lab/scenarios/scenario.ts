import type { Draw } from '../draw.js';
import type { LabHost, Persistence } from '../layout.js';
import type { Prng } from '../prng.js';
import type { LabState } from '../state.js';
import type { Stop } from '../stop.js';

/** What a scenario works with: the lab, its seeded stream of numbers, how things end, and where to tell what happens. */
export interface Breaking {
  readonly state: LabState;
  readonly prng: Prng;
  readonly stop: Stop;
  say(line: string): void;
}

/** What a scenario did, by the lab's own hand. */
export interface Done {
  /** The masters in the order in which they served. */
  readonly masters: readonly LabHost[];
  /** What the seed drew that changes what is right to do, one word each. */
  readonly traits?: readonly string[];
  /** What the seed drew, in words. */
  readonly drawn: readonly string[];
  readonly draw?: Draw;
}

/** One disaster: how it is made on a healthy lab, and what it needs for that. */
export interface Scenario {
  readonly name: string;
  /** One line for help. */
  readonly says: string;
  /** How things end, unless `--stop` says it. */
  readonly stop: Stop;
  /** Redis nodes that have to run at the beginning. */
  readonly redis: number;
  /** Machines that are off when the last failover is elected. */
  readonly offAtElection: number;
  /** The ways of keeping data on which it shows; the first for a new lab. */
  readonly persistence: readonly [Persistence, ...Persistence[]];
  /** Nothing of the lab runs afterwards, whatever the seed. */
  readonly endsOff: boolean;
  make(breaking: Breaking): Promise<Done>;
}
