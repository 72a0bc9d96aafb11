import type { Reach } from '../../execute/tools.js';
import type { WritableHost } from '../../hosts/host.js';
import type { Inventory, NodeEntry, Passwords } from '../../model/inventory.js';

/** How a backup reaches the fleet: the same connections and passwords as a recovery, kept for the whole run. */
export function reachOver(
  inventory: Inventory,
  hosts: readonly WritableHost[],
  passwords: Passwords,
  signal: AbortSignal,
): Reach {
  return {
    tools: { inventory, passwords, hosts: new Map(hosts.map((host) => [host.entry.name, host])) },
    memory: { readers: new Map(), credentials: new Map() },
    signal,
  };
}

/** The same with another end. */
export function until(reach: Reach, signal: AbortSignal): Reach {
  return { ...reach, signal: AbortSignal.any([reach.signal, signal]) };
}

/** Closes the connections that were kept. */
export function closeReach(reach: Reach): void {
  for (const reader of reach.memory.readers.values()) reader.close();
  reach.memory.readers.clear();
}

/** The redis nodes of a group, in the order of the file. */
export function redisOf(inventory: Inventory, group: string): readonly NodeEntry[] {
  return inventory.hosts.flatMap((host) =>
    host.nodes.filter((node) => node.kind === 'redis' && (node.group ?? group) === group),
  );
}

/** A node's entry by its id. Throws when fleet.yaml has none. */
export function entryIn(inventory: Inventory, node: string): NodeEntry {
  const entry = inventory.hosts.flatMap((host) => host.nodes).find((each) => each.id === node);
  if (entry === undefined) throw new Error(`${node} is no node of fleet.yaml`);
  return entry;
}
