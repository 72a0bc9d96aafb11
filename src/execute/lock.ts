import { createHash, randomBytes } from 'node:crypto';
import { RunbookError } from '../errors.js';
import type { WritableHost } from '../hosts/host.js';
import { toJson } from '../model/json.js';
import type { LockHolder } from '../model/survey.js';

/** The lock of a fleet on one host, as its file holds it. `pid` 0 = no process stands behind it any more. */
export interface LockFile extends LockHolder {
  readonly token: string;
}

/** A lock that this run holds: the file's content as last written. */
export interface HeldLock {
  readonly path: string;
  readonly file: LockFile;
  readonly sha256: string;
}

const LIMIT_BYTES = 64 * 1024;

/** Makes the file only when it is not there, whole or not at all: link(2) refuses a name that exists. */
const CREATE = `umask 077
mkdir -p "$2" || exit 3
t=$(mktemp "$1.XXXXXXXXXX") || exit 3
cat > "$t" && ln "$t" "$1" 2>/dev/null
r=$?
rm -f "$t"
exit $r`;

/** The lock's path on a host. */
export function lockPath(host: WritableHost): string {
  return `${host.entry.state}/lock.json`;
}

/** Reads a lock file: undefined when there is none. Throws when it cannot be read or makes no sense. */
export async function readLock(host: WritableHost, signal: AbortSignal): Promise<HeldLock | undefined> {
  const path = lockPath(host);
  const seen = await host.read(path, LIMIT_BYTES, signal);
  if (!seen.ok) {
    if (seen.why === 'absent') return undefined;
    throw new Error(`${host.entry.name}:${path} could not be read: ${seen.detail}`);
  }
  return { path, file: parseLock(new TextDecoder().decode(seen.value), path), sha256: sha256(seen.value) };
}

function parseLock(text: string, path: string): LockFile {
  const value = parseObject(text);
  const word = (name: string) => (typeof value[name] === 'string' ? (value[name] as string).slice(0, 200) : undefined);
  const [run, token, who, since] = [word('run'), word('token'), word('who'), word('since')];
  if (run === undefined || token === undefined || who === undefined || since === undefined) {
    throw new Error(`${path} is no lock of redis-runbook`);
  }
  const pid = typeof value.pid === 'number' && Number.isSafeInteger(value.pid) ? value.pid : 0;
  return { run, token, who, since, pid, heartbeat: word('heartbeat') ?? since, doing: word('doing') ?? '' };
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** A new lock of this process. */
export function newLock(run: string, who: string, now: Date, doing: string): LockFile {
  const at = now.toISOString();
  const token = randomBytes(16).toString('hex');
  return { run, token, who, since: at, heartbeat: at, doing, pid: process.pid };
}

/** Makes the lock file exclusively; false when one is there already. Throws when it can be neither made nor found. */
export async function createLock(host: WritableHost, file: LockFile, signal: AbortSignal): Promise<HeldLock | false> {
  const path = lockPath(host);
  const text = toJson(file);
  const made = await host.run(
    ['sh', '-c', CREATE, 'sh', path, host.entry.state],
    { timeoutMs: 10_000, stdin: text },
    signal,
  );
  if (made.status === 0) return { path, file, sha256: sha256(new TextEncoder().encode(text)) };
  if ((await readLock(host, signal)) !== undefined) return false;
  throw new Error(`${host.entry.name}:${path} could not be made: ${made.stderr.trim() || `status ${made.status}`}`);
}

/** Replaces the content of a lock that is held, only while the file is as this run wrote it. Throws when it is not. */
export async function updateLock(
  host: WritableHost,
  held: HeldLock,
  changes: Partial<LockFile>,
  signal: AbortSignal,
): Promise<HeldLock> {
  const file = { ...held.file, ...changes };
  const bytes = new TextEncoder().encode(toJson(file));
  await host.write(held.path, bytes, held.sha256, signal);
  return { path: held.path, file, sha256: sha256(bytes) };
}

/**
 * Whether the lock may be taken over without being asked: nobody stands behind it any more and it is this operator's
 * own, on this machine. Only there can a dead process be told from one that is out of sight.
 */
export function isLeftBehind(file: LockFile, who: string): boolean {
  return file.who === who && (file.pid === 0 || (file.pid !== process.pid && !lives(file.pid)));
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The refusal that names the holder. */
export function lockedBy(host: string, file: LockFile, now: Date): RunbookError {
  const quietSeconds = Math.max(0, Math.round((now.getTime() - Date.parse(file.heartbeat)) / 1000));
  const dead = file.pid === 0 || quietSeconds > 90;
  const message = dead
    ? `The fleet is locked by a run that looks dead: ${file.run}.`
    : `The fleet is locked: ${file.who} is working on it right now, run ${file.run}.`;
  return new RunbookError('locked', message, {
    facts: [
      `who        ${file.who}, run ${file.run}, process ${file.pid}`,
      `since      ${file.since}; last sign of life ${quietSeconds} s ago`,
      `doing      ${file.doing}`,
      `lock on    ${host}`,
    ],
    next: ['redis-runbook status'],
  });
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
