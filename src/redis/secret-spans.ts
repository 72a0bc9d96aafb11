import { isWithinDistance } from '../model/edit-distance.js';
import { canonicalName } from './directive-names.js';
import { isComment } from './redis-conf.js';
import { scanWords, type Word } from './tokenise.js';

/** Where a secret stands in a raw line, `prefix` (the `>` of an ACL password) not included in `word`. */
export interface SecretSpan {
  readonly start: number;
  readonly end: number;
  readonly prefix: string;
  readonly word: string;
  /** `requirepass`, `masterauth`, `auth-pass GROUP`, `user NAME`, …; undefined where the line does not take effect as written. */
  readonly key: string | undefined;
}

/** Directives whose first argument is a secret, by canonical name. */
export const secretDirectives: ReadonlySet<string> = new Set([
  'requirepass',
  'masterauth',
  'tls-key-file-pass',
  'tls-client-key-file-pass',
]);

/** Number of words before the secret in `sentinel …` statements. */
const sentinelSecrets: Readonly<Record<string, number>> = { 'auth-pass': 3, 'sentinel-pass': 2 };

const candidates =
  /(?<!\w)(?:requirepass|masterauth|primaryauth|tls-(?:client-)?key-file-pass|sentinel\s|auth-pass|sentinel-pass|user\s)/gi;
