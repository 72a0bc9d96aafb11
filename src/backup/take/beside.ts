import { readConfig, readTexts } from '../../execute/config-texts.js';
import { infoOf, nodeAt, withReader } from '../../execute/node.js';
import type { Reach } from '../../execute/tools.js';
import type { BackupFileRole, BackupManifest } from '../../model/backup.js';
import type { Inventory, NodeEntry } from '../../model/inventory.js';
import { encodeText } from '../../redis/byte-text.js';
import { parseConfig } from '../../redis/redis-conf.js';
import { redactConfig } from '../../redis/secrets.js';

/** A small file that goes beside the data. */
export interface BesideFile {
  readonly path: string;
  readonly role: Extract<BackupFileRole, 'config' | 'seen'>;
  readonly bytes: Uint8Array;
  readonly from?: string;
}

export interface Beside {
  readonly files: readonly BesideFile[];
  readonly leftOut: BackupManifest['leftOut'];
  /** Files that hold secrets as they are, because they were asked for: to be named to the operator. */
  readonly withSecrets: readonly string[];
}

/**
 * The configs that the data needs to be served again: the node's redis.conf, its includes and ACL file, and the
 * sentinel.conf of every sentinel that can be read. Secrets are replaced in them and named in `leftOut`, unless
 * `withSecrets`. What cannot be read is named too, and ends nothing: the data is what counts.
 */
export async function configsBeside(
  reach: Reach,
  inventory: Inventory,
  source: NodeEntry,
  withSecrets: boolean,
): Promise<Beside> {
  const found = await Promise.all([
    redisConfigs(reach, source),
    ...sentinelsOf(inventory).map((node) => sentinelConfig(reach, node)),
  ]);
  const files: BesideFile[] = [];
  const leftOut: { path: string; why: string }[] = [];
  const named: string[] = [];
  for (const one of found.flat().map(shown)) {
    if (one.text === undefined) {
      leftOut.push({ path: one.from, why: one.why });
      continue;
    }
    const bare = redactConfig(one.text).text;
    const secret = bare !== one.text;
    if (secret && withSecrets) named.push(one.from);
    if (secret && !withSecrets)
      leftOut.push({ path: one.from, why: 'kept without its secrets; --with-secrets keeps them' });
    const bytes = encodeText(withSecrets ? one.text : bare);
    files.push({ path: one.path, role: 'config', bytes, from: one.from });
  }
  return { files, leftOut, withSecrets: named };
}

/** A manifest holds no control characters, whatever a config calls its files. */
function shown(one: Found): Found {
  return { ...one, from: one.from.replace(/[\p{Cc}\p{Cf}\p{Cs}]/gu, '?').slice(0, 4000) };
}

type Found =
  | { readonly path: string; readonly from: string; readonly text: string }
  | { readonly path: string; readonly from: string; readonly text: undefined; readonly why: string };

function sentinelsOf(inventory: Inventory): readonly NodeEntry[] {
  return inventory.hosts.flatMap((host) => host.nodes.filter((node) => node.kind === 'sentinel'));
}

async function redisConfigs(reach: Reach, node: NodeEntry): Promise<readonly Found[]> {
  const { host, named } = nodeAt(reach, node.id);
  const read = await readTexts(host, node.config, reach.signal).catch((error: Error) => error.message);
  if (typeof read === 'string') return [missing('config/redis.conf', node.config, read)];
  const texts = [...read.texts];
  const configs = texts.map(([from, text], index): Found => {
    const path = from === node.config ? 'config/redis.conf' : `config/includes/${index}-${safeName(from)}`;
    return { path, from, text };
  });
  const acl = texts.flatMap(([from, text]) => parseConfig(from, text)).findLast((line) => line.name === 'aclfile');
  const aclPath = acl?.args[0];
  if (aclPath === undefined || aclPath === '') return configs;
  return [...configs, await readOne(named, 'config/users.acl', aclPath, reach.signal)];
}

async function sentinelConfig(reach: Reach, node: NodeEntry): Promise<readonly Found[]> {
  const { host } = nodeAt(reach, node.id);
  return [await readOne(host, `config/sentinels/${safeName(node.id)}.conf`, node.config, reach.signal)];
}

async function readOne(
  host: Parameters<typeof readConfig>[0],
  path: string,
  from: string,
  signal: AbortSignal,
): Promise<Found> {
  return readConfig(host, from, signal).then(
    ({ text }): Found => ({ path, from: `${host.entry.name}:${from}`, text }),
    (error: Error) => missing(path, `${host.entry.name}:${from}`, error.message),
  );
}

function missing(path: string, from: string, why: string): Found {
  return { path, from, text: undefined, why: why.replace(/[^\x20-\x7e]/g, '?').slice(0, 400) };
}

function safeName(path: string): string {
  const name = path
    .replaceAll('/', '-')
    .replace(/[^A-Za-z0-9._-]/g, '_')
    .replace(/^[^A-Za-z0-9_]+|\.+$/g, '');
  return name.slice(-100) || 'unnamed';
}

/** What the node says of itself, and what the look at the fleet brought back (secrets replaced): it can be judged again with --survey. */
export async function answersBeside(reach: Reach, node: string, survey: string): Promise<readonly BesideFile[]> {
  const encoder = new TextEncoder();
  const info = await withReader(reach, node, (reader) => infoOf(reader, 'all'));
  const lines = [...info].map(([name, value]) => `${name}:${value}\n`).join('');
  return [
    { path: 'seen/info.txt', role: 'seen', bytes: encoder.encode(lines) },
    { path: 'seen/survey.json', role: 'seen', bytes: encoder.encode(survey) },
  ];
}
