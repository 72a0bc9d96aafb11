import { dirname } from 'node:path';
import { RunbookError } from '../errors.js';
import type { HostEntry, NodeEntry } from '../model/inventory.js';
import type { Seen } from '../model/seen.js';
import { ChangedUnderneath } from './host.js';
import { readRegular } from './local-files.js';
import { holdPath } from './local-state.js';
import { leftoversOf, makePrivateDirectory, removeFile, removeLeftovers, replaceFile } from './local-write.js';
import { missed, reading, saw } from './reading.js';

const LIMIT_BYTES = 64 * 1024;

function runIn(text: string): string | undefined {
  try {
    const hold: unknown = JSON.parse(text);
    if (typeof hold === 'object' && hold !== null && 'run' in hold && typeof hold.run === 'string') return hold.run;
  } catch {
    // Said by the caller: a hold that cannot be read still holds.
  }
  return undefined;
}

/** The run that holds a node; null when no hold file is there. A hold that cannot be read is not ok, never "not held". */
export async function holderIn(
  entry: HostEntry,
  node: NodeEntry,
  signal: AbortSignal,
): Promise<Seen<{ readonly run: string } | null>> {
  const path = holdPath(entry, node);
  const from = { host: entry.name, node: node.id, source: path };
  const read = await reading(from, () => readRegular(path, LIMIT_BYTES, signal, 'refuse'));
  if (!read.ok) return read.why === 'absent' ? saw(null, from) : read;
  const run = runIn(new TextDecoder().decode(read.value.bytes));
  return run === undefined ? missed('unparseable', `${path} is no hold file`, from) : saw({ run }, from);
}

async function holderOrThrow(entry: HostEntry, node: NodeEntry, signal: AbortSignal): Promise<string | null> {
  const holder = await holderIn(entry, node, signal);
  if (!holder.ok) throw new RunbookError('locked', `${node.id}: the hold cannot be read: ${holder.detail}`);
  return holder.value?.run ?? null;
}

function heldByAnother(node: NodeEntry, run: string): RunbookError {
  return new RunbookError('locked', `${node.id} is held by run ${run}`);
}

/** Writes the hold file of a node, exclusively and fsynced. Held by the same run: nothing to do. By another: `locked`. */
export async function holdNode(
  entry: HostEntry,
  node: NodeEntry,
  run: string,
  signal: AbortSignal,
  guard: () => void = () => undefined,
): Promise<void> {
  guard();
  const path = holdPath(entry, node);
  await makePrivateDirectory(dirname(path));
  const text = `${JSON.stringify({ run, since: new Date().toISOString() })}\n`;
  try {
    await replaceFile(path, new TextEncoder().encode(text), 'absent', signal, guard);
  } catch (error) {
    if (!(error instanceof ChangedUnderneath)) throw error;
    const holder = await holderOrThrow(entry, node, signal);
    if (holder === null) throw error;
    if (holder !== run) throw heldByAnother(node, holder);
  }
}

/** Whether a writer of the hold file that was killed left something of it: it holds nothing, and a release takes it away. */
export async function isHoldLeftOver(entry: HostEntry, node: NodeEntry): Promise<boolean> {
  return (await leftoversOf(holdPath(entry, node))).length > 0;
}

/**
 * Removes the hold file of this run, and what a run that was killed left of one; not held is fine, held by another run
 * is `locked`.
 */
export async function releaseNode(
  entry: HostEntry,
  node: NodeEntry,
  run: string,
  signal: AbortSignal,
  guard: () => void = () => undefined,
): Promise<void> {
  signal.throwIfAborted();
  const holder = await holderOrThrow(entry, node, signal);
  if (holder !== null && holder !== run) throw heldByAnother(node, holder);
  guard();
  await removeLeftovers(holdPath(entry, node));
  if (holder !== null) await removeFile(holdPath(entry, node));
}
