import type { NodeEntry, Passwords } from '../model/inventory.js';
import type { Secret } from '../model/secret.js';
import { decodeText } from '../redis/byte-text.js';
import { parseConfig } from '../redis/redis-conf.js';
import { redactConfig } from '../redis/secrets.js';
import { hasWildcards } from './glob.js';
import { defaultLimits, type Host } from './host.js';

async function secretsOf(host: Host, path: string, signal: AbortSignal): Promise<ReadonlyMap<string, Secret>> {
  const read = await host.read(path, defaultLimits.textBytes, signal);
  if (!read.ok) return new Map();
  const { text, secrets } = redactConfig(decodeText(read.value));
  const includes = parseConfig(path, text).flatMap(({ name, args }) =>
    name === 'include' && args[0]?.startsWith('/') && args[0] !== path && !hasWildcards(args[0]) ? [args[0]] : [],
  );
  const included = await Promise.all(
    includes.map(async (include) => {
      const found = await host.read(include, defaultLimits.textBytes, signal);
      return found.ok ? [...redactConfig(decodeText(found.value)).secrets] : [];
    }),
  );
  return new Map([...included.flat(), ...secrets]);
}

/**
 * The password of a node: what fleet.yaml gives, else `requirepass` (else `masterauth`) of its own config file and of
 * the files that it includes by absolute path. Undefined when none is known. Read anew each time, kept nowhere.
 */
export async function passwordOf(
  host: Host,
  node: NodeEntry,
  passwords: Passwords,
  signal: AbortSignal,
): Promise<Secret | undefined> {
  const given = passwords.get(node.id);
  if (given) return given;
  const secrets = await secretsOf(host, node.config, signal);
  return secrets.get('requirepass') ?? secrets.get('masterauth');
}
