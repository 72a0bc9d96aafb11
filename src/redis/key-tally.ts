import type { KeyTally } from '../model/ledger.js';
import { decodeText } from './byte-text.js';

/** Names are personal data, or tokens: less than this many keys under one beginning, and it is not told. */
const LEAST_SHARED = 20;
const LONGEST_PREFIX_BYTES = 16;
/** More beginnings than this are not worth telling apart, and the memory is bounded. */
const MOST_PREFIXES = 20_000;
const SEPARATORS = new Set([...':./|_-{}@#'].map((char) => char.charCodeAt(0)));

/** Adds keys up, one by one, in bounded memory. */
export interface Tallying {
  add(key: Uint8Array, type: string, hasExpiry: boolean): void;
  done(): KeyTally;
}

/** A new, empty tally. */
export function tallyKeys(): Tallying {
  const types = new Map<string, bigint>();
  const prefixes = new Map<string, Map<string, bigint>>();
  let keys = 0n;
  let expires = 0n;
  return {
    add(key, type, hasExpiry) {
      keys += 1n;
      if (hasExpiry) expires += 1n;
      count(types, type);
      const prefix = prefixOf(key);
      if (prefix === undefined) return;
      const own = prefixes.get(prefix) ?? new Map<string, bigint>();
      if (!prefixes.has(prefix) && prefixes.size >= MOST_PREFIXES) return;
      prefixes.set(prefix, own);
      count(own, type);
    },
    done() {
      const shared = [...prefixes]
        .map(([prefix, own]) => ({ prefix, keys: sum(own), type: typesText(own) }))
        .filter((row) => row.keys >= BigInt(LEAST_SHARED))
        .sort((a, b) => Number(b.keys - a.keys) || (a.prefix < b.prefix ? -1 : 1));
      const told = shared.reduce((total, row) => total + row.keys, 0n);
      return {
        keys,
        expires,
        byType: [...types].map(([type, of]) => ({ type, keys: of })).sort((a, b) => (a.type < b.type ? -1 : 1)),
        byPrefix: shared,
        rest: keys - told,
      };
    },
  };
}

/** What a key has in common with others of its kind: its beginning up to the first separator, with it. */
function prefixOf(key: Uint8Array): string | undefined {
  const end = Math.min(key.length - 1, LONGEST_PREFIX_BYTES);
  for (let at = 0; at < end; at += 1) {
    if (SEPARATORS.has(key[at] ?? 0)) return at === 0 ? undefined : decodeText(key.subarray(0, at + 1));
  }
  return undefined;
}

function count(map: Map<string, bigint>, name: string): void {
  map.set(name, (map.get(name) ?? 0n) + 1n);
}

function sum(map: ReadonlyMap<string, bigint>): bigint {
  return [...map.values()].reduce((total, each) => total + each, 0n);
}

function typesText(own: ReadonlyMap<string, bigint>): string {
  const [only] = own.keys();
  return own.size === 1 && only !== undefined ? only : 'several types';
}
