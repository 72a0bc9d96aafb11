import { known, type NotSeen } from '../../../model/seen.js';
import { addressOf } from '../../../redis/sentinel-conf.js';
import { every, type Need } from '../../need.js';
import { ownOptionOf } from '../../settings.js';
import type { GroupView, SentinelConf, SentinelNode } from '../../view.js';
import { sentinelAddresses } from './addresses.js';

/** The sentinels of a group: those that were seen, and those that these name beside them. */
export interface Voters {
  readonly confs: readonly SentinelConf[];
  /** `host` of each sentinel: of the fleet's host, or of the address under which others know it. */
  readonly hosts: readonly string[];
  readonly count: number;
  /** Votes that authorise a failover (sentinel.c:sentinelGetLeader). */
  readonly majority: number;
}

/** The `known-sentinel` lines of a file: address and, from 3.2 on, id. */
export function knownSentinels(conf: SentinelConf, group: string) {
  return conf.statements.flatMap((one) => {
    if (one.group !== group || one.sub !== 'known-sentinel') return [];
    const [host, port, id] = one.words;
    return [{ address: addressOf(host, port), host: host ?? '', id, line: one.line }];
  });
}

/** The file's own id. */
export function myidOf(conf: SentinelConf): string | undefined {
  return ownOptionOf(conf, 'myid').words[0];
}

/**
 * Every sentinel of a group, or the rule is not checked: when one file was not seen, and when a single file was given
 * that knows no other sentinel, for nothing then says how many there are.
 */
export function votersOf(group: GroupView): Need<readonly Voters[]> {
  const files = group.sentinels.map(({ conf }) => conf);
  const others = othersOf(group);
  const [only] = files;
  const alone = !group.declared && files.length === 1 && others.length === 0 && only?.ok === true;
  const gap: readonly NotSeen[] = alone
    ? [{ ...only, ok: false, why: 'not-asked', detail: 'one sentinel file was given, and it knows no other sentinel' }]
    : [];
  const need = every<SentinelConf>([...files, ...gap], 'sentinel').need;
  if (need.outcome !== 'ready') return { need };
  const hosts = [...group.sentinels.map(({ at }) => at.host), ...others.map(({ host }) => host)];
  const count = hosts.length;
  return { need: { ...need, value: [{ confs: need.value, hosts, count, majority: Math.floor(count / 2) + 1 }] } };
}

/** The sentinels that files of the group know and that are none of its own, each once. */
function othersOf(group: GroupView): readonly { readonly key: string; readonly host: string }[] {
  const confs = group.sentinels.flatMap(({ conf }) => known(conf) ?? []);
  const ids = new Set(confs.map(myidOf));
  const isOwn = (address: string) => group.sentinels.some((one: SentinelNode) => sentinelAddresses(one).has(address));
  const keys = new Map<string, string>();
  for (const { address, host, id } of confs.flatMap((conf) => knownSentinels(conf, group.name))) {
    if ((id !== undefined && ids.has(id)) || isOwn(address)) continue;
    const at = [...group.redis, ...group.sentinels].find((node) => node.at.address === host)?.at.host;
    keys.set(id ?? address, at ?? host);
  }
  return [...keys].map(([key, host]) => ({ key, host }));
}
