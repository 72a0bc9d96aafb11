import { known, mapSeen, type Seen } from '../../../model/seen.js';
import { addressOf } from '../../../redis/sentinel-conf.js';
import { isLoopback, isWildcard, monitorsOf, optionOf, ownOptionOf, wordOf } from '../../settings.js';
import type { AnyNode, GroupView, RedisNode, SentinelConf, SentinelNode } from '../../view.js';

/** Whether a word is a numeric address; everything else has to be looked up in the DNS. */
export function isNumeric(host: string): boolean {
  return /^\d{1,3}(?:\.\d{1,3}){3}$/.test(host) || host.includes(':');
}

/** Whether an address means one machine's own interface to others: no loopback, no wildcard, not empty. */
export function isRoutable(host: string): boolean {
  return host !== '' && !isLoopback(host) && !isWildcard(host);
}

/** Every `host:port` under which a redis node may be named, as far as was seen: declared, bound, announced. */
function addressesOf(node: RedisNode): ReadonlySet<string> {
  const word = (name: string) => known(node.setting(name))?.words[0];
  const bound = (known(node.setting('bind'))?.words ?? []).map((address) => address.replace(/^-/, ''));
  const hosts = [node.at.address, node.at.host, word('replica-announce-ip'), ...bound];
  const ports = [String(node.at.port), word('port'), word('tls-port'), word('replica-announce-port')];
  return new Set(
    hosts.flatMap((host) =>
      host === undefined || host === '' || isWildcard(host)
        ? []
        : ports.flatMap((port) => (port === undefined || port === '0' ? [] : [addressOf(host, port)])),
    ),
  );
}

/** Finds the redis node of an address. */
export type Finder = (address: string) => RedisNode | undefined;

const finders = new WeakMap<GroupView, Finder>();

/**
 * Which node of the group an address means; undefined where none or more than one is named so. Where the nodes were made
 * out in files, the one master file that says no address is the one address that others name and nobody has.
 */
export function finderOf(group: GroupView): Finder {
  const made = finders.get(group) ?? newFinder(group);
  finders.set(group, made);
  return made;
}

function newFinder(group: GroupView): Finder {
  const exact = byAddress(group.redis, ({ at }) => [addressOf(at.address, String(at.port))]);
  const named = byAddress(group.redis, addressesOf);
  const byName: Finder = (address) => onlyOne(exact.get(address)) ?? onlyOne(named.get(address));
  if (group.declared) return byName;
  const mute = onlyOne(
    group.redis.filter((node) => node.at.address === '' && known(node.gives)?.replicaOf === undefined),
  );
  const unclaimed = [...new Set(targetsOf(group))].filter((address) => byName(address) === undefined);
  const its = unclaimed.length === 1 && unclaimed[0]?.endsWith(`:${mute?.at.port ?? ''}`) ? unclaimed[0] : undefined;
  return (address) => byName(address) ?? (address === its ? mute : undefined);
}

function byAddress(nodes: readonly RedisNode[], addresses: (node: RedisNode) => Iterable<string>) {
  const found = new Map<string, RedisNode[]>();
  for (const node of nodes) {
    for (const address of addresses(node)) found.set(address, [...(found.get(address) ?? []), node]);
  }
  return found;
}

function onlyOne<T>(list: readonly T[] | undefined): T | undefined {
  return list?.length === 1 ? list[0] : undefined;
}

/** The same as a reading, for rules that ask for it by name. */
export function finderSeen(group: GroupView): Seen<Finder> {
  return { ok: true, value: finderOf(group), from: { host: group.name, source: 'addresses' }, at: '' };
}

/** Every address that some file of the group names as its master. */
function targetsOf(group: GroupView): readonly string[] {
  const followed = group.redis.flatMap((node) => {
    const master = known(node.gives)?.replicaOf;
    return master === undefined ? [] : [addressOf(master.host, String(master.port))];
  });
  return [...followed, ...monitoredBy(group)];
}

function monitoredBy(group: GroupView): readonly string[] {
  return group.sentinels.flatMap(({ conf }) =>
    conf.ok ? monitorsOf(conf.value).flatMap((one) => (one.group === group.name ? [one.address] : [])) : [],
  );
}

/**
 * The redis nodes that surely belong together: all that are declared; of those made out in files the ones that follow a
 * master, are followed, or are named by a sentinel. The others may be servers of their own in the same directory.
 */
export function membersOf(group: GroupView): readonly RedisNode[] {
  const made = members.get(group) ?? newMembers(group);
  members.set(group, made);
  return made;
}

const members = new WeakMap<GroupView, readonly RedisNode[]>();

function newMembers(group: GroupView): readonly RedisNode[] {
  if (group.declared) return group.redis;
  const find = finderOf(group);
  const listed = group.sentinels.flatMap(({ conf }) => (conf.ok ? knownReplicas(conf.value, group.name) : []));
  const named = new Set([...targetsOf(group), ...listed].map(find));
  return group.redis.filter((node) => named.has(node) || known(node.gives)?.replicaOf !== undefined);
}

/** The addresses of `known-replica` lines. */
export function knownReplicas(conf: SentinelConf, group: string): readonly string[] {
  return conf.statements.flatMap((one) =>
    one.group === group && (one.sub === 'known-replica' || one.sub === 'known-slave')
      ? [addressOf(one.words[0], one.words[1])]
      : [],
  );
}

/** The `host:port` under which a sentinel may be named by others. */
export function sentinelAddresses(node: SentinelNode): ReadonlySet<string> {
  const conf = known(node.conf);
  const announced = conf === undefined ? undefined : ownOptionOf(conf, 'announce-ip').words[0];
  const port = conf === undefined ? undefined : ownOptionOf(conf, 'announce-port').words[0];
  const bound = (known(node.setting('bind'))?.words ?? []).map((address) => address.replace(/^-/, ''));
  const hosts = [node.at.address, node.at.host, announced ?? '', ...bound].filter((host) => isRoutableHere(host));
  return new Set(hosts.flatMap((host) => [addressOf(host, String(node.at.port)), addressOf(host, port)]));
}

function isRoutableHere(host: string): boolean {
  return host !== '' && !isWildcard(host);
}

/** Whether every address that a node listens on is loopback; one without a bind line listens on all. */
export function bindsLoopbackOnly(node: AnyNode): Seen<boolean> {
  return mapSeen(node.setting('bind'), ({ words }) => {
    const bound = words.flatMap((word) => word.split(/\s+/)).map((word) => word.replace(/^-/, ''));
    return bound.length > 0 && bound.every((address) => isLoopback(address));
  });
}

/** Whether a node listens on the addresses of its bind line and on no other one. */
export function bindsNamedOnly(node: AnyNode): boolean {
  const bound = known(node.setting('bind'))?.words ?? [];
  return bound.length > 0 && !bound.some((address) => isWildcard(address));
}

/** The quorum, address and line of the group's monitor line; undefined where the file has none. */
export function monitorOf(conf: SentinelConf, group: string) {
  return monitorsOf(conf).findLast((one) => one.group === group);
}

/** A number of milliseconds or a count of a group, with Sentinel's default; NaN for a text that is none. */
export function optionNumber(conf: SentinelConf, group: string, preset: number, ...subs: readonly string[]): number {
  const word = wordOf(optionOf(conf, group, ...subs), String(preset));
  return /^-?\d+$/.test(word) ? Number(word) : Number.NaN;
}
