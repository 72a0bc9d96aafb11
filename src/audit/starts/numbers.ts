/** The number at the start of a word as strtoll reads it in base 8 or 10, 0 when there is none; held inside 64 bits. */
export function nearestZero(word: string, base: 8 | 10): bigint {
  const match = (base === 8 ? /^\s*([+-]?)([0-7]+)/ : /^\s*([+-]?)(\d+)/).exec(word);
  if (match === null) return 0n;
  const size = BigInt(`${base === 8 ? '0o' : ''}${match[2]}`);
  const limit = 2n ** 63n;
  if (match[1] === '-') return size > limit ? -limit : -size;
  return size >= limit ? limit - 1n : size;
}

/** A word as atoi reads it: the number at its start, cut to 32 bits, 0 when there is none. */
export function atoi(word: string): number {
  return Number(BigInt.asIntN(32, nearestZero(word, 10)));
}

/** Whether the whole word is a number as strtol takes it (an empty word is 0). */
export function isWhole(word: string): boolean {
  return word === '' || /^\s*[+-]?\d+$/.test(word);
}
