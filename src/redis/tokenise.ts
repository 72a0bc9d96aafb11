import { charOfByte, encodeText, joinBytes } from './byte-text.js';

/** A word of a config line and where its raw text (quotes included) stands: `start` inclusive, `end` exclusive. */
export interface Word {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

const blanks = ' \t\n\v\f\r';
const wordEnds = ' \t\n\r';
const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', a: '\x07' };

/**
 * The words of a line exactly as sds.c:sdssplitargs gives them: double quotes with `\n \r \t \b \a \xHH` and `\c` = c,
 * single quotes with `\'` only, quotes may start inside a word, a closing quote must be followed by a blank or the end.
 * A NUL ends the line. Null when the quotes are unbalanced.
 */
export function splitArgs(line: string): string[] | null {
  return scanWords(line)?.map((word) => word.text) ?? null;
}

/** As `splitArgs`, with the place of every word in `line`. */
export function scanWords(line: string): Word[] | null {
  const nul = line.indexOf('\0');
  const text = nul < 0 ? line : line.slice(0, nul);
  const words: Word[] = [];
  let at = skipBlanks(text, 0);
  while (at < text.length) {
    const word = scanWord(text, at);
    if (word === null) return null;
    words.push(word);
    at = skipBlanks(text, word.end);
  }
  return words;
}

/**
 * A word as it can stand in a config file: bare where Redis reads it back as it is, else in double quotes as
 * sds.c:sdscatrepr writes it (bytes outside printable ASCII as `\xHH`). `splitArgs(quoteArg(text))` is `[text]`.
 */
export function quoteArg(text: string): string {
  if (/^[!-~]+$/.test(text) && !/["'\\]|^#/.test(text)) return text;
  return `"${[...encodeText(text)].map(quotedByte).join('')}"`;
}

/** The word with A to Z in lower case, as sdstolower does in the C locale. */
export function lowerAscii(text: string): string {
  return /[A-Z]/.test(text) ? text.replace(/[A-Z]/g, (letter) => letter.toLowerCase()) : text;
}

function skipBlanks(text: string, from: number): number {
  let at = from;
  while (at < text.length && blanks.includes(text.charAt(at))) at += 1;
  return at;
}

function scanWord(text: string, start: number): Word | null {
  let at = start;
  while (at < text.length && !wordEnds.includes(text.charAt(at))) {
    const char = text.charAt(at);
    if (char === '"' || char === "'") {
      const quoted = scanQuoted(text, at);
      if (quoted === null) return null;
      return { text: joinBytes(text.slice(start, at) + quoted.text), start, end: quoted.end };
    }
    at += 1;
  }
  return { text: text.slice(start, at), start, end: at };
}

/** The quoted rest of a word: after its closing quote nothing but a blank or the end may stand. */
function scanQuoted(text: string, open: number): { text: string; end: number } | null {
  const quote = text.charAt(open);
  let word = '';
  for (let at = open + 1; at < text.length; ) {
    const char = text.charAt(at);
    if (char === quote) {
      const next = text.charAt(at + 1);
      return next === '' || blanks.includes(next) ? { text: word, end: at + 1 } : null;
    }
    const escaped = char === '\\' ? unescaped(text, at, quote) : undefined;
    word += escaped?.text ?? char;
    at += escaped?.length ?? 1;
  }
  return null;
}

function unescaped(text: string, at: number, quote: string): { text: string; length: number } | undefined {
  const next = text.charAt(at + 1);
  if (quote === "'") return next === "'" ? { text: "'", length: 2 } : undefined;
  const hex = /^x([0-9a-fA-F]{2})$/.exec(text.slice(at + 1, at + 4))?.[1];
  if (hex !== undefined) return { text: charOfByte(Number.parseInt(hex, 16)), length: 4 };
  return next === '' ? undefined : { text: escapes[next] ?? next, length: 2 };
}

function quotedByte(byte: number): string {
  const char = String.fromCharCode(byte);
  if (char === '"' || char === '\\') return `\\${char}`;
  const letter = Object.keys(escapes).find((name) => escapes[name] === char);
  if (letter !== undefined) return `\\${letter}`;
  return byte >= 0x20 && byte < 0x7f ? char : `\\x${byte.toString(16).padStart(2, '0')}`;
}
