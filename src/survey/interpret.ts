import type { HostEntry, Inventory, NodeEntry } from '../model/inventory.js';
import { nodesOf } from '../model/inventory.js';
import type { RawHost } from '../model/raw-host.js';
import type { NotSeen } from '../model/seen.js';
import type { GroupSurvey, HostSurvey, Survey } from '../model/survey.js';
import { leftOutOf, lockOf } from './claims.js';
import { redisSurvey } from './interpret-redis.js';
import { sentinelSurvey } from './interpret-sentinel.js';
import { versionsOf } from './node-version.js';
import { unknownProcesses } from './processes.js';
import { settleInventory } from './settle.js';

/**
 * What was brought back of the hosts, read: per host, and per group every redis node of it and every sentinel of the
 * fleet. Pure; never throws whatever the hosts sent: what cannot be read is `unparseable`, a host without a RawHost is
 * one that was not asked. A sentinel that does not monitor a group has an `absent` view and file there.
 */
export function interpret(declared: Inventory, raws: readonly RawHost[]): Survey {
  const inventory = settleInventory(declared, raws);
  const at = raws.map((raw) => raw.at).sort()[0] ?? epoch;
  const rawOf = (host: string): RawHost => raws.find((raw) => raw.host === host) ?? notLookedAt(inventory, host, at);
  return {
    schema: 'redis-runbook/survey/1',
    fleet: inventory.fleet,
    at,
    elapsedMs: Math.max(0, ...raws.map((raw) => raw.elapsedMs)),
    hosts: inventory.hosts.map((entry) => hostSurvey(entry, rawOf(entry.name))),
    groups: Object.fromEntries(inventory.groups.map((group) => [group, groupSurvey(inventory, group, rawOf)])),
  };
}

/** The `at` of a survey of no host at all. */
const epoch = '1970-01-01T00:00:00.000Z';

function groupSurvey(inventory: Inventory, group: string, rawOf: (host: string) => RawHost): GroupSurvey {
  const inGroup = (node: NodeEntry) => (node.group ?? inventory.groups[0]) === group;
  const redis = nodesOf(inventory, 'redis').map((node) => ({ node, raw: rawOf(node.host) }));
  const versions = versionsOf(redis);
  return {
    group,
    ...(inventory.ignore === undefined ? {} : { ignored: inventory.ignore }),
    redis: redis
      .filter(({ node }) => inGroup(node))
      .map(({ node, raw }) => redisSurvey(raw, node, versions.get(node.id))),
    sentinels: nodesOf(inventory, 'sentinel').map((node) => sentinelSurvey(rawOf(node.host), node, group)),
  };
}

function hostSurvey(entry: HostEntry, raw: RawHost): HostSurvey {
  return {
    host: entry.name,
    address: entry.address,
    reached: raw.reached,
    elapsedMs: raw.elapsedMs,
    clockOffsetMs: raw.clockOffsetMs,
    diskFreeBytes: raw.diskFreeBytes,
    unknownProcesses: unknownProcesses(raw, entry),
    lock: lockOf(raw),
    leftOut: leftOutOf(raw),
  };
}

function notLookedAt(inventory: Inventory, host: string, at: string): RawHost {
  const missing: NotSeen = {
    ok: false,
    why: 'not-asked',
    detail: 'was not looked at',
    from: { host, source: 'look' },
    at,
  };
  return {
    host,
    address: inventory.hosts.find((entry) => entry.name === host)?.address ?? '',
    at,
    elapsedMs: 0,
    reached: missing,
    clockOffsetMs: missing,
    diskFreeBytes: missing,
    processes: missing,
    files: [],
    answers: [],
  };
}
