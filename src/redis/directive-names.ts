import { lowerAscii } from './tokenise.js';
import { atLeast, parseVersion } from './versions.js';

const ownAliases: Readonly<Record<string, string>> = {
  primaryauth: 'masterauth',
  primaryuser: 'masteruser',
  'busy-reply-threshold': 'lua-time-limit',
};

/**
 * One name for a directive and its aliases: `slaveof`, `slave-*`, `*-slaves-*` are the `replica` forms (config.c, equal
 * since 5.0), `*-ziplist-*` the `listpack` forms (7.0), `primaryauth` is `masterauth` (Valkey 8). Lower case.
 */
export function canonicalName(directive: string): string {
  const asked = answered.get(directive);
  if (asked !== undefined) return asked;
  const name = lowerAscii(directive)
    .replace(/slave/, 'replica')
    .replace(/ziplist/, 'listpack');
  const canonical = Object.hasOwn(ownAliases, name) ? (ownAliases[name] ?? name) : name;
  if (answered.size < mostAnswered) answered.set(directive, canonical);
  return canonical;
}

/** The audit of a fleet asks for the same few names some hundred thousand times; a hostile file has no end of others. */
const answered = new Map<string, string>();
const mostAnswered = 2000;

/**
 * How a server of this version spells the directive and the command that give it a master: `replicaof` since 5.0; before that
 * it is an unknown directive, and ends the start (config.c:loadServerConfigFromString). `slaveof`, which every version reads,
 * where the version is not known. Valkey, and the version that it claims to be (7.2.4), are beyond 5.0.
 */
export function replicaofWord(version: string | undefined): 'replicaof' | 'slaveof' {
  return version !== undefined && atLeast(parseVersion(version), '5.0') ? 'replicaof' : 'slaveof';
}
