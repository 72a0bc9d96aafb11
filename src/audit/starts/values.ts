import { nearestZero } from './numbers.js';

const longMax = 2n ** 63n - 1n;
const units: Readonly<Record<string, bigint>> = {
  '': 1n,
  b: 1n,
  k: 1000n,
  kb: 1024n,
  m: 1000_000n,
  mb: 1024n ** 2n,
  g: 1000_000_000n,
  gb: 1024n ** 3n,
};

/** A whole number as util.c:string2ll reads it: no plus, no leading zero, no blank. */
function wholeNumber(word: string): bigint | undefined {
  if (!/^(?:0|-?[1-9]\d{0,18})$/.test(word)) return undefined;
  const value = BigInt(word);
  return value > longMax || value < -longMax - 1n ? undefined : value;
}

/** Bytes as util.c:memtoull reads them, cut to 64 bits; no digits are 0. Undefined for anything else. */
export function memoryValue(word: string): bigint | undefined {
  const match = /^(\d{0,127})(b|kb?|mb?|gb?)?$/i.exec(word);
  if (match === null) return undefined;
  const digits = BigInt(match[1] === '' ? '0' : (match[1] ?? '0'));
  const most = 2n ** 64n - 1n;
  return BigInt.asUintN(64, (digits > most ? most : digits) * (units[(match[2] ?? '').toLowerCase()] ?? 1n));
}

/** Why a server refuses one word as this value of the table (directives.ts), undefined when it takes it. */
export function refusedValue(value: string, word: string, wording: 'argument' | 'argument(s)'): string | undefined {
  const [kind = '', ...rest] = value.split(' ');
  if (kind === 'bool') return /^(?:yes|no)$/i.test(word) ? undefined : "argument must be 'yes' or 'no'";
  if (kind === 'enum') return refusedWord(rest[0] ?? '', word, wording);
  if (kind === 'int') return refusedInt(word, rest);
  if (kind === 'memory') return refusedMemory(word, rest);
  if (kind === 'percent') return refusedPercent(word, rest[0] ?? '100');
  if (kind === 'octal') return refusedOctal(word);
  if (kind === 'text' || kind === 'any') return refusedText(word, rest);
  return undefined;
}

function refusedWord(list: string, word: string, wording: string): string | undefined {
  const words = list.split('|');
  if (words.includes(word.toLowerCase())) return undefined;
  return `${wording} must be one of the following: ${words.join(', ')}`;
}

function refusedInt(word: string, bounds: readonly string[]): string | undefined {
  const number = wholeNumber(word);
  if (number === undefined) return "argument couldn't be parsed into an integer";
  return outside(number, bounds);
}

function refusedMemory(word: string, bounds: readonly string[]): string | undefined {
  const bytes = memoryValue(word);
  return bytes === undefined ? 'argument must be a memory value' : outside(bytes, bounds);
}

function outside(number: bigint, [min, max]: readonly string[]): string | undefined {
  if (min === undefined || max === undefined) return undefined;
  if (number >= BigInt(min) && number <= BigInt(max)) return undefined;
  return `argument must be between ${min} and ${max} inclusive`;
}

function refusedPercent(word: string, most: string): string | undefined {
  const percent = /^(0|[1-9]\d{0,17})%$/.exec(word)?.[1];
  if (percent !== undefined) {
    return BigInt(percent) <= BigInt(most) ? undefined : `percentage argument must be less or equal to ${most}`;
  }
  return memoryValue(word) === undefined ? 'argument must be a memory or percent value' : undefined;
}

function refusedOctal(word: string): string | undefined {
  if (!/^(?:\s*[+-]?[0-7]{1,21})?$/.test(word)) return "argument couldn't be parsed as an octal number";
  const number = nearestZero(word, 8);
  return number >= 0n && number <= 0o777n ? undefined : 'argument must be between 0 and 777 inclusive';
}

function refusedText(word: string, checks: readonly string[]): string | undefined {
  if (checks.includes('filled') && word === '') return "can't be empty";
  if (checks.includes('name') && /[/\\]/.test(word)) return "can't be a path, just a filename";
  if (checks.includes('hostname') && !/^[A-Za-z0-9.-]*$/.test(word)) {
    return 'Hostnames may only contain alphanumeric characters, hyphens or dots';
  }
  return undefined;
}
