import { basename, dirname, join } from 'node:path';
import { RunbookError } from '../../errors.js';
import { type AofOnDisk, findAof, runningPlace } from '../../execute/data-place.js';
import { nodeAt, withReader } from '../../execute/node.js';
import type { Reach } from '../../execute/tools.js';
import type { KeptFile } from '../../hosts/host.js';
import { codeOf } from '../../hosts/reading.js';
import type { BackupFileRole } from '../../model/backup.js';
import { word } from '../../plan/commands.js';
import { parseManifest } from '../../redis/aof.js';
import { freeBytes } from './facts.js';

/** A data file of the node, held on its host under a name of our own: whatever the node does, its first `sizeBytes` stay. */
export interface HeldFile {
  /** Where it goes in the backup. */
  readonly path: string;
  readonly role: BackupFileRole;
  readonly from: string;
  readonly held: string;
  readonly how: KeptFile['how'];
  readonly sizeBytes: bigint;
  /** Of these bytes, as the host counted them or an RDB proved them on arrival; undefined until then. */
  readonly sha256?: string;
  readonly mode: number;
  readonly owner: string;
  readonly sequence?: number;
}

/** Everything that is held for one backup, in the order in which it is sent. */
export interface Held {
  readonly directory: string;
  readonly files: readonly HeldFile[];
}

const PREFIX = '.redis-runbook-backup-';
const MOST_TRIES = 5;
const RMDIR_MS = 10_000;

/** Where the files of one backup are held: beside the data, so that they can be linked. */
function heldDirectory(dir: string, id: string): string {
  return join(dir, `${PREFIX}${id}`);
}

/** Holds the RDB file that is there now, by a hard link where the file system can: every writer of an RDB replaces it by rename (seen on 6.0.20 and 7.0.15). */
export async function holdRdb(reach: Reach, node: string, id: string): Promise<Held> {
  const place = await withReader(reach, node, runningPlace);
  const directory = heldDirectory(place.dir, id);
  try {
    const held = await hold(reach, node, place.rdb, directory, { path: 'data/dump.rdb', role: 'rdb' });
    return { directory, files: [held] };
  } catch (error) {
    await removeDirectory(reach, node, directory);
    throw error;
  }
}

/**
 * Holds the append-only files that make one dataset together: the manifest is the same, byte for byte, before and after
 * the others were held, else all is given up and done again. Nothing of the node is changed for it: a link survives
 * every rewrite. Of a file that still grows the size counts that it had then. Throws RunbookError `backup-failed` when rewrites
 * are faster than we are, or the node has no append-only file.
 */
export async function holdAof(reach: Reach, node: string, id: string): Promise<Held> {
  const place = await withReader(reach, node, runningPlace);
  if (!place.appendonly)
    throw new RunbookError('backup-failed', `${node} writes no append-only file (appendonly no).`, {
      next: ['redis-runbook backup create --kind rdb'],
    });
  const directory = heldDirectory(place.dir, id);
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    const before = await findAof(reach, node, place);
    if (before === undefined || before.files.length === 0 || before.missing.length > 0) continue;
    const files = await holdSet(reach, node, before, directory);
    const after = await findAof(reach, node, place);
    if (files !== undefined && after?.manifest?.text === before.manifest?.text) return { directory, files };
    await release(reach, node, { directory, files: files ?? [] });
  }
  throw new RunbookError(
    'backup-failed',
    `${node} rewrote its append-only file ${MOST_TRIES} times while it was being held.`,
    {
      facts: ['its manifest was never the same before and after'],
      next: ['redis-runbook backup create   when no rewrite is under way', 'redis-runbook backup create --kind rdb'],
    },
  );
}

