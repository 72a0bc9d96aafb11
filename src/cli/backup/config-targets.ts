import { createHash } from 'node:crypto';
import { RunbookError } from '../../errors.js';
import type { BackupSource } from '../../execute/tools.js';
import type { BackupFile, BackupManifest } from '../../model/backup.js';
import type { HostEntry, NodeEntry } from '../../model/inventory.js';
import { known } from '../../model/seen.js';
import { decodeText } from '../../redis/byte-text.js';
import type { Judged } from '../compose.js';
import { groupOf } from './restore-plan.js';

/** What a config file of a backup is. */
export type ConfigKind = 'redis' | 'sentinel' | 'acl';

/** A config file of a backup whose lines can go back into the file of the same node that it came from. */
export interface StoredConfig {
  readonly kind: ConfigKind;
  readonly host: HostEntry;
  readonly entry: NodeEntry;
  /** On that host: the main file of the node, one that it includes, or its ACL file. */
  readonly path: string;
  /** Where it lies in the backup, and its hash there. */
  readonly stored: string;
  readonly sha256: string;
  /** As it was. */
  readonly text: string;
}

/** The config files in a backup, read and hashed again; those of nodes that this fleet does not have are left out. */
export async function storedConfigs(
  source: BackupSource,
  manifest: BackupManifest,
  judged: Judged,
): Promise<readonly StoredConfig[]> {
  const found: StoredConfig[] = [];
  for (const file of manifest.files) {
    const target = targetOf(file, manifest, judged);
    if (target === undefined) continue;
    found.push({ ...target, stored: file.path, sha256: file.sha256, text: await textOf(source, file) });
  }
  return found;
}

type Target = Pick<StoredConfig, 'kind' | 'host' | 'entry' | 'path'>;

/** Where a file of a backup goes back to: the same node's file of the same path; undefined where this fleet has none. */
export function targetOf(
  { path, from }: Pick<BackupFile, 'path' | 'from'>,
  { source, group }: Pick<BackupManifest, 'source' | 'group'>,
  judged: Judged,
): Target | undefined {
  const all = judged.inventory.hosts.flatMap((host) => host.nodes.map((entry) => ({ host, entry })));
  if (path.startsWith('config/sentinels/')) {
    const at = all.find(({ host, entry }) => entry.kind === 'sentinel' && from === `${host.name}:${entry.config}`);
    return at === undefined || group !== judged.diagnosis.group
      ? undefined
      : { kind: 'sentinel', ...at, path: at.entry.config };
  }
  const at = all.find(({ entry }) => entry.id === source.node);
  if (at === undefined) return undefined;
  if (path === 'config/redis.conf') return { kind: 'redis', ...at, path: at.entry.config };
  if (path === 'config/users.acl') {
    const acl = from?.startsWith(`${at.host.name}:/`) ? from.slice(at.host.name.length + 1) : undefined;
    return acl === undefined ? undefined : { kind: 'acl', ...at, path: acl };
  }
  return path.startsWith('config/includes/') && from?.startsWith('/')
    ? { kind: 'redis', ...at, path: from }
    : undefined;
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

/** A redis.conf, an include or a sentinel.conf as the look at the fleet saw it; undefined where it was not seen, or is not read by its node any more. */
export function configSeen(judged: Judged, { kind, entry, path }: Target): string | undefined {
  const group = groupOf(judged);
  if (kind === 'sentinel') {
    const file = known(group.sentinels.find(({ node }) => node === entry.id)?.file);
    return file === undefined ? undefined : textWith(file.lines);
  }
  const config = known(group.redis.find(({ node }) => node === entry.id)?.config);
  const asRead = path === entry.config ? (config?.files[0] ?? path) : path;
  if (config === undefined || !config.files.includes(asRead)) return undefined;
  return textWith(config.lines.filter(({ file }) => file === asRead));
}

function textWith(lines: readonly { readonly raw: string }[]): string {
  return lines.map(({ raw }) => `${raw}\n`).join('');
}

/** Whether the node's config still names this ACL file. */
export function namesAcl(judged: Judged, { entry, path }: Target): boolean {
  const config = known(groupOf(judged).redis.find(({ node }) => node === entry.id)?.config);
  return config?.lines.findLast(({ name }) => name === 'aclfile')?.args[0] === path;
}

/** Users that replicas, sentinels or this tool log in as, and `default`, whom everybody is who names nobody. */
export function fleetUsers(judged: Judged): ReadonlySet<string> {
  const { redis, sentinels } = groupOf(judged);
  const masterUsers = redis.flatMap(({ config }) =>
    (known(config)?.lines ?? []).filter(({ name }) => name === 'masteruser' || name === 'primaryuser'),
  );
  const authUsers = sentinels.flatMap(({ file }) =>
    (known(file)?.lines ?? []).filter(({ name, args }) => name === 'sentinel' && /-user$/i.test(args[0] ?? '')),
  );
  const logins = judged.inventory.hosts.flatMap(({ nodes }) => nodes.flatMap(({ user }) => user ?? []));
  const named = [...masterUsers, ...authUsers].flatMap(({ args }) => args.at(-1) ?? []);
  return new Set(['default', ...logins, ...named]);
}
