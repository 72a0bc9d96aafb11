import type { NotSeen, Seen } from '../../../model/seen.js';
import { addressOf } from '../../../redis/sentinel-conf.js';
import { every, type Need } from '../../need.js';
import type { Problem } from '../../rule.js';
import { ownOptionOf } from '../../settings.js';
import type { GroupView, SentinelConf, SentinelLine } from '../../view.js';
import { sentinelAddresses } from './addresses.js';

/** The sentinels of a group: those that were seen, and those that these name beside them. */
export interface Voters {
  readonly confs: readonly SentinelConf[];
  readonly count: number;
  /** Declared, or told by the sentinels themselves; else there may be files that were not given. */
  readonly sure: boolean;
  /** Votes that authorise a failover (sentinel.c:sentinelGetLeader). */
  readonly majority: number;
}

/** One `known-sentinel` line. */
interface KnownSentinel {
  readonly address: string;
  readonly host: string;
  /** 2.8 wrote none. */
  readonly id: string | undefined;
  readonly line: SentinelLine['line'];
}

const known = new WeakMap<SentinelConf, Map<string, readonly KnownSentinel[]>>();

/** The `known-sentinel` lines of a file about a group; read once. */
export function knownSentinels(conf: SentinelConf, group: string): readonly KnownSentinel[] {
  const groups = known.get(conf) ?? new Map<string, readonly KnownSentinel[]>();
  known.set(conf, groups);
  const made = groups.get(group) ?? readKnownSentinels(conf, group);
  groups.set(group, made);
  return made;
}

function readKnownSentinels(conf: SentinelConf, group: string): readonly KnownSentinel[] {
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

/** A sentinel that others know and whose file was not seen. */
interface Other {
  readonly key: string;
  readonly host: string;
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
  const each = need.value.map(
    (conf) => 1 + new Set(knownSentinels(conf, group.name).map(({ address }) => address)).size,
  );
  const sure = group.declared || each.some((one) => one > 1);
  const count = areTold(group) ? files.length + others.length : Math.max(files.length, ...each);
  return { need: { ...need, value: [{ confs: need.value, count, sure, majority: Math.floor(count / 2) + 1 }] } };
}

/** The host of each sentinel; not seen where one that others know may be one whose file is here. */
export function placesOf(group: GroupView): Seen<readonly string[]> {
  const others = othersOf(group);
  const from = { host: group.name, source: 'sentinel.conf' };
  if (others.length === 0 || areTold(group)) {
    const value = [...group.sentinels.map(({ at }) => at.host), ...others.map(({ host }) => host)];
    return { ok: true, value, from, at: '' };
  }
  const detail = 'the files do not say which of the known sentinels they are';
  return { ok: false, why: 'not-asked', detail, from, at: '' };
}

/** Whether each file says who it is in the words of the others: by id, or by address. */
function areTold(group: GroupView): boolean {
  const confs = confsOf(group);
  const entries = confs.flatMap((conf) => knownSentinels(conf, group.name));
  const byId = confs.every((conf) => myidOf(conf) !== undefined) && entries.every(({ id }) => id !== undefined);
  return byId || group.sentinels.every(({ at }) => at.address !== '');
}

function confsOf(group: GroupView): readonly SentinelConf[] {
  return group.sentinels.flatMap(({ conf }) => (conf.ok ? [conf.value] : []));
}

/** The sentinels that files of the group know and that are none of its own, each once. */
function othersOf(group: GroupView): readonly Other[] {
  const confs = confsOf(group);
  const ids = new Set(confs.map(myidOf));
  const own = new Set(group.sentinels.flatMap((one) => [...sentinelAddresses(one)]));
  const keys = new Map<string, string>();
  for (const { address, host, id } of confs.flatMap((conf) => knownSentinels(conf, group.name))) {
    if ((id !== undefined && ids.has(id)) || own.has(address)) continue;
    const at = [...group.redis, ...group.sentinels].find((node) => node.at.address === host)?.at.host;
    keys.set(id ?? address, at ?? host);
  }
  return [...keys].map(([key, host]) => ({ key, host }));
}

/** A problem that follows from the number of sentinels: told as what it is where there may be more than were given. */
export function ifThatIsAll({ sure, count }: Voters, group: string, problem: Problem): Problem {
  if (sure) return problem;
  const files = count === 1 ? '1 sentinel file' : `${count} sentinel files`;
  const message = `${files} of ${group} were given; if that is all: ${problem.message}`;
  return { severity: 'warning', ...problem, message };
}