/** Undefined when a file went away meanwhile: a rewrite has ended, and the manifest tells. */
async function holdSet(
  reach: Reach,
  node: string,
  aof: AofOnDisk,
  directory: string,
): Promise<readonly HeldFile[] | undefined> {
  const held: HeldFile[] = [];
  try {
    if (aof.manifest)
      held.push(await hold(reach, node, aof.manifest.path, directory, placed('manifest', aof.manifest.path)));
    for (const file of aof.files) {
      const sequence = sequenceOf(aof, file.path);
      const into = { ...placed(file.type, file.path), ...(sequence === undefined ? {} : { sequence }) };
      held.push(await hold(reach, node, file.path, directory, into));
    }
    return held;
  } catch (error) {
    await release(reach, node, { directory, files: held });
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

type Placed = Pick<HeldFile, 'path' | 'role' | 'sequence'>;

function placed(type: 'manifest' | 'base' | 'incr' | 'single', path: string): Placed {
  if (type === 'single') return { path: 'data/appendonly.aof', role: 'aof' };
  return { path: `data/appendonlydir/${basename(path)}`, role: `aof-${type}` };
}

function sequenceOf(aof: AofOnDisk, path: string): number | undefined {
  if (aof.manifest === undefined) return undefined;
  return parseManifest(aof.manifest.text).entries.find(({ name }) => name === basename(path))?.seq;
}

async function hold(reach: Reach, node: string, from: string, directory: string, into: Placed): Promise<HeldFile> {
  const { named } = nodeAt(reach, node);
  const stat = await named.stat(from);
  if (!stat.ok && stat.why !== 'absent')
    throw new RunbookError('backup-failed', `${node}: ${from} could not be seen: ${stat.detail}.`, {
      next: ['redis-runbook doctor'],
    });
  const kept = await named.hold(from, directory, reach.signal).catch(async (error: unknown) => {
    throw await sayingFull(error, reach, node, directory, stat.ok ? stat.value.sizeBytes : undefined);
  });
  return {
    ...into,
    from,
    held: kept.kept,
    how: kept.how,
    sizeBytes: kept.sizeBytes,
    mode: stat.ok ? stat.value.mode : 0o600,
    owner: stat.ok ? `${stat.value.uid}:${stat.value.gid}` : '',
  };
}

/** A full disk on the node's host, said as that; every other error as it is. */
async function sayingFull(
  error: unknown,
  reach: Reach,
  node: string,
  directory: string,
  sizeBytes: bigint | undefined,
): Promise<unknown> {
  const code = codeOf(error);
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error;
  const { host } = nodeAt(reach, node);
  const dir = dirname(directory);
  const free = await freeBytes(host, dir, reach.signal);
  const name = host.entry.name;
  return new RunbookError('disk-full', `The disk of ${name} has no room to hold the files of ${node} for a backup.`, {
    facts: [
      `a directory and a hard link for each file in ${dir}, or a copy${sizeBytes === undefined ? '' : ` (${sizeBytes} bytes)`} where it cannot link`,
      ...(free === undefined ? [] : [`free there now: ${free} bytes`]),
    ],
    next: [
      `df -h ${word(dir)}; df -i ${word(dir)}   on ${name}, and make room there`,
      'redis-runbook backup create   when there is room',
    ],
  });
}

/** Lets go of what is held; a host that cannot be reached keeps it until the next backup sweeps. Never rejects. */
export async function release(reach: Reach, node: string, held: Held): Promise<void> {
  const { named } = nodeAt(reach, node);
  for (const file of held.files) await named.remove(file.held).catch(() => undefined);
  await removeDirectory(reach, node, held.directory);
}

async function removeDirectory(reach: Reach, node: string, directory: string): Promise<void> {
  const { host } = nodeAt(reach, node);
  const never = new AbortController().signal;
  await host.run(['rmdir', '--', directory], { timeoutMs: RMDIR_MS }, never).catch(() => undefined);
}

/** Removes what backups that were killed hold on the node's host, but for that of `except`. Gives their ids. */
export async function sweepHeld(reach: Reach, node: string, except: string | undefined): Promise<readonly string[]> {
  const { named } = nodeAt(reach, node);
  const { dir } = await withReader(reach, node, runningPlace);
  const names = await named.list(dir);
  if (!names.ok) return [];
  const left = names.value.filter((name) => /^\.redis-runbook-backup-[0-9A-Z]{4}$/.test(name));
  const swept = left.map((name) => name.slice(PREFIX.length)).filter((id) => id !== except);
  for (const id of swept) {
    const directory = heldDirectory(dir, id);
    const files = await named.list(directory);
    for (const file of files.ok ? files.value : []) await named.remove(join(directory, file)).catch(() => undefined);
    await removeDirectory(reach, node, directory);
  }
  return swept;
}
