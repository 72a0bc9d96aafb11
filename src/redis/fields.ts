/** The named values of one answer or one row of it. */
export type Fields = ReadonlyMap<string, string>;

/** The number under the first of the names that is there; 0 when none is, or when its value is no number. */
export function numberField(fields: Fields, ...names: readonly string[]): number {
  const value = Number(firstField(fields, names));
  return Number.isFinite(value) ? value : 0;
}

/** As `numberField` for offsets, epochs and counts. */
export function bigField(fields: Fields, ...names: readonly string[]): bigint {
  const value = firstField(fields, names);
  return /^-?\d+$/.test(value) ? BigInt(value) : 0n;
}

function firstField(fields: Fields, names: readonly string[]): string {
  return names.map((name) => fields.get(name)).find((value) => value !== undefined) ?? '0';
}
