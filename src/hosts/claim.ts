import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { RunbookError } from '../errors.js';

/** What a run that may change a host has there: the lock file, and the token in it that only this run knows. */
export interface Claim {
  readonly path: string;
  /** Lower-case hex, 32 digits. */
  readonly token: string;
}

/** The lock file does not carry the token any more: somebody took the run over, or removed its lock. Nothing was done. */
export class ClaimLost extends RunbookError {
  constructor(host: string, path: string) {
    super('locked', `This run's lock on ${host} is gone: nothing more is done there.`, {
      facts: [`${path} does not carry this run's token any more: somebody took the run over or removed the lock`],
      next: ['redis-runbook status'],
    });
  }
}

/** A lock file is a few hundred bytes, on one line. */
const LIMIT_BYTES = 64 * 1024;

/** The token on this machine. Throws ClaimLost. */
export function checkClaimHere(host: string, { path, token }: Claim): void {
  if (!textHere(path).includes(token)) throw new ClaimLost(host, path);
}

function textHere(path: string): string {
  let opened: number | undefined;
  try {
    opened = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    if (!fstatSync(opened).isFile()) return '';
    const bytes = Buffer.alloc(LIMIT_BYTES);
    return bytes.toString('utf8', 0, readSync(opened, bytes, 0, LIMIT_BYTES, 0));
  } catch {
    return '';
  } finally {
    if (opened !== undefined) closeSync(opened);
  }
}
