import type { ConfigFacts, Place, Watch } from '../model/found.js';
import { effective, flatten } from '../redis/effective.js';
import { globsOf } from '../redis/globs.js';
import { listeningOf } from '../redis/listening.js';
import { parseConfig } from '../redis/redis-conf.js';
import { isKnownReplica, type Statement, statementOf } from '../redis/sentinel-conf.js';
import { parseVersion } from '../redis/versions.js';

/** How most servers read a file; what it decides here is the same in every version. */
const VERSION = parseVersion('7.0.15');
const MOST_OF_A_KIND = 64;

/**
 * What a config file says of the node that starts with it and of other members; `texts` are the file and the includes
 * that were read, by path. Undefined for a text that is no config of redis or sentinel: it has none of their directives.
 */
export function configFacts(path: string, texts: ReadonlyMap<string, string>): ConfigFacts | undefined {
  const now = effective(flatten(path, texts, VERSION, globsOf(texts)), [], VERSION);
  const names = new Set(now.lines.map((line) => line.name));
  const statements = now.lines.map(statementOf).filter((one) => one !== undefined);
  const kind = statements.length > 0 ? 'sentinel' : 'redis';
  if (kind === 'redis' && !ownWords.some((word) => names.has(word))) return undefined;
  const word = (name: string) => now.scalar(name)?.args[0];
  const listening = listeningOf(kind, word);
  const known = listening.tlsPort > 0 && (listening.port === 0 || listening.tlsReplication);
  const ports = [listening.port, listening.tlsPort].filter((port) => port > 0);
  const own =
    kind === 'sentinel'
      ? announcedBy(statements)
      : { ip: word('replica-announce-ip'), port: word('replica-announce-port') };
  const replicaOf = placeOf(now.scalar('replicaof')?.args.flatMap((each) => each.split(/\s+/)));
  return {
    path,
    kind,
    port: portOf(own.port) ?? (known ? listening.tlsPort : listening.port),
    ports,
    ...(own.ip ? { announces: own.ip } : {}),
    binds: bindsOf(now.scalar('bind')?.args ?? []),
    dir: word('dir') ?? '',
    ...(listening.unixsocket === undefined ? {} : { socket: listening.unixsocket }),
    hasRun: statements.some(({ sub }) => sub === 'myid'),
    ...(kind === 'redis' && replicaOf !== undefined ? { replicaOf } : {}),
    watches: kind === 'sentinel' ? watchesOf(statements) : [],
  };
}

/** The files that a config file includes by a name that is no pattern, absolute ones only. */
export function includesIn(path: string, text: string): readonly string[] {
  return parseConfig(path, text)
    .filter(({ name }) => name === 'include')
    .flatMap(({ args }) => args.slice(0, 1))
    .filter((include) => include.startsWith('/') && !/[*?[]/.test(include));
}

/** Directives that every redis.conf in use has at least one of, and that other programs' files do not have together. */
const ownWords = [
  'appendonly',
  'dbfilename',
  'replicaof',
  'slaveof',
  'requirepass',
  'masterauth',
  'save',
  'maxmemory-policy',
];

function announcedBy(statements: readonly Statement[]) {
  const last = (sub: string) => statements.findLast((each) => each.sub === sub)?.words[0];
  return { ip: last('announce-ip'), port: last('announce-port') };
}

/** 0 means that nothing is announced. */
function portOf(word: string | undefined): number | undefined {
  const port = /^\d{1,5}$/.test(word ?? '') ? Number(word) : 0;
  return port > 0 && port < 65536 ? port : undefined;
}

/** A bind of every address names none. A dash in front says that the address may be missing (redis.conf). */
function bindsOf(words: readonly string[]): readonly string[] {
  const addresses = words.flatMap((word) => word.split(/\s+/)).map((word) => word.replace(/^-/, ''));
  return addresses.some((address) => ['*', '0.0.0.0', '::', '::*', ''].includes(address)) ? [] : addresses;
}

function watchesOf(statements: readonly Statement[]): readonly Watch[] {
  const groups = [...new Set(statements.flatMap(({ sub, group }) => (sub === 'monitor' && group ? [group] : [])))];
  return groups.flatMap((group): Watch[] => {
    const own = statements.filter((each) => each.group === group);
    const master = placeOf(own.findLast(({ sub }) => sub === 'monitor')?.words);
    if (master === undefined) return [];
    const places = (rows: readonly Statement[]) =>
      rows.slice(0, MOST_OF_A_KIND).flatMap(({ words }) => placeOf(words) ?? []);
    const sentinels = places(own.filter(({ sub }) => sub === 'known-sentinel'));
    return [{ group, master, replicas: places(own.filter(isKnownReplica)), sentinels }];
  });
}

function placeOf(words: readonly string[] | undefined): Place | undefined {
  const [host, word] = words ?? [];
  const port = portOf(word);
  return host === undefined || host === '' || port === undefined ? undefined : { host, port };
}