const commandLine = /(?<=\s)(?:-a|--pass)\s+(\S+)/g;
const brokenIntros = [
  /auth-pass["']?\s+\S+\s+/i,
  /(?:requirepass|masterauth|primaryauth|tls-(?:client-)?key-file-pass|auth-pass|sentinel-pass)["']?\s*/i,
  /(?<!\w)user["']?\s+\S+.*?\s["']?[><#!]/i,
];
const token = /^["']?(\{secret:[0-9a-f]{16}\})$/;

/** Longer comments and broken lines are not searched word by word: from the first hint on, everything counts as a secret. */
const searchedLength = 4096;

/** The secrets of one raw line: of a directive, of one that is commented out, and of one whose quotes are broken. */
export function secretSpans(raw: string): SecretSpan[] {
  const words = isComment(raw) ? null : scanWords(raw);
  if (words !== null) return spansOfWords(words);
  if (raw.length > searchedLength) return spansOfLong(raw);
  return isComment(raw) ? spansOfComment(raw) : spansOfBroken(raw, 0);
}

function spansOfLong(raw: string): SecretSpan[] {
  const [hint] = raw.matchAll(candidates);
  if (hint === undefined) return [];
  const start = hint.index + hint[0].length;
  return [{ start, end: raw.length, prefix: '', word: raw.slice(start), key: undefined }];
}

/** The secrets among the words of one directive. */
export function spansOfWords(words: readonly Word[]): SecretSpan[] {
  const name = canonicalName(words[0]?.text ?? '');
  if (secretDirectives.has(name)) return words.slice(1).flatMap((word) => spanOf(word, soleKey(words, 2, name)));
  if (name === 'sentinel') return spansOfSentinel(words);
  return name === 'user' ? spansOfUser(words) : spansOfMisspelt(name, words);
}

const spelled = [...secretDirectives, 'primaryauth'];
/** Real directives with such a word in their name, and no secret behind it. */
const harmless: ReadonlySet<string> = new Set(['tls-auth-clients', 'tls-auth-clients-user']);
const joined = /^((?:requirepass|masterauth|primaryauth|tls-(?:client-)?key-file-pass)[=:])(.+)$/is;

/** Up to two slips of the finger, one in a short name. */
function isAlmost(word: string, name: string): boolean {
  return word !== name && isWithinDistance(word, name, name.length < 8 ? 1 : 2);
}

function isAlmostAny(word: string, names: readonly string[]): boolean {
  return names.some((name) => isAlmost(word, name));
}

/** No server starts with such a line, and what stands in it is a password all the same. Nothing of it is in effect. */
function spansOfMisspelt(name: string, words: readonly Word[]): SecretSpan[] {
  const [first, ...rest] = words;
  if (first === undefined) return [];
  const [, prefix = '', value = ''] = joined.exec(first.text) ?? [];
  if (value !== '')
    return [
      { start: first.start, end: first.end, prefix, word: value, key: undefined },
      ...rest.flatMap((word) => spanOf(word, undefined)),
    ];
  if (isAlmost(name, 'sentinel')) return withoutKeys(spansOfSentinel(words));
  if (isAlmost(name, 'user')) return withoutKeys(spansOfUser(words));
  const meansOne = isAlmostAny(name, spelled) || (/pass|auth|secret|pwd/.test(name) && !harmless.has(name));
  return meansOne ? rest.flatMap((word) => spanOf(word, undefined)) : [];
}

function withoutKeys(spans: readonly SecretSpan[]): SecretSpan[] {
  return spans.map((span) => ({ ...span, key: undefined }));
}

function spansOfSentinel(words: readonly Word[]): SecretSpan[] {
  const sub = canonicalName(words[1]?.text ?? '');
  const before = Object.hasOwn(sentinelSecrets, sub) ? sentinelSecrets[sub] : undefined;
  if (before === undefined) {
    const meansOne = isAlmostAny(sub, Object.keys(sentinelSecrets)) || /pass|secret|pwd/.test(sub);
    return meansOne ? words.slice(words.length > 3 ? 3 : 2).flatMap((word) => spanOf(word, undefined)) : [];
  }
  const key = before === 3 ? `${sub} ${words[2]?.text ?? ''}` : sub;
  return words.slice(before).flatMap((word) => spanOf(word, soleKey(words, before + 1, key)));
}

function spansOfUser(words: readonly Word[]): SecretSpan[] {
  return words.slice(2).flatMap((word) => {
    if (!/^[><#!]./s.test(word.text)) return [];
    const prefix = word.text.charAt(0);
    const key = prefix === '>' ? `user ${words[1]?.text ?? ''}` : undefined;
    return [{ start: word.start, end: word.end, prefix, word: word.text.slice(1), key }];
  });
}

/** An empty word is no secret: `requirepass ""` says that there is none. */
function spanOf(word: Word, key: string | undefined): SecretSpan[] {
  return word.text === '' ? [] : [{ start: word.start, end: word.end, prefix: '', word: word.text, key }];
}

/** A directive with too many words does not start a server: nothing is in effect, but every word may be a secret. */
function soleKey(words: readonly Word[], length: number, key: string): string | undefined {
  return words.length === length ? key : undefined;
}

function spansOfComment(raw: string): SecretSpan[] {
  for (const match of raw.matchAll(candidates)) {
    const text = raw.slice(match.index);
    const bare = /^(?:auth-pass|sentinel-pass)/i.test(text);
    const words = scanWords(bare ? `sentinel ${text}` : text);
    const shift = match.index - (bare ? 'sentinel '.length : 0);
    const spans =
      words === null ? spansOfBroken(raw, match.index) : spansOfWords(words).map((span) => moved(span, shift));
    if (spans.length > 0) return spans.map((span) => ({ ...span, key: undefined }));
  }
  const almost = spansOfAlmost(raw);
  if (almost.length > 0) return almost;
  return [...raw.matchAll(commandLine)].map((match) => {
    const end = match.index + match[0].length;
    const word = match[1] ?? '';
    return { start: end - word.length, end, prefix: '', word, key: undefined };
  });
}

/** A first word without quotes, as `scanWords` gives it. */
const bareWord = /^[^ \t\n\r"'\0]+(?=[ \t\n\r\0]|$)/;

/** A commented line whose first word is nearly one of the directives; prose is left alone, and costs no look at its other words. */
function spansOfAlmost(raw: string): SecretSpan[] {
  const shift = /^[\s#]*/.exec(raw)?.[0].length ?? 0;
  const text = raw.slice(shift);
  const first = bareWord.exec(text)?.[0];
  if (first !== undefined && !isAlmostAny(canonicalName(first), spelled)) return [];
  const words = scanWords(text);
  if (words === null || !isAlmostAny(canonicalName(words[0]?.text ?? ''), spelled)) return [];
  return words
    .slice(1)
    .flatMap((word) => spanOf(word, undefined))
    .map((span) => moved(span, shift));
}

function moved(span: SecretSpan, by: number): SecretSpan {
  return { ...span, start: span.start + by, end: span.end + by };
}

/** Quotes that do not end: everything from the first place where a secret may begin. */
function spansOfBroken(raw: string, from: number): SecretSpan[] {
  const text = raw.slice(from).trimEnd();
  for (const intro of brokenIntros) {
    const match = intro.exec(text);
    const rest = match === null ? '' : text.slice(match.index + match[0].length);
    if (rest === '') continue;
    const end = from + text.length;
    return [{ start: end - rest.length, end, prefix: '', word: token.exec(rest)?.[1] ?? rest, key: undefined }];
  }
  return [];
}
