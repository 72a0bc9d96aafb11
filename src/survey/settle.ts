import type { Inventory, NodeEntry } from '../model/inventory.js';
import type { RawHost } from '../model/raw-host.js';
import { known } from '../model/seen.js';
import { effective, flatten } from '../redis/effective.js';
import { globsOf } from '../redis/globs.js';
import { listeningOf, settledNode } from '../redis/listening.js';
import { parseVersion } from '../redis/versions.js';
import { fileOf, filesOf } from './raw-access.js';

/**
 * The inventory with every node as it is reached, by what its own config files say: the TLS port where the plain one is
 * off, its unix socket. Nodes whose file was not seen stay as declared. Pure; settling twice changes nothing more.
 */
export function settleInventory(inventory: Inventory, raws: readonly RawHost[]): Inventory {
  return {
    ...inventory,
    hosts: inventory.hosts.map((host) => {
      const raw = raws.find((each) => each.host === host.name);
      return raw ? { ...host, nodes: host.nodes.map((node) => settled(raw, node)) } : host;
    }),
  };
}

function settled(raw: RawHost, node: NodeEntry): NodeEntry {
  const main = fileOf(raw, node, node.kind === 'redis' ? 'redis.conf' : 'sentinel.conf');
  const content = known(main?.content);
  if (main === undefined || content === undefined || !('text' in content)) return node;
  const includes = filesOf(raw, node.id, 'include').flatMap((file): [string, string][] => {
    const text = known(file.content);
    return text && 'text' in text ? [[file.path, text.text]] : [];
  });
  const texts = new Map([...includes, [main.path, content.text] as const]);
  const version = parseVersion('7.0.15');
  const now = effective(flatten(main.path, texts, version, globsOf(texts)), node.start, version);
  return settledNode(
    node,
    listeningOf(node.kind, (name) => now.scalar(name)?.args[0]),
  );
}
