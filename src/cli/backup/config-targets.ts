import { createHash } from 'node:crypto';
import { RunbookError } from '../../errors.js';
import type { BackupSource } from '../../execute/tools.js';
import type { BackupFile, BackupManifest } from '../../model/backup.js';
import type { HostEntry, NodeEntry } from '../../model/inventory.js';
import { known } from '../../model/seen.js';
import { decodeText } from '../../redis/byte-text.js';
import type { Judged } from '../compose.js';

/** A config file of a backup whose lines can go back into the file of the same node that it came from. */
export interface StoredConfig {
  readonly host: HostEntry;
  readonly entry: NodeEntry;
  /** On that host: the main file of the node, or one that it includes. */
  readonly path: string;
  /** As it was. */
  readonly text: string;
}

/** The redis.conf and its includes in a backup, read and hashed again; those of nodes that this fleet does not have are left out. */
export async function storedConfigs(
  source: BackupSource,
  manifest: BackupManifest,
  judged: Judged,
): Promise<readonly StoredConfig[]> {
  const found: StoredConfig[] = [];
  for (const file of manifest.files) {
    const target = targetOf(file, manifest.source.node, judged);
    if (target !== undefined) found.push({ ...target, text: await textOf(source, file) });
  }
  return found;
}

/** Only the files of the node itself: ACL files and what Sentinel writes itself are for a person. */
export function targetOf(
  { path, from }: Pick<BackupFile, 'path' | 'from'>,
  node: string,
  { inventory }: Pick<Judged, 'inventory'>,
): Omit<StoredConfig, 'text'> | undefined {
  const isMain = path === 'config/redis.conf';
  if (!isMain && !path.startsWith('config/includes/')) return undefined;
  for (const host of inventory.hosts) {
    const entry = host.nodes.find(({ id }) => id === node);
    if (entry === undefined) continue;
    if (isMain) return { host, entry, path: entry.config };
    return from?.startsWith('/') ? { host, entry, path: from } : undefined;
  }
  return undefined;
}

async function textOf(source: BackupSource, { path, sha256 }: BackupFile): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source.read(path, 0n, new AbortController().signal)) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  if (createHash('sha256').update(bytes).digest('hex') === sha256) return decodeText(bytes);
  throw new RunbookError('bad-backup', `${path} of the backup is not what was verified.`, {
    next: ['redis-runbook backup verify'],
  });
}

/** A file as the look at the fleet saw it; undefined where it was not seen, or is not read by its node any more. */
export function configSeen(judged: Judged, { entry, path }: Pick<StoredConfig, 'entry' | 'path'>): string | undefined {
  const group = judged.survey.groups[judged.diagnosis.group];
  const config = known(group?.redis.find(({ node }) => node === entry.id)?.config);
  const asRead = path === entry.config ? (config?.files[0] ?? path) : path;
  if (config === undefined || !config.files.includes(asRead)) return undefined;
  return config.lines
    .filter(({ file }) => file === asRead)
    .map(({ raw }) => `${raw}\n`)
    .join('');
}
