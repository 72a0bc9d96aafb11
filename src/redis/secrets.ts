import type { ConfigLine } from '../model/formats.js';
import { hashOfToken, keyedHash, Secret, secretToken } from '../model/secret.js';
import { isComment, parseLine } from './redis-conf.js';
import { type SecretSpan, secretSpans, spansOfWords } from './secret-spans.js';
import { scanWords, type Word } from './tokenise.js';

export { secretDirectives } from './secret-spans.js';

/** What a screen shows where a secret stood. */
const SHOWN = '(secret)';

/** A config text without its secrets, and the secrets that take effect in it. */
export interface RedactedConfig {
  readonly text: string;
  /** By `requirepass`, `masterauth`, `sentinel-pass`, `tls-key-file-pass`, `auth-pass GROUP`, `user NAME` (a `>` password). */
  readonly secrets: ReadonlyMap<string, Secret>;
}

/**
 * Replaces every secret word of a redis.conf or sentinel.conf by its `{secret:HASH}` token, in comments and broken
 * lines too; the text splits into the same directives as before. Of several lines for one key the last is in the map,
 * as Redis takes it; an empty password takes the key out.
 */
export function redactConfig(text: string): RedactedConfig {
  const secrets = new Map<string, Secret>();
  const lines = text.split('\n').map((raw) => {
    const spans = secretSpans(raw);
    for (const { key, word } of spans) {
      if (key !== undefined && hashOfToken(word) === undefined) secrets.set(key, new Secret(word));
    }
    if (isComment(raw)) return spans.length === 0 ? raw : replaceSpans(raw, spans, tokenOf);
    const line = parseLine('', 0, raw);
    if (line.args.length === 1 && line.args[0] === '') secrets.delete(line.name);
    return replaceSpans(raw, spans, tokenOf);
  });
  return { text: lines.join('\n'), secrets };
}

/** A raw line with its secrets replaced by tokens; a token that already stands there stays. */
function redactRaw(raw: string): string {
  return replaceSpans(raw, secretSpans(raw), tokenOf);
}

/** A raw line for a screen: `shown` (else `(secret)`) in place of each secret or token. */
export function showRaw(raw: string, shown: string = SHOWN): string {
  return replaceSpans(raw, secretSpans(raw), ({ prefix }) => prefix + shown).replace(/\r$/, '');
}

/** The same line with its secrets replaced by tokens, in `raw` and in `args`. */
export function redactLine(line: ConfigLine): ConfigLine {
  const raw = redactRaw(line.raw);
  return raw === line.raw ? line : parseLine(line.file, line.line, raw, line.includedFrom);
}

/** The keyed hash of a secret word, plain or already a token; undefined for the empty word, which is no secret. */
export function hashOfWord(word: string): string | undefined {
  return word === '' ? undefined : (hashOfToken(word) ?? keyedHash(word));
}

/**
 * The words of a command line (`redis-server`, `redis-sentinel`, `redis-cli`) with the secrets among them replaced by
 * tokens: values of `--requirepass` and the like, also where option and value are one word, and of `-a` and `--pass`.
 */
export function redactWords(argv: readonly string[]): string[] {
  const result: string[] = [];
  for (let at = 0; at < argv.length; ) {
    const option = optionAt(argv, at);
    result.push(...option.words);
    at += option.length;
  }
  return result;
}

/** As `redactWords` for a command line whose words were joined with blanks: everything up to the next `--` counts as the secret. */
export function redactArgv(title: string): string {
  return redactWords(title.split(' ')).join(' ');
}

function optionAt(argv: readonly string[], at: number): { words: string[]; length: number } {
  const first = argv[at] ?? '';
  if (/^(-a|--pass)$/.test(first)) return { words: [first, ...argv.slice(at + 1, at + 2).map(plainToken)], length: 2 };
  if (!first.startsWith('--')) return { words: [first], length: 1 };
  const rest = argv.slice(at + 1);
  const firstMayBeDashed = /^--(requirepass|masterauth|primaryauth)$/i.test(first) ? 1 : 0;
  const next = rest.findIndex((word, index) => index >= firstMayBeDashed && word.startsWith('--'));
  const values = next < 0 ? rest : rest.slice(0, next);
  return { words: redactOption(first, values), length: 1 + values.length };
}

function redactOption(first: string, values: readonly string[]): string[] {
  const inner = scanWords(first.slice(2)) ?? bareWords(first.slice(2));
  const words: Word[] = [...inner, ...values.map((text) => ({ text, start: -1, end: -1 }))];
  const numbered = words.map((word, index) => ({ ...word, start: index, end: index }));
  const secret = new Map(spansOfWords(numbered).map((span) => [span.start, tokenOf(span)]));
  const changed = inner.some((_word, index) => secret.has(index));
  const shown = inner.map((word, index) => secret.get(index) ?? word.text).join(' ');
  return [changed ? `--${shown}` : first, ...values.map((word, index) => secret.get(inner.length + index) ?? word)];
}

function plainToken(word: string): string {
  return hashOfToken(word) === undefined ? secretToken(word) : word;
}

function tokenOf(span: SecretSpan): string {
  return span.prefix + plainToken(span.word);
}

/** A broken line stays broken: where the token alone would mend its quotes, one is opened again before it. */
function replaceSpans(raw: string, spans: readonly SecretSpan[], replacement: (span: SecretSpan) => string): string {
  const replaced = spliced(raw, spans, replacement);
  if (spans.length === 0 || isComment(raw) || scanWords(raw) !== null || scanWords(replaced) === null) return replaced;
  return spliced(raw, spans, (span) => `"${replacement(span)}`);
}

function spliced(raw: string, spans: readonly SecretSpan[], replacement: (span: SecretSpan) => string): string {
  const kept = spans.map((span, at) => raw.slice(spans[at - 1]?.end ?? 0, span.start) + replacement(span));
  return kept.join('') + raw.slice(spans.at(-1)?.end ?? 0);
}

function bareWords(text: string): Word[] {
  return text.split(' ').map((word) => ({ text: word, start: -1, end: -1 }));
}

/** Whether a raw line that is no comment holds a secret. */
export function holdsSecret(raw: string): boolean {
  return !isComment(raw) && secretSpans(raw).length > 0;
}
