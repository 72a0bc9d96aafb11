import { expect } from 'vitest';
import type { LookRequest } from '../../src/hosts/host.js';
import { defaultLimits } from '../../src/hosts/host.js';
import { openLocalHost } from '../../src/hosts/local.js';
import { lookThrough } from '../../src/hosts/remote/look/look.js';
import type { HostEntry } from '../../src/model/inventory.js';
import type { RawFile, RawHost } from '../../src/model/raw-host.js';
import { type ShellChannel, shellChannel } from './shell-channel.js';

const never = new AbortController().signal;

/** Of the looks themselves: when, how long, how exact. */
export const ofTheLook = (name: string): boolean =>
  /^(elapsedMs|clockOffsetMs|diskFreeBytes|reached|system|units)$/.test(name);

/** The value without the members that `dropped` names and without the moments of readings. */
export function still(value: unknown, dropped: (name: string) => boolean = ofTheLook): unknown {
  if (Array.isArray(value)) return value.map((inner) => still(inner, dropped));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name, inner]) => !dropped(name) && !(name === 'at' && typeof inner === 'string'))
      .map(([name, inner]) => [name, still(inner, dropped)]),
  );
}

export const request: LookRequest = { groups: ['g'], passwords: new Map(), limits: defaultLimits };

export interface Pair {
  readonly local: RawHost;
  readonly remote: RawHost;
  readonly channel: ShellChannel;
}

/** One host looked at in both ways. */
export async function pairOf(entry: HostEntry, channel: ShellChannel = shellChannel(entry.name)): Promise<Pair> {
  const local = await openLocalHost(entry).look(request, never);
  return { local, remote: await lookThrough(channel, entry, request, never), channel };
}

/** What stays the same while a server runs: files and who listens; not its answers. */
export function expectSameFiles({ local, remote }: Pair): void {
  const sorted = (files: readonly RawFile[]) => [...files].sort((a, b) => (a.path < b.path ? -1 : 1));
  expect(still(sorted(remote.files))).toEqual(still(sorted(local.files)));
  expect(still(remote.processes)).toEqual(still(local.processes));
}

export function fileOf(raw: RawHost, role: RawFile['role'], end = ''): RawFile {
  const found = raw.files.find((file) => file.role === role && file.path.endsWith(end));
  if (!found) throw new Error(`no ${role} ${end}`);
  return found;
}
