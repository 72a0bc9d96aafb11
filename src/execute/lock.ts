import { createHash } from 'node:crypto';
import type { WritableHost } from '../hosts/host.js';
import { toJson } from '../model/json.js';
import { type LockFile, parseLock } from './lock-file.js';

/** A lock as it stands on one host: the content as last read or written. */
export interface HeldLock {
  readonly path: string;
  readonly file: LockFile;
  readonly sha256: string;
}

const LIMIT_BYTES = 64 * 1024;

/**
 * Makes the file only when it is not there, whole or not at all: link(2) refuses a name that exists, and what came is
 * counted, because the end of a sender that was killed looks like the end of the text.
 */
const CREATE = `umask 077
mkdir -p "$2" || exit 3
t=$(mktemp "$1.XXXXXXXXXX") || exit 3
dd of="$t" conv=fsync 2>/dev/null && [ "$(wc -c < "$t")" -eq "$3" ] && ln "$t" "$1" 2>/dev/null
r=$?
rm -f "$t"
exit $r`;

/** The seconds since the file was written, by the clock of the host that holds it: clocks of two machines differ. */
const AGE = `m=$(stat -c %Y -- "$1") && n=$(date +%s) && echo $((n - m))`;

/** The lock's path on a host. */
export function lockPath(host: Pick<WritableHost, 'entry'>): string {
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
  const file = parseLock(new TextDecoder().decode(seen.value), `${host.entry.name}:${path}`);
  return { path, file, sha256: sha256(seen.value) };
}

/** Seconds since the last sign of life of a lock, by its host's own clock; undefined when that cannot be seen. */
export async function lockAgeSeconds(host: WritableHost, signal: AbortSignal): Promise<number | undefined> {
  const argv = ['sh', '-c', AGE, 'sh', lockPath(host)];
  const said = await host.run(argv, { timeoutMs: 10_000 }, signal).catch(() => undefined);
  if (said?.status !== 0 || !/^-?\d+$/.test(said.stdout.trim())) return undefined;
  return Math.max(0, Number(said.stdout.trim()));
}

/** Makes the lock file exclusively; false when one is there already. Throws when it can be neither made nor found. */
export async function createLock(host: WritableHost, file: LockFile, signal: AbortSignal): Promise<HeldLock | false> {
  const path = lockPath(host);
  const text = toJson(file);
  const bytes = new TextEncoder().encode(text);
  const argv = ['sh', '-c', CREATE, 'sh', path, host.entry.state, String(bytes.length)];
  const made = await host.run(argv, { timeoutMs: 10_000, stdin: text }, signal);
  if (made.status === 0) return { path, file, sha256: sha256(bytes) };
  if ((await readLock(host, signal)) !== undefined) return false;
  throw new Error(`${host.entry.name}:${path} could not be made: ${made.stderr.trim() || `status ${made.status}`}`);
}

/** Replaces the content of a lock, only while the file is as it was read or written last. Throws when it is not. */
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

/** Removes a lock, seen on the host to be the one that was read, in the same command. Rejects with ClaimLost when it is another by now. */
export async function removeLock(host: WritableHost, held: HeldLock): Promise<void> {
  await host.claimed({ path: held.path, token: held.file.token }).remove(held.path);
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
