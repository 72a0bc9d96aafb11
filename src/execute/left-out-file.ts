import { createHash } from 'node:crypto';
import type { WritableHost } from '../hosts/host.js';
import { leftOutPath } from '../hosts/local-state.js';
import { type LeftOutHost, parseLeftOut, printLeftOut } from '../model/left-out.js';

const LIMIT_BYTES = 1024 * 1024;

/** The file of one host as it stands, with what it takes to replace it. */
interface Read {
  readonly hosts: readonly LeftOutHost[];
  readonly sha256: string | 'absent';
}

/** Who was left out, as this host remembers it; none where it has no file. Throws when the file cannot be read or makes no sense. */
export async function readLeftOut(host: WritableHost, signal: AbortSignal): Promise<Read> {
  const path = leftOutPath(host.entry);
  const seen = await host.read(path, LIMIT_BYTES, signal);
  if (!seen.ok) {
    if (seen.why === 'absent') return { hosts: [], sha256: 'absent' };
    throw new Error(`${host.entry.name}:${path} could not be read: ${seen.detail}`);
  }
  const sha256 = createHash('sha256').update(seen.value).digest('hex');
  try {
    return { hosts: parseLeftOut(new TextDecoder().decode(seen.value)), sha256 };
  } catch (error) {
    throw new Error(`${host.entry.name}:${path} ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Replaces what this host remembers, only while it is as it was read. */
export async function changeLeftOut(
  host: WritableHost,
  change: (hosts: readonly LeftOutHost[]) => readonly LeftOutHost[],
  signal: AbortSignal,
): Promise<void> {
  const read = await readLeftOut(host, signal);
  const bytes = new TextEncoder().encode(printLeftOut(change(read.hosts)));
  await host.makeDirectory(host.entry.state);
  await host.write(leftOutPath(host.entry), bytes, read.sha256, signal);
}
