import type { ConfigLine } from '../model/formats.js';
import type { FileIntent } from '../model/plan.js';
import { diffLines } from './diff.js';
import { canonicalName } from './directive-names.js';
import { parseConfig, parseLine, printConfig } from './redis-conf.js';
import { showRaw } from './secrets.js';
import { quoteArg } from './tokenise.js';

type RedisIntent = Extract<FileIntent, { kind: 'redis.conf' }>;

/** A directive with the words that it is to have. */
interface Wanted {
  readonly directive: string;
  readonly words: readonly string[];
  /** The directive whose secret it takes, for the diff. */
  readonly sameAs?: string;
}

/** The new text of a config file and its changed lines (`-`, `+`), with secrets shown as `(secret)`. */
export interface Edited {
  readonly text: string;
  readonly diff: string[];
}

/**
 * Applies an intent to the text of one file. A directive that is set takes the place of its first line (aliases count,
 * the spelling of the file stays), its other lines go, and it comes at the end when there was none; a line that says the
 * same already stays as it is. Dropped directives go with their aliases. Everything else stays byte for byte, and
 * applying twice changes nothing more. Throws an Error when `sameSecretAs` names a directive that the text does not set.
 */
export function applyRedisIntent(text: string, intent: RedisIntent): Edited {
  const before = parseConfig('redis.conf', text);
  const wanted = intent.set.map((item) => wantedOf(item, before));
  const setNames = new Set(wanted.map((item) => canonicalName(item.directive)));
  const dropped = new Set(intent.drop.map(canonicalName).filter((name) => !setNames.has(name)));
  const kept = before.filter((line) => !dropped.has(canonicalName(line.name)));
  const after = wanted.reduce(setDirective, kept);
  return { text: printConfig(after), diff: shownDiff(before, after, wanted) };
}

function wantedOf(item: RedisIntent['set'][number], lines: readonly ConfigLine[]): Wanted {
  const { directive, value } = item;
  if (!('sameSecretAs' in value)) return { directive, words: value };
  const source = lines.filter((line) => canonicalName(line.name) === canonicalName(value.sameSecretAs)).at(-1);
  if (source === undefined || source.args.length === 0) {
    throw new Error(`${directive} is to hold the same secret as ${value.sameSecretAs}, which this file does not set`);
  }
  return { directive, words: source.args, sameAs: value.sameSecretAs };
}

function setDirective(lines: readonly ConfigLine[], wanted: Wanted): ConfigLine[] {
  const name = canonicalName(wanted.directive);
  const first = lines.find((line) => canonicalName(line.name) === name);
  if (first === undefined) return appended(lines, lineOf(wanted.directive, wanted.words, '', endingOf(lines)));
  const replaced = sameWords(first.args, wanted.words) ? first : rewritten(first, wanted.words);
  return lines.flatMap((line) => {
    if (line === first) return [replaced];
    return canonicalName(line.name) === name ? [] : [line];
  });
}

function rewritten(line: ConfigLine, words: readonly string[]): ConfigLine {
  const spelling = /^[ \t]*([^ \t\r"'\\]+)/.exec(line.raw)?.[1] ?? line.name;
  return lineOf(spelling, words, line.raw.slice(0, line.column - 1), line.raw.endsWith('\r') ? '\r' : '');
}

function lineOf(directive: string, words: readonly string[], indent: string, ending: string): ConfigLine {
  return parseLine('redis.conf', 0, `${indent}${[directive, ...words.map(quoteArg)].join(' ')}${ending}`);
}

/** At the end, before the empty entry that stands for the last newline; a last line without a newline gets one. */
function appended(lines: readonly ConfigLine[], line: ConfigLine): ConfigLine[] {
  const end = parseLine('redis.conf', 0, '');
  return lines.at(-1)?.raw === '' ? [...lines.slice(0, -1), line, end] : [...lines, line, end];
}

/** `\r` where the file ends its lines with CR LF. */
function endingOf(lines: readonly ConfigLine[]): string {
  const full = lines.slice(0, -1);
  return full.length > 0 && full.every((line) => line.raw.endsWith('\r')) ? '\r' : '';
}

function sameWords(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((word, at) => word === b[at]);
}

function shownDiff(before: readonly ConfigLine[], after: readonly ConfigLine[], wanted: readonly Wanted[]): string[] {
  const changes = diffLines(rawsOf(before), rawsOf(after)).filter(({ op }) => op !== ' ');
  return changes.map(({ op, text }) => {
    const name = canonicalName(parseLine('', 0, text).name);
    const sameAs = wanted.find((item) => canonicalName(item.directive) === name)?.sameAs;
    return op + showRaw(text, op === '+' && sameAs !== undefined ? `(secret, same as ${sameAs})` : undefined);
  });
}

/** The lines without the empty entry for the last newline, which is no line to a reader. */
function rawsOf(lines: readonly ConfigLine[]): string[] {
  const raws = lines.map((line) => line.raw);
  return raws.at(-1) === '' ? raws.slice(0, -1) : raws;
}
