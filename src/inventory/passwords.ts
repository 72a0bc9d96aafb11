import type { Inventory, NodeEntry, PasswordSource, Passwords } from '../model/inventory.js';
import type { Secret } from '../model/secret.js';
import { type AskSecret, resolveSecret } from './secret-source.js';

/**
 * The password of every node for which fleet.yaml names a source, by node id; nodes whose own config file decides are
 * left out. Each source is asked once, however many nodes use it. Rejects with `fleet-file` when a source gives
 * nothing and with `no-terminal` when it is a prompt and nobody can be asked.
 */
export async function resolvePasswords(inventory: Inventory, ask?: AskSecret): Promise<Passwords> {
  const wanted = {
    file: inventory.file,
    key: 'password',
    question: `Redis password of ${inventory.fleet}`,
    instead: "or let each node's own redis.conf decide: remove password: from the fleet file",
  };
  const bySource = new Map<string, Promise<Secret>>();
  const passwords = new Map<string, Secret>();
  for (const node of inventory.hosts.flatMap((host) => host.nodes)) {
    const source = sourceOf(inventory, node);
    if (source.from === 'node') {
      continue;
    }
    const key = JSON.stringify(source);
    const secret = bySource.get(key) ?? resolveSecret(source, wanted, ask);
    bySource.set(key, secret);
    passwords.set(node.id, await secret);
  }
  return passwords;
}

function sourceOf(inventory: Inventory, node: NodeEntry): PasswordSource {
  return node.password ?? (node.kind === 'redis' ? inventory.password : { from: 'node' });
}
