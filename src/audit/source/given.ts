import type { NotSeen } from '../../model/seen.js';

/** A file that was given, by PATH, in a directory, in an archive or on stdin. */
export interface GivenFile {
  /** As shown: the path as given, what lies below a directory joined to it, `ARCHIVE:MEMBER` for a member. */
  readonly path: string;
  /** The operator named this very file. */
  readonly named: boolean;
  readonly content: { readonly text: string } | Pick<NotSeen, 'why' | 'detail'>;
}

/** Above these an input is not read further, and says so. */
export const givenLimits = {
  fileBytes: 32 * 1024 * 1024,
  allBytes: 192 * 1024 * 1024,
  files: 20_000,
  depth: 24,
} as const;

/** What is left of the limits while everything that was given is read. */
export interface Budget {
  bytes: number;
  files: number;
}

/** A fresh budget. */
export function newBudget(): Budget {
  return { bytes: givenLimits.allBytes, files: givenLimits.files };
}
