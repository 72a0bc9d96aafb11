import { createHash } from 'node:crypto';
import { RunbookError } from '../../errors.js';
import { readLock } from '../../execute/lock.js';
import { ChangedUnderneath, type WritableHost } from '../../hosts/host.js';
import { toJson } from '../../model/json.js';

/**
 * The shared mark of a backup on a host: that somebody copies a group's data from it, who, and since when. It holds
 * nobody up but another backup of the same group; a run takes no notice of it. It counts for a minute after its last sign
 * of life.
 */
export interface Mark {
  readonly host: WritableHost;
  readonly path: string;
  /** Renews it. Rejects with RunbookError `locked` when another backup has taken its place. */
  renew(): Promise<void>;
  /** Never rejects: a mark that stays is stale after a minute. */
  remove(): Promise<void>;
}

/** Whose mark it is. Names as fleet.yaml allows them. */
export interface Marker {
  readonly id: string;
  /** `user@machine` of the operator. */
  readonly who: string;
  readonly group: string;
  readonly node: string;
}

const STALE_MS = 60_000;
const LIMIT_BYTES = 16 * 1024;

interface Found {
  readonly sha256: string;
  readonly text: string;
  readonly ageMs: number;
}

/** Leaves the mark. Rejects with RunbookError `locked` while another backup works on the host. */
export async function leaveMark(
  host: WritableHost,
  who: Marker,
  clockOffsetMs: number,
  signal: AbortSignal,
): Promise<Mark> {
  const path = pathOf(host, who.group);
  await host.makeDirectory(host.entry.state);
  const found = await findMark(host, path, clockOffsetMs, signal);
  if (found !== undefined && found.ageMs < STALE_MS && !isOurs(found, who)) throw busy(host, found);
  const since = new Date().toISOString();
  const content = () => {
    const heartbeat = new Date().toISOString();
    return bytesOf({ schema: 'redis-runbook/backup-mark/1', ...who, pid: process.pid, since, heartbeat });
  };
  let last = content();
  await write(host, path, last, found?.sha256 ?? 'absent', signal);
  return {
    host,
    path,
    renew: async () => {
      const next = content();
      await write(host, path, next, sha256(last), signal);
      last = next;
    },
    remove: async () => {
      const never = new AbortController().signal;
      const there = await host.read(path, LIMIT_BYTES, never);
      if (there.ok && sha256(there.value) === sha256(last)) await host.remove(path).catch(() => undefined);
    },
  };
}

/** Rejects with RunbookError `locked` while another backup of the group works on this host, into whatever repository. */
export async function refuseOthers(
  host: WritableHost,
  who: Pick<Marker, 'id' | 'who' | 'group'>,
  clockOffsetMs: number,
  signal: AbortSignal,
): Promise<void> {
  const found = await findMark(host, pathOf(host, who.group), clockOffsetMs, signal);
  if (found !== undefined && found.ageMs < STALE_MS && !isOurs(found, who)) throw busy(host, found);
}

function pathOf(host: WritableHost, group: string): string {
  return `${host.entry.state}/backup-${group}.json`;
}

async function write(
  host: WritableHost,
  path: string,
  bytes: Uint8Array,
  expected: string,
  signal: AbortSignal,
): Promise<void> {
  await host.write(path, bytes, expected, signal).catch((error: unknown) => {
    if (!(error instanceof ChangedUnderneath)) throw error;
    throw new RunbookError('locked', `Another backup has begun on ${host.entry.name}.`, {
      facts: [`its mark is ${host.entry.name}:${path}`],
      next: ['redis-runbook backup list'],
    });
  });
}

async function findMark(
  host: WritableHost,
  path: string,
  clockOffsetMs: number,
  signal: AbortSignal,
): Promise<Found | undefined> {
  const [stat, seen] = await Promise.all([host.stat(path), host.read(path, LIMIT_BYTES, signal)]);
  if (!seen.ok || !stat.ok) return undefined;
  const ageMs = Date.now() + clockOffsetMs - stat.value.mtimeMs;
  // A mark from the future was made by a clock that was set back: it counts no longer than any other.
  return { sha256: sha256(seen.value), text: new TextDecoder().decode(seen.value), ageMs: Math.abs(ageMs) };
}

/** Of the backup that we go on with, or of a process of this operator that is dead. */
function isOurs({ text }: Found, who: { readonly id: string; readonly who: string }): boolean {
  if (wordIn(text, 'id') === who.id) return true;
  const pid = Number(/"pid":(\d{1,10})[,}]/.exec(text)?.[1] ?? 0);
  return pid > 0 && wordIn(text, 'who') === who.who && pid !== process.pid && !lives(pid);
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function busy(host: WritableHost, found: Found): RunbookError {
  return new RunbookError('locked', `Another backup works on ${host.entry.name} right now.`, {
    facts: [
      `who        ${wordIn(found.text, 'who')}, backup ${wordIn(found.text, 'id')} of ${wordIn(found.text, 'node')}`,
      `last sign  ${Math.round(found.ageMs / 1000)} s ago; it counts for ${STALE_MS / 1000} s`,
    ],
    next: ['redis-runbook backup create   when it has ended'],
  });
}

/** The file may be anybody's: only what such words can be is shown. */
function wordIn(text: string, name: string): string {
  const word = new RegExp(`"${name}":"([\\w@.:/-]{1,200})"`).exec(text)?.[1];
  return word ?? 'unknown';
}

function bytesOf(value: unknown): Uint8Array {
  return new TextEncoder().encode(toJson(value));
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Who holds the fleet on one of these hosts, as an error; undefined when nobody does. A host that cannot be asked says nothing. */
export async function fleetHolder(
  hosts: readonly WritableHost[],
  signal: AbortSignal,
): Promise<RunbookError | undefined> {
  for (const host of hosts) {
    const lock = await readLock(host, signal).catch(() => undefined);
    if (lock === undefined) continue;
    const { run, who, since } = lock.file;
    return new RunbookError('locked', `The fleet is being worked on by run ${run}: no backup is made meanwhile.`, {
      facts: [`who        ${who}`, `since      ${since}`, `lock on    ${host.entry.name}`],
      next: ['redis-runbook status', 'redis-runbook backup create --wait 600'],
    });
  }
  return undefined;
}
