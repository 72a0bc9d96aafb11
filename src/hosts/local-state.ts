import { join } from 'node:path';
import type { HostEntry, NodeEntry } from '../model/inventory.js';

/** The file whose existence holds a node: `hold/redis`, or `hold/redis:6380` where a host runs several of a kind. */
export function holdPath(entry: HostEntry, node: NodeEntry): string {
  const several = entry.nodes.filter((other) => other.kind === node.kind).length > 1;
  return join(entry.state, 'hold', several ? `${node.kind}:${node.port}` : node.kind);
}

/** The file that names the hosts which runs left out. */
export function leftOutPath(entry: HostEntry): string {
  return join(entry.state, 'left-out.json');
}

/** The file that holds the fleet's lock on a host. */
export function lockPath(entry: HostEntry): string {
  return join(entry.state, 'lock.json');
}
