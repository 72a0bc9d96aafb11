import type { Reach } from '../../execute/tools.js';
import type { Repository } from '../repository/repository.js';
import type { Signer } from '../sign.js';
import type { Trust } from '../trust.js';
import type { Turns } from './turns.js';

/** What a backup is made with. */
export interface TakeTools {
  readonly reach: Reach;
  readonly repository: Repository;
  readonly signer: Signer;
  /** Whose signatures count when the backup is read back: the signer's own among them. */
  readonly trust: Trust;
  /** Shared with the other backups of the same command. */
  readonly turns: Turns;
  readonly version: string;
  readonly now: () => Date;
  /** Told of what is done and waited for, one line each. */
  readonly tell: (line: string) => void;
}
