import type { ConfigLine } from '../../model/formats.js';
import type { NodeKind } from '../../model/inventory.js';
import { canonicalName } from '../../redis/directive-names.js';
import { parseConfig } from '../../redis/redis-conf.js';
import { addressOf, statementOf } from '../../redis/sentinel-conf.js';
import { byKey } from '../by-key.js';
import { isLoopback, isWildcard } from '../settings.js';

/** A config file that is some node's main file, and what its own lines say of where it belongs. */
export interface PlacedFile {
  readonly path: string;
  readonly kind: NodeKind;
  readonly text: string;
  /** Path of the directory that stands for its host; the file's own path where files of one directory are several hosts. */
  hostKey: string;
  host: string;
  /** The directory above the host's: names of groups are compared inside it only. */
  readonly area: string;
  readonly port: number;
  /** The addresses that it says are its own, loopback and wildcards left out, the announced one first. */
  readonly own: readonly string[];
  /** `host:port` of its master. */
  readonly replicaOf: string | undefined;
  readonly monitors: readonly { readonly group: string; readonly address: string }[];
  /** `host:port` of the replicas that a sentinel knows, by group. */
  readonly knows: readonly { readonly group: string; readonly address: string }[];
}

/** Directories that name no host. */
const generic = /^(?:etc|redis|valkey|sentinel|conf|config|configs|conf\.d|usr|local|opt|var|lib|srv|\.|\.\.|)$/i;

/** What a file says of itself. `lines` as parsed. */
export function placedFile(path: string, kind: NodeKind, text: string): PlacedFile {
  const lines = parseConfig(path, text).filter((line) => line.name !== '');
  const last = (name: string) => lines.findLast((line) => canonicalName(line.name) === name)?.args;
  const statements = lines.flatMap((line) => statementOf(line) ?? []);
  const own = (sub: string) => statements.findLast((one) => one.sub === sub)?.words[0];
  const announced = kind === 'redis' ? last('replica-announce-ip')?.[0] : own('announce-ip');
  const bound = (last('bind') ?? []).map((address) => address.replace(/^-/, ''));
  const replica = last('replicaof');
  const [hostKey, host] = hostOf(path);
  return {
    path,
    kind,
    text,
    hostKey,
    host,
    area: hostKey.split('/').slice(0, -1).join('/'),
    port: portOf(last('port') ?? [], kind),
    own: [announced ?? '', ...bound].filter((address) => isSpecific(address)),
    replicaOf: replica?.length === 2 ? addressOf(replica[0], replica[1]) : undefined,
    monitors: addressesOf(statements, ['monitor']),
    knows: addressesOf(statements, ['known-replica', 'known-slave']),
  };
}

function addressesOf(statements: readonly ReturnType<typeof statementOf>[], subs: readonly string[]) {
  return statements.flatMap((one) =>
    one?.group === undefined || !subs.includes(one.sub)
      ? []
      : [{ group: one.group, address: addressOf(one.words[0], one.words[1]) }],
  );
}

function portOf(words: ConfigLine['args'], kind: NodeKind): number {
  const port = /^\d{1,5}/.exec(words[0] ?? '')?.[0];
  return port === undefined ? (kind === 'redis' ? 6379 : 26379) : Number(port);
}

function isSpecific(address: string): boolean {
  return /^[\w.:-]+$/.test(address) && !isLoopback(address) && !isWildcard(address) && !address.startsWith('::');
}

/** The nearest directory whose name says something, and its name. */
function hostOf(path: string): readonly [string, string] {
  const parts = path.replace(/:(?=[^:]*$)/, '/').split('/');
  for (let at = parts.length - 2; at >= 0; at -= 1) {
    const name = parts[at] ?? '';
    if (!generic.test(name)) return [parts.slice(0, at + 1).join('/'), name];
  }
  return [`${parts.slice(0, -1).join('/')}`, ''];
}

/**
 * Files of one directory are nodes of one host when all their ports differ and no two say different addresses; else each
 * is a host of its own, named after its file.
 */
export function partHosts(files: readonly PlacedFile[]): void {
  for (const group of byKey(files, (file) => file.hostKey)) {
    const ports = new Set(group.map((file) => file.port));
    const addresses = new Set(group.flatMap((file) => file.own.slice(0, 1)));
    if (ports.size === group.length && addresses.size <= 1 && group[0]?.host !== '') continue;
    const together = ports.size === group.length && addresses.size <= 1;
    for (const file of group) {
      const stem = stemOf(together ? (group[0]?.path ?? file.path) : file.path);
      file.host = stem;
      file.hostKey = `${file.hostKey}/${stem}`;
    }
  }
}

function stemOf(path: string): string {
  const name = path.split(/[/:]/).at(-1) ?? path;
  return name === '-' ? 'stdin' : name.replace(/\.(?:conf|cfg|txt|config)$/i, '');
}

/** The files parted into fleets by what they say of each other, in the order in which they came. */
export function partFleets(files: readonly PlacedFile[]): PlacedFile[][] {
  const parent = files.map((_file, index) => index);
  const find = (index: number): number => {
    let at = index;
    while (parent[at] !== at) {
      parent[at] = parent[parent[at] ?? at] ?? at;
      at = parent[at] ?? at;
    }
    return at;
  };
  const firstWith = new Map<string, number>();
  for (const [index, file] of files.entries()) {
    for (const token of tokensOf(file)) {
      const first = firstWith.get(token);
      if (first === undefined) firstWith.set(token, index);
      else parent[find(index)] = find(first);
    }
  }
  joinLoners(files, parent, find);
  return byKey([...files.entries()], ([index]) => String(find(index))).map((group) => group.map(([, file]) => file));
}

/** A loopback address means another machine on every machine: it joins only the files of one host. */
function tokensOf(file: PlacedFile): string[] {
  const address = (at: string) => (isLoopback(at) ? `${file.hostKey} ${at}` : at);
  return [
    `host ${file.hostKey}`,
    ...file.own.map((own) => addressOf(own, String(file.port))),
    `${file.hostKey} ${addressOf('127.0.0.1', String(file.port))}`,
    ...(file.replicaOf === undefined ? [] : [address(file.replicaOf)]),
    ...[...file.monitors, ...file.knows].map((one) => address(one.address)),
    ...file.monitors.map((one) => `${file.area} group ${one.group}`),
  ];
}

/** A node that names nobody belongs to the one fleet of its area, or with the other loners of it. */
function joinLoners(files: readonly PlacedFile[], parent: number[], find: (index: number) => number): void {
  for (const area of byKey([...files.entries()], ([, file]) => file.area)) {
    const speaks = ([, file]: readonly [number, PlacedFile]) =>
      file.replicaOf !== undefined || file.monitors.length > 0;
    const loud = new Set(area.filter(speaks).map(([index]) => find(index)));
    if (loud.size > 1) continue;
    const [home] = loud.size === 1 ? loud : [find(area[0]?.[0] ?? 0)];
    for (const [index] of area) parent[find(index)] = find(home ?? index);
  }
}
