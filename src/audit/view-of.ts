import type { Inventory, NodeEntry } from '../model/inventory.js';
import type { RawHost } from '../model/raw-host.js';
import { notMade } from '../survey/raw-access.js';
import type { FleetView, GroupView, HostView, RedisNode, SentinelNode } from './view.js';
import type { FleetFacts } from './view-node.js';
import { nodesSeen } from './view-nodes.js';

/** What was seen of a fleet, in the form in which rules may ask about it. Reads nothing, and interprets only what is asked. */
export function viewOf(inventory: Inventory, raws: readonly RawHost[], facts: FleetFacts): FleetView {
  const seen = nodesSeen(inventory, raws, facts);
  const hosts = inventory.hosts.map((entry): HostView => {
    const raw = seen.rawOf(entry.name);
    const redis = entry.nodes.flatMap((node) => seen.redis.get(node.id) ?? []);
    const sentinels = entry.nodes.flatMap((node) => seen.sentinels.get(node.id) ?? []);
    return {
      host: entry.name,
      address: entry.address,
      target: (redis[0] ?? sentinels[0])?.target ?? facts.target,
      reached: raw.reached,
      processes: raw.processes,
      system: raw.system ?? notMade(raw, undefined, 'system'),
      diskFreeBytes: raw.diskFreeBytes,
      clockOffsetMs: raw.clockOffsetMs,
      redis,
      sentinels,
    };
  });
  return {
    fleet: inventory.fleet,
    from: facts.from,
    at: raws.map((raw) => raw.at).sort()[0] ?? '',
    targetAssumed: seen.targetAssumed,
    shownAs: (node, file) => facts.shown.get(`${node}\0${file}`) ?? file,
    hosts,
    groups: inventory.groups.map((group) => groupView(inventory, group, hosts, seen, facts)),
  };
}

interface NodesSeen {
  readonly redis: ReadonlyMap<string, RedisNode>;
  readonly sentinels: ReadonlyMap<string, SentinelNode>;
}

/** A sentinel whose file was seen and does not monitor the group is none of its sentinels; one that was not seen may be. */
function groupView(
  inventory: Inventory,
  group: string,
  hosts: readonly HostView[],
  seen: NodesSeen,
  facts: FleetFacts,
): GroupView {
  const inGroup = (node: NodeEntry) => (node.group ?? inventory.groups[0]) === group;
  const nodes = inventory.hosts.flatMap((host) => host.nodes);
  const redis = nodes.filter(inGroup).flatMap((node) => seen.redis.get(node.id) ?? []);
  const sentinels = nodes
    .flatMap((node) => seen.sentinels.get(node.id) ?? [])
    .filter(
      ({ conf }) => !conf.ok || conf.value.statements.some((one) => one.sub === 'monitor' && one.group === group),
    );
  const own = new Set([...redis, ...sentinels].map(({ at }) => at.host));
  return {
    name: group,
    target: (redis[0] ?? sentinels[0])?.target ?? facts.target,
    declared: inventory.file !== '',
    hosts: hosts.filter(({ host }) => own.has(host)),
    redis,
    sentinels,
  };
}
