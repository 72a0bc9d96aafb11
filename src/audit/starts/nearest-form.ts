import { nearest } from '../../inventory/nearest.js';
import { hashOfToken } from '../../model/secret.js';
import { canonicalName } from '../../redis/directive-names.js';
import { spansOfWords } from '../../redis/secret-spans.js';
import { secretDirectives } from '../../redis/secrets.js';
import { lowerAscii, quoteArg } from '../../redis/tokenise.js';
import type { Target } from '../target.js';
import { nearestDirective } from './judge.js';
import { directivesOf, hasDirective, valuesOf } from './known.js';
import { memoryValue } from './values.js';

/** Whether a word starts what a person would take for a comment. Redis has none after a directive. */
export function startsComment(word: string): boolean {
  return /^(?:#|\/\/|;|--|<[=-]|=>|->)/.test(word) || /^[^\x20-\x7e\ud800-\udfff]/.test(word);
}

/** Whether a word looks like something that a template should have filled in. */
export function isPlaceholder(word: string): boolean {
  return /\$\{?\w|\{\{|^<\w[^<>]*>?$|^x\.x\.x\.x$|^IPADDRESS$/i.test(word);
}

/** Characters that editors and web pages leave behind: a byte order mark, no-break and zero-width blanks, typographic quotes. */
export const strayCharacters = /[\ufeff\u00a0\u200b-\u200d\u2018-\u201f\u00ab\u00bb]/;

/** The line without its stray characters. */
export function withoutStray(raw: string): string {
  return raw
    .replace(/[\ufeff\u200b-\u200d]/g, '')
    .replace(/\u00a0/g, ' ')
    .replace(/[\u201c-\u201f\u00ab\u00bb]/g, '"')
    .replace(/[\u2018-\u201b]/g, "'");
}

/** Whether arguments of the line may be secret: only its directive is ever shown. Tokens in the place of secrets are none. */
export function maybeSecret(words: readonly string[], target: Target): boolean {
  const name = canonicalName(words[0] ?? '');
  const spans = spansOfWords(words.map((text, at) => ({ text, start: at, end: at })));
  if (spans.length > 0 && spans.every(({ word }) => hashOfToken(word) !== undefined)) return false;
  if (secretDirectives.has(name) || name === 'user' || /pass|auth/.test(name)) return true;
  if (name === 'sentinel') return /pass|auth/i.test(words[1] ?? '');
  return !hasDirective((words[0] ?? '').toLowerCase(), target);
}

/** Lines that may have been meant, likeliest first; whether they are legal is for the caller to ask. */
export function candidates(words: readonly string[], target: Target): readonly (readonly string[])[] {
  const [first = '', ...args] = words;
  const name = first.toLowerCase();
  const secret = name === 'user' || args.some((word) => word.includes('{secret:'));
  const joined = args.length > 1 && !secret ? [[first, args.join('')]] : [];
  const each = args.flatMap((word, at) => meant(name, word, target).map((better) => [first, ...args.with(at, better)]));
  return [...each, ...joined].filter(
    (line) => line.length !== words.length || line.some((word, at) => word !== words[at]),
  );
}

/** The line as it would be written. */
export function written(words: readonly string[]): string {
  return words.map(quoteArg).join(' ');
}

/** The directive that was probably meant: the name that the target has for it, else one with nearly the same letters. */
export function meantDirective(name: string, target: Target): string | undefined {
  const lower = lowerAscii(name);
  const same = directivesOf(target).find((known) => canonicalName(known) === canonicalName(lower));
  return same ?? nearestDirective(lower, target);
}

function meant(name: string, word: string, target: Target): readonly string[] {
  const bare = word.replace(/^[\s=:]+|[\s;,]+$/g, '');
  const value = valuesOf(name, target)[0] ?? '';
  const [kind = '', ...rest] = value.split(' ');
  if (kind === 'bool')
    return [
      bare,
      ...(/^(?:true|on|1|enabled?|y)$/i.test(bare) ? ['yes'] : []),
      ...(/^(?:false|off|0|disabled?|n|none)$/i.test(bare) ? ['no'] : []),
    ];
  if (kind === 'enum' || kind === 'words') return [bare, nearest(bare, (rest[0] ?? '').split('|')) ?? bare];
  if (kind === 'int') return [bare, /^[+0]*(\d+)/.exec(bare)?.[1] ?? bare, ...bounds(bare, rest)];
  if (kind === 'memory' || kind === 'percent') return [bare, ...meantMemory(bare), ...bounds(bare, rest)];
  return [bare, /^(\d+)[a-z%]+$/i.exec(bare)?.[1] ?? bare];
}

function bounds(word: string, [min, max]: readonly string[]): readonly string[] {
  if (min === undefined || max === undefined || !/^-?\d+$/.test(word)) return [];
  return [BigInt(word) < BigInt(min) ? min : max];
}

/** `1.5gb` as megabytes, `2GiB` and `2 g` without what Redis does not know. */
function meantMemory(word: string): readonly string[] {
  const match = /^(\d+)(?:\.(\d+))?\s*([kmg]?)i?b?(?:ytes)?$/i.exec(word);
  if (match === null) return [];
  const [, whole = '0', part, unit = ''] = match;
  if (part === undefined) return [`${whole}${unit.toLowerCase()}${unit === '' ? '' : 'b'}`];
  const smaller: Readonly<Record<string, string>> = { g: 'mb', m: 'kb', k: 'b' };
  const size = Math.round(Number(`${whole}.${part}`) * 1024);
  const text = `${size}${smaller[unit.toLowerCase()] ?? ''}`;
  return memoryValue(text) === undefined ? [] : [text];
}
