import type { NotSeen, Seen } from '../model/seen.js';

/**
 * Something that a rule asked for. It is ready (with what could not be seen beside it, where parts are enough), or it
 * answers the whole rule: not checked, or not applicable. Made only by the functions of this file.
 */
export interface Need<T> {
  readonly need:
    | { readonly outcome: 'ready'; readonly value: T; readonly missing: readonly NotSeen[] }
    | { readonly outcome: 'not-checked'; readonly missing: readonly NotSeen[] }
    | { readonly outcome: 'not-applicable'; readonly reason: string };
}

/** What a rule declares that it needs, by name. A bare reading must be there: `absent` too is then "not checked". */
export type Needs = Readonly<Record<string, Seen<unknown> | Need<unknown>>>;

/** The same names with the values that were seen: all that `check` gets. */
export type Ready<N extends Needs> = {
  readonly [K in keyof N]: N[K] extends Need<infer T> ? T : N[K] extends Seen<infer T> ? T : never;
};

/** A thing that may be known not to exist; then the rule is not applicable. */
export function ifThere<T>(seen: Seen<T>): Need<T> {
  if (!seen.ok && seen.why === 'absent') return { need: { outcome: 'not-applicable', reason: seen.detail } };
  return needed(seen);
}

/** A thing that may be known not to exist; then its value is undefined and the rule decides. */
export function orNone<T>(seen: Seen<T>): Need<T | undefined> {
  if (!seen.ok && seen.why === 'absent') return { need: { outcome: 'ready', value: undefined, missing: [] } };
  return needed(seen);
}

/**
 * All of them, or the rule is not checked: for rules that count, or that say "none of them". An empty list is not
 * applicable: nothing passes because there was nothing to look at.
 */
export function every<T>(seen: readonly Seen<T>[], what: string): Need<readonly T[]> {
  const missing = seen.filter(isMissing);
  if (seen.length === 0) return { need: { outcome: 'not-applicable', reason: `there is no ${what}` } };
  if (missing.length > 0) return { need: { outcome: 'not-checked', missing } };
  return { need: { outcome: 'ready', value: valuesOf(seen), missing: [] } };
}

/**
 * Those that were seen, at least `atLeast` of them: for rules whose findings stay true whatever the missing ones say.
 * Without a finding the rule is then not checked, for the missing ones, instead of passed.
 */
export function each<T>(seen: readonly Seen<T>[], what: string, atLeast = 1): Need<readonly T[]> {
  const missing = seen.filter(isMissing);
  const value = valuesOf(seen);
  if (seen.length < atLeast) {
    return { need: { outcome: 'not-applicable', reason: `there are fewer than ${atLeast} of ${what}` } };
  }
  if (value.length < atLeast) return { need: { outcome: 'not-checked', missing } };
  return { need: { outcome: 'ready', value, missing } };
}

/** The rule is about this one only `where` the reading says so; known to be otherwise, it is not applicable. */
export function where<T>(seen: Seen<T>, applies: (value: T) => boolean, otherwise: string): Need<T> {
  if (seen.ok && !applies(seen.value)) return { need: { outcome: 'not-applicable', reason: otherwise } };
  return needed(seen);
}

/** As `where`, for a thing that may be known not to exist: then the rule is not applicable either. */
export function whereThere<T>(seen: Seen<T>, applies: (value: T) => boolean, otherwise: string): Need<T> {
  return seen.ok ? where(seen, applies, otherwise) : ifThere(seen);
}

/** Several readings of one thing as one reading; what is missing first is missing. */
export function together<R extends Readonly<Record<string, Seen<unknown>>>>(
  readings: R,
): Seen<{ readonly [K in keyof R]: R[K] extends Seen<infer T> ? T : never }> {
  const all = Object.entries(readings);
  for (const [, seen] of all) if (!seen.ok) return seen;
  const [first] = all;
  if (first === undefined) throw new Error('together() of nothing');
  const value = Object.fromEntries(all.map(([name, seen]) => [name, seen.ok ? seen.value : undefined]));
  return { ok: true, value: value as never, from: first[1].from, at: first[1].at };
}

/** A bare reading as a need, for the runner and for the functions above. */
export function needed<T>(seen: Seen<T>): Need<T> {
  if (seen.ok) return { need: { outcome: 'ready', value: seen.value, missing: [] } };
  return { need: { outcome: 'not-checked', missing: [seen] } };
}

/** Whether a declared need is one of the above, or a bare reading. */
export function isNeed(value: Seen<unknown> | Need<unknown>): value is Need<unknown> {
  return 'need' in value;
}

function isMissing<T>(seen: Seen<T>): seen is NotSeen {
  return !seen.ok;
}

function valuesOf<T>(seen: readonly Seen<T>[]): readonly T[] {
  return seen.flatMap((one) => (one.ok ? [one.value] : []));
}
