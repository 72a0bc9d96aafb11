import type { ConfigLine } from '../model/formats.js';
import { lowerAscii, splitArgs } from './tokenise.js';

/** A line of a config file that Redis would not accept, or that could not be followed. */
export interface ConfigProblem {
  readonly file: string;
  /** 1-based */
  readonly line: number;
  readonly says: string;
}

/**
 * Every physical line of a config file, in order, comments and blank lines included; works for sentinel.conf too.
 * `raw` is the line without its `\n` (a `\r` stays). A text that ends with a newline ends with one blank entry more,
 * which is how `printConfig` knows. Comments, blank lines and lines that Redis could not split have the name ''.
 */
export function parseConfig(file: string, text: string, includedFrom: readonly string[] = []): ConfigLine[] {
  return text.split('\n').map((raw, index) => parseLine(file, index + 1, raw, includedFrom));
}

/** One line of a config file, read as config.c:loadServerConfigFromString does: trimmed, `#` a comment only in front. */
export function parseLine(file: string, line: number, raw: string, includedFrom: readonly string[] = []): ConfigLine {
  const column = raw.search(/[^ \t\r]/) + 1 || 1;
  const words = isComment(raw) ? null : splitArgs(raw);
  const [name = '', ...args] = words ?? [];
  return { file, line, column, raw, name: lowerAscii(name), args, includedFrom };
}

/** The text that the lines came from, byte for byte where no `raw` was changed. */
export function printConfig(lines: readonly Pick<ConfigLine, 'raw'>[]): string {
  return lines.map((line) => line.raw).join('\n');
}

/** The lines that stop a server at its start whatever the directive: quotes that do not end. */
export function problemsOf(lines: readonly ConfigLine[]): ConfigProblem[] {
  return lines
    .filter((line) => !isComment(line.raw) && splitArgs(line.raw) === null)
    .map(({ file, line }) => ({ file, line, says: 'Unbalanced quotes in configuration line' }));
}

/** Whether the first character of the line that is no blank is `#`; nothing later in a line starts a comment. */
export function isComment(raw: string): boolean {
  return /^[ \t\r]*#/.test(raw);
}
