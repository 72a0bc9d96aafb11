import type { Inventory } from '../../src/model/inventory.js';
import type { RawHost } from '../../src/model/raw-host.js';
import type { Answer } from '../../src/model/survey.js';

/** Words of a refusal, as `errors.ts` has them. */
export type Refusal =
  | 'split'
  | 'incomparable'
  | 'shrunk'
  | 'on-no-disk'
  | 'blocked'
  | 'too-little-seen'
  | 'empty-master';

/**
 * What is right to do, said by somebody who knows what the nodes really hold: a record of writes, or the story that the
 * incident was written from. Never by the diagnosis.
 */
export interface Right {
  /**
   * The nodes that hold all that any node holds: either may be master, several are a tie. None: the data is divided, or what
   * was seen cannot tell, and nobody may be chosen without being named.
   */
  readonly winners: readonly string[];
  /** It has to be refused until the operator says more: one of these words. Left out where a winner may be taken as it is. */
  readonly refused?: readonly Refusal[];
  /**
   * Refusing is not wrong although a winner is there by what is known afterwards: what was left on the night does not prove
   * it. With the reason.
   */
  readonly mayRefuse?: string;
  /** Nodes that the refusal has to name. */
  readonly names?: readonly string[];
  readonly why: string;
}

/** One night: what every node and sentinel says and has on disk, and what is right. */
export interface Incident {
  readonly name: string;
  /** A fact about Redis in words, the address of a public issue, or what was recorded and how. */
  readonly source: string;
  readonly server: string;
  readonly inventory: Inventory;
  readonly raws: readonly RawHost[];
  /** What the data itself said to the questions of the diagnosis, where somebody looked. */
  readonly answers: readonly Answer[];
  readonly right: Right;
}
