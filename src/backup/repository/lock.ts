import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { RunbookError } from '../../errors.js';
import {
  identitySchema,
  isHere,
  isProvenDead,
  myIdentity,
  type ProcessIdentity,
} from '../../hosts/process-identity.js';
import { readSmall, syncDirectory, writeOnce } from './durable.js';

import { beat, isSilent } from './heartbeat.js';

import type { LockHolder, RepositoryLock } from './repository.js';

const lockSchema = z.strictObject({
  schema: z.literal('redis-runbook/repository-lock/1'),
  token: z.string().regex(/^[0-9a-f]{32}$/),
  doing: z.string().max(300),
  since: z.iso.datetime(),
  by: identitySchema,
  /** Its holder gives signs of life: the time of the file. */
  beats: z.literal(true).optional(),
});

/** What a lock file says; `by` is believed only as far as a process can be looked up by it. */
export type LockFile = z.infer<typeof lockSchema>;

const limitBytes = 64 * 1024;
const mostTries = 20;

/**
 * Takes a lock file, or rejects with RunbookError `locked` that names its holder. A stale lock is taken over; who takes it over is decided by a lock of its own, named after the dead one's token, so that two
 * who find it dead at the same moment cannot both remove it.
 */
export async function takeLock(path: string, what: string, doing: string, now: Date): Promise<RepositoryLock> {
  const by = await myIdentity();
  const file: LockFile = {
    schema: 'redis-runbook/repository-lock/1',
    token: randomBytes(16).toString('hex'),
    doing,
    since: now.toISOString(),
    by,
    beats: true,
  };
  for (let tries = 0; tries < mostTries; tries += 1) {
    if (await writeOnce(path, `${JSON.stringify(file, undefined, 2)}\n`)) return heldLock(path, file, what);
    const found = await readLock(path);
    if (found === 'unreadable') throw unreadable(path, what);
    if (found === undefined) continue;
    if (!(await isStale(path, found, by))) throw held(path, what, found);
    await removeDead(path, found, what, now);
  }
  throw new RunbookError('locked', `${what} changes hands again and again.`, { next: ['the same command again'] });
}

/**
 * Whether its holder is dead by proof, or, where its process cannot be looked up from here (another machine, another
 * container), has given no sign of life for ten minutes. One that was only asleep learns of it at its next step (`check`).
 */
async function isStale(path: string, { by, beats }: LockFile, me: ProcessIdentity): Promise<boolean> {
  if (await isProvenDead(by, me)) return true;
  return beats === true && !isHere(by, me) && (await isSilent(path));
}

async function removeDead(path: string, dead: LockFile, what: string, now: Date): Promise<void> {
  const over = await takeLock(`${path}.over-${dead.token}`, what, 'taking over the lock of a dead process', now);
  try {
    const found = await readLock(path);
    if (found !== 'unreadable' && found?.token === dead.token) await rm(path, { force: true });
  } finally {
    await over.release();
  }
}

/** Reads a lock file: undefined when there is none. */
async function readLock(path: string): Promise<LockFile | 'unreadable' | undefined> {
  try {
    const bytes = await readSmall(path, limitBytes);
    if (bytes === undefined) return undefined;
    return lockSchema.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    return 'unreadable';
  }
}

/** Who holds a lock, unless nobody does or it is stale. A lock that cannot be read is held by somebody unknown. */
export async function holderOf(path: string, me: ProcessIdentity): Promise<LockHolder | undefined> {
  const found = await readLock(path);
  if (found === undefined) return undefined;
  if (found === 'unreadable')
    return { pid: 0, host: '?', user: '?', doing: `the lock file ${path} cannot be read`, since: '?' };
  return (await isStale(path, found, me)) ? undefined : asHolder(found);
}

function asHolder({ by, doing, since }: LockFile): LockHolder {
  return { pid: by.pid, host: by.host, user: by.user, doing, since };
}

function heldLock(path: string, file: LockFile, what: string): RepositoryLock {
  async function isOurs(): Promise<boolean> {
    const found = await readLock(path);
    return found !== undefined && found !== 'unreadable' && found.token === file.token;
  }
  const quiet = beat(path, isOurs);
  return {
    check: async () => {
      if (await isOurs()) return;
      throw new RunbookError('locked', `${what} was taken away while it was ours.`, {
        facts: [`the lock file is ${path}`],
        next: ['look who writes there, then the same command again'],
      });
    },
    release: async () => {
      quiet();
      if (!(await isOurs())) return;
      await rm(path, { force: true });
      await syncDirectory(dirname(path));
    },
  };
}

function held(path: string, what: string, { by, doing, since }: LockFile): RunbookError {
  return new RunbookError('locked', `${what} is held: ${doing}, by ${by.user} on ${by.host} since ${since}.`, {
    facts: [`process ${by.pid}; the lock is ${path}`],
    next: ['wait for it, then the same command again', `if that machine is gone for good: rm ${path}`],
  });
}

function unreadable(path: string, what: string): RunbookError {
  return new RunbookError('locked', `${what} is held by somebody unknown: the lock file cannot be read.`, {
    facts: [`the lock is ${path}`],
    next: [`look who writes there; when nobody does: rm ${path}`],
  });
}
