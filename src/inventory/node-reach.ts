import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { RunbookError } from '../errors.js';
import type { Inventory, NodeEntry, NodeKind, TlsSettings } from '../model/inventory.js';
import type { FleetFile, HostFile, NodeFile, TlsFile } from './schema.js';

/** What fleet.yaml may say about one node's connection, from the defaults down to the node. */
export interface Layers {
  readonly fleet: FleetFile;
  readonly host: HostFile;
  readonly kind: NodeKind;
  readonly own: NodeFile;
}

type Reach = Pick<NodeEntry, 'tls' | 'user' | 'socket' | 'direct'>;

/** How a node is reached, each key only where fleet.yaml says it. Paths are still as written. */
export function reachOf({ fleet, host, kind, own }: Layers): Reach {
  const defaults = fleet.defaults ?? {};
  const given = { ...defaults[kind], ...host[kind], ...own };
  const tls = tlsOf([defaults.tls, defaults[kind]?.tls, host.tls, host[kind]?.tls, own.tls]);
  const user = given.user ?? (kind === 'redis' ? (host.user ?? defaults.user) : undefined);
  return {
    ...(tls === undefined ? {} : { tls }),
    ...(user === undefined ? {} : { user }),
    ...(given.socket === undefined ? {} : { socket: given.socket }),
    ...(given.direct === true ? { direct: true } : {}),
  };
}

/** Key by key, the nearest to the node wins; `true` keeps what was said before, `false` takes it away. */
function tlsOf(layers: readonly (TlsFile | undefined)[]): TlsSettings | false | undefined {
  let tls: TlsSettings | false | undefined;
  for (const layer of layers) {
    if (layer === undefined) continue;
    if (layer === false) tls = false;
    else if (layer === true) tls = tls || {};
    else {
      const { 'server-name': serverName, ...files } = layer;
      const said = Object.entries({ ...files, serverName }).filter(([, value]) => value !== undefined);
      tls = { ...(tls || {}), ...Object.fromEntries(said) };
    }
  }
  return tls;
}

/** The node with the paths of its TLS files absolute: `~/` is the operator's home, others are beside the fleet file. */
export function withPaths(node: NodeEntry, file: string): NodeEntry {
  if (!node.tls) return node;
  const { serverName, ...files } = node.tls;
  const absolute = Object.entries(files).map(([key, path]) => [key, placeOf(path, file)]);
  return { ...node, tls: { ...Object.fromEntries(absolute), ...(serverName === undefined ? {} : { serverName }) } };
}

function placeOf(path: string, file: string): string {
  const full = path.startsWith('~/') ? join(homedir(), path.slice(2)) : path;
  return isAbsolute(full) ? full : join(process.cwd(), dirname(file), full);
}

/** Rejects with RunbookError `fleet-file` when a TLS file of the fleet cannot be read; every file is tried once. */
export async function checkTlsFiles(inventory: Inventory): Promise<void> {
  const files = new Map<string, string>();
  for (const node of inventory.hosts.flatMap((host) => host.nodes)) {
    const tls = node.tls || {};
    for (const key of ['ca', 'cert', 'key'] as const) {
      const path = tls[key];
      if (path !== undefined && !files.has(path)) files.set(path, `${key} of ${node.id}`);
    }
  }
  const facts = await Promise.all([...files].map(([path, what]) => troubleWith(path, what)));
  const found = facts.flat();
  if (found.length === 0) return;
  throw new RunbookError('fleet-file', `${inventory.file} names TLS files that cannot be used.`, {
    facts: found,
    next: ['correct tls: in the fleet file; the paths are of this machine, not of the hosts'],
  });
}

async function troubleWith(path: string, what: string): Promise<readonly string[]> {
  try {
    const text = await readFile(path, 'latin1');
    return /^-----BEGIN /m.test(text) ? [] : [`${what}: ${path} is no PEM file`];
  } catch (error) {
    return [`${what}: ${path} cannot be read (${(error as NodeJS.ErrnoException).code})`];
  }
}
