import { lowerAscii } from './tokenise.js';

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
  const name = lowerAscii(directive)
    .replace(/slave/, 'replica')
    .replace(/ziplist/, 'listpack');
  return Object.hasOwn(ownAliases, name) ? (ownAliases[name] ?? name) : name;
}
