import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { identitySchema, type ProcessIdentity } from '../hosts/process-identity.js';

const word = z.string().min(1).max(200);

const schema = z.object({
  run: word,
  token: z.string().min(8).max(64),
  who: word,
  since: word,
  heartbeat: word.optional(),
  doing: z.string().max(400).optional(),
  pid: z.int().nonnegative().optional(),
  group: z.string().max(200).optional(),
  runbook: z.string().max(200).optional(),
  process: identitySchema.optional(),
  to: z.string().max(100).optional(),
  note: z.string().max(4000).optional(),
});

/** The lock of a fleet on one host, as its file holds it. */
export interface LockFile {
  readonly run: string;
  /** What every action of the run is checked against; 32 hex digits. */
  readonly token: string;
  /** `user@machine` */
  readonly who: string;
  readonly since: string;
  readonly heartbeat: string;
  /** What the run was doing at the last heartbeat. */
  readonly doing: string;
  /** 0 = no process stands behind it any more. */
  readonly pid: number;
  readonly group?: string | undefined;
  readonly runbook?: string | undefined;
  /** The process, so that its own machine can tell whether it lives. */
  readonly process?: ProcessIdentity | undefined;
  /** To whom the run was handed over: a user's name, or `user@machine`. */
  readonly to?: string | undefined;
  /** What whoever handed it over says: what is true, what is next. */
  readonly note?: string | undefined;
}

/** Reads a lock file's text; `where` names it in the error. Throws when it is none: its content is anybody's. */
export function parseLock(text: string, where: string): LockFile {
  const read = schema.safeParse(parseObject(text));
  if (!read.success) throw new Error(`${where} is no lock of redis-runbook`);
  const { heartbeat, doing, pid, ...file } = read.data;
  return { ...file, heartbeat: heartbeat ?? file.since, doing: doing ?? '', pid: pid ?? 0 };
}

function parseObject(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** For what a new lock is taken. */
export interface LockFor {
  readonly run: string;
  readonly who: string;
  readonly doing: string;
  readonly group?: string;
  readonly runbook?: string;
  readonly process?: ProcessIdentity;
}

/** A new lock of this process, with a token of its own. */
export function newLock({ run, who, ...more }: LockFor, now: Date): LockFile {
  const at = now.toISOString();
  return { run, token: newToken(), who, since: at, heartbeat: at, pid: process.pid, ...more };
}

/** A token that nobody can guess. */
export function newToken(): string {
  return randomBytes(16).toString('hex');
}
