import { dirname } from 'node:path';
import { RunbookError } from '../../errors.js';
import type { HostEntry, NodeEntry } from '../../model/inventory.js';
import type { Seen } from '../../model/seen.js';
import { ChangedUnderneath } from '../host.js';
import { holdPath } from '../local-state.js';
import { codeOf, missed, reading, saw } from '../reading.js';
import type { RemoteFiles } from '../remote/files.js';

const LIMIT_BYTES = 64 * 1024;

/** The node whose hold is meant, and the files of its host. */
export interface HoldPlace {
  readonly entry: HostEntry;
  readonly node: NodeEntry;
  readonly files: RemoteFiles;
}

function runIn(text: string): string | undefined {
  try {
    const hold: unknown = JSON.parse(text);
    if (typeof hold === 'object' && hold !== null && 'run' in hold && typeof hold.run === 'string') return hold.run;
  } catch {
    // Said by the caller: a hold that cannot be read still holds.
  }
  return undefined;
}

/** The run that holds a node of another machine; null when no hold file is there. One that cannot be read is not ok, never "not held". */
export async function holderOn(place: HoldPlace, signal: AbortSignal): Promise<Seen<{ readonly run: string } | null>> {
  const path = holdPath(place.entry, place.node);
  const from = { host: place.entry.name, node: place.node.id, source: path };
  const read = await reading(from, () => place.files.read(path, LIMIT_BYTES, signal));
  if (!read.ok) return read.why === 'absent' ? saw(null, from) : read;
  const run = runIn(new TextDecoder().decode(read.value));
  return run === undefined ? missed('unparseable', `${path} is no hold file`, from) : saw({ run }, from);
}

/** The run that holds a node, or null. Throws RunbookError `locked` when that cannot be read. */
async function holderOrThrow(place: HoldPlace, signal: AbortSignal): Promise<string | null> {
  const holder = await holderOn(place, signal);
  if (!holder.ok) throw new RunbookError('locked', `${place.node.id}: the hold cannot be read: ${holder.detail}`);
  return holder.value?.run ?? null;
}

function heldByAnother(node: NodeEntry, run: string): RunbookError {
  return new RunbookError('locked', `${node.id} is held by run ${run}`);
}

/** Refuses to start what is held. */
export async function refuseHeld(place: HoldPlace, signal: AbortSignal): Promise<void> {
  const run = await holderOrThrow(place, signal);
  if (run !== null) throw new RunbookError('locked', `${place.node.id} is held by run ${run}: it is not started`);
}

/** Makes the directory that holds stand in. */
export function makeHoldDirectory(place: HoldPlace, signal: AbortSignal): Promise<void> {
  return place.files.makeDirectory(dirname(holdPath(place.entry, place.node)), signal);
}

/** Writes the hold file, exclusively and on the disk. Held by the same run: nothing to do. By another: `locked`. */
export async function takeHold(place: HoldPlace, run: string, signal: AbortSignal): Promise<void> {
  const path = holdPath(place.entry, place.node);
  const bytes = new TextEncoder().encode(`${JSON.stringify({ run, since: new Date().toISOString() })}\n`);
  const write = () => place.files.write(path, bytes, 'absent', signal);
  try {
    await write().catch(async (error: unknown) => {
      if (codeOf(error) !== 'ENOENT') throw error;
      await place.files.makeDirectory(dirname(path), signal);
      return write();
    });
  } catch (error) {
    if (!(error instanceof ChangedUnderneath)) throw error;
    const holder = await holderOrThrow(place, signal);
    if (holder === null) throw error;
    if (holder !== run) throw heldByAnother(place.node, holder);
  }
}

/** Whether this run holds the node; held by another run is `locked`. */
export async function isHeldBy(place: HoldPlace, run: string, signal: AbortSignal): Promise<boolean> {
  const holder = await holderOrThrow(place, signal);
  if (holder !== null && holder !== run) throw heldByAnother(place.node, holder);
  return holder !== null;
}

/** Removes the hold file: the last thing that a release does, so that a release that was cut short is seen as held. */
export function dropHold(place: HoldPlace, signal: AbortSignal): Promise<void> {
  return place.files.remove(holdPath(place.entry, place.node), signal);
}
