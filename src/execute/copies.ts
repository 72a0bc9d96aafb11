import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ChangedUnderneath, type Host, type WritableHost } from '../hosts/host.js';
import { type CopiedFile, copiedFiles } from './copied-file.js';
import { emit, type Run } from './run.js';

/** A run never waits longer than this for its copies. */
const LIMIT_MS = 2000;
/** A copy that is larger is not read. */
export const COPY_LIMIT_BYTES = 64 * 1024 * 1024;

/** Where a host keeps its copy of a file of a run. */
export function copyPath(host: Host, run: string, file: CopiedFile): string {
  return `${host.entry.state}/${run}/${file}`;
}

/**
 * Brings the copies of a run's record up to date on every host that it has locked, side by side, and takes at most two
 * seconds: a host that is slow or gone keeps its older copy, which the journal says once. One after another: what is under
 * way ends first. Never rejects for a host. The run need not wait for it; whoever takes a lock away does (`Memory.copying`).
 */
export function copyOut(run: Run): Promise<void> {
  const before = run.memory.copying;
  const copied = (async () => {
    await before;
    await copyNow(run);
  })();
  run.memory.copying = copied.catch(() => undefined);
  return copied;
}

async function copyNow(run: Run): Promise<void> {
  for (const name of run.memory.locks.keys()) if (!run.memory.copies.has(name)) run.memory.copies.set(name, new Map());
  // Who took the run over has its own record on the hosts by now.
  if (run.memory.copies.size === 0 || run.progress.lockLost) return;
  const over = AbortSignal.timeout(LIMIT_MS);
  const content = await contentOf(run.tools.directory);
  const ends = [...run.memory.copies].map(async ([name, known]) => {
    const why = await copyTo(
      run.memory.claimed.get(name) ?? run.tools.hosts.get(name),
      run.tools.run,
      content,
      known,
      over,
    );
    return why === undefined ? [] : [{ name, why }];
  });
  const late = sleep(LIMIT_MS, undefined, { ref: false }).then(() => undefined);
  const failed = await Promise.race([Promise.all(ends), late]);
  const missed = failed?.flat() ?? [{ name: 'a host', why: `it took longer than ${LIMIT_MS / 1000} s` }];
  for (const { name, why } of missed) await tellOnce(run, name, why);
}

/**
 * Brings the copies of the record of a run that nobody carries out up to date on these hosts. Gives why a host has no new
 * copy, by host.
 */
export async function copyRecord(
  { run, path }: { readonly run: string; readonly path: string },
  hosts: readonly WritableHost[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const content = await contentOf(path);
  const ends = hosts.map(async (host) => {
    const why = await copyTo(host, run, content, new Map(), signal);
    return why === undefined ? [] : [`${host.entry.name}: ${why}`];
  });
  return (await Promise.all(ends)).flat();
}

async function contentOf(directory: string): Promise<ReadonlyMap<CopiedFile, Uint8Array>> {
  const read = async (file: CopiedFile): Promise<readonly (readonly [CopiedFile, Uint8Array])[]> =>
    readFile(join(directory, file)).then(
      (bytes) => [[file, bytes] as const],
      () => [],
    );
  return new Map((await Promise.all(copiedFiles.map(read))).flat());
}

/** Why the host has no new copy; undefined when it has. `known`: sha256 of what the host has, by file. */
async function copyTo(
  host: WritableHost | undefined,
  run: string,
  content: ReadonlyMap<CopiedFile, Uint8Array>,
  known: Map<CopiedFile, string>,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (!host) return 'it is no host of this run';
  try {
    if (known.size === 0) await host.makeDirectory(`${host.entry.state}/${run}`);
    for (const [file, bytes] of content) {
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      const path = copyPath(host, run, file);
      const has = known.get(file);
      if (has === sha256) continue;
      known.delete(file);
      if (has === undefined) await first(host, path, { bytes, sha256 }, signal);
      else await host.write(path, bytes, has, signal);
      known.set(file, sha256);
    }
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** A copy of which nobody knows whether the host has an older one: most hosts have none. */
async function first(
  host: WritableHost,
  path: string,
  { bytes, sha256 }: { readonly bytes: Uint8Array; readonly sha256: string },
  signal: AbortSignal,
): Promise<void> {
  try {
    await host.write(path, bytes, 'absent', signal);
  } catch (error) {
    if (!(error instanceof ChangedUnderneath)) throw error;
    const has = await hashThere(host, path, signal);
    if (has !== sha256) await host.write(path, bytes, has, signal);
  }
}

async function hashThere(host: Host, path: string, signal: AbortSignal): Promise<string> {
  const seen = await host.hash(path, signal);
  if (seen.ok) return seen.value;
  if (seen.why === 'absent') return 'absent';
  throw new Error(seen.detail);
}

async function tellOnce(run: Run, name: string, why: string): Promise<void> {
  if (run.memory.notCopied.has(name)) return;
  run.memory.notCopied.add(name);
  const text = `${name} has no copy of the journal as it is now: ${why}`;
  await run.tools.journal.write({ action: 'run', phase: 'evidence', text });
  emit(run, { type: 'note', text });
}
