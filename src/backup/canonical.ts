import { toJson } from '../model/json.js';

/**
 * The one way a signed document is written: keys in the order of their code units, two blanks of indent, `bigint` as a
 * decimal string, a line feed at the end. Two documents that say the same are the same bytes, and bytes that are not
 * these are refused: nothing can hide in a key that stands twice.
 */
export function canonicalJson(value: unknown): Uint8Array {
  return new TextEncoder().encode(`${toJson(sorted(value), 2)}\n`);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  const ordered = entries
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, item]): [string, unknown] => [key, sorted(item)]);
  return Object.fromEntries(ordered);
}
