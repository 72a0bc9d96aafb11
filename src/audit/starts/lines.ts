import { globsOf } from '../../redis/globs.js';
import { isPattern } from '../../redis/includes.js';
import { lowerAscii, scanWords, type Word } from '../../redis/tokenise.js';
import type { ConfigText } from '../config-text.js';
import type { Target } from '../target.js';
import { isTable } from './known.js';

/** A line as the server reads it: neither blank nor comment. `words` null: its quotes do not end. */
export interface StartLine {
  readonly file: string;
  /** 1-based line of the file; of lines that a NUL byte joins, the first. */
  readonly line: number;
  /** 1-based column of the first character that is no blank. */
  readonly column: number;
  readonly raw: string;
  readonly name: string;
  readonly words: readonly Word[] | null;
}

/** Above this many lines the includes of a hostile file are no longer followed. */
const lineLimit = 100_000;

/**
 * The lines of the first file in the order in which the server takes them, those of the other files where an include
 * leads to one of them, the command line last. A file that is not there is left out: whether it is on the host is not
 * known here.
 */
export function startLines(
  files: readonly ConfigText[],
  target: Target,
  commandLine?: ConfigText,
): readonly StartLine[] {
  const out: StartLine[] = [];
  const globs = isTable(target) ? globsOf(new Map(files.map(({ file, text }) => [file, text]))) : undefined;
  function follow(file: ConfigText, chain: readonly string[]): void {
    for (const line of linesOf(file)) {
      if (out.length >= lineLimit) return;
      out.push(line);
      const path = line.name === 'include' && line.words?.length === 2 ? line.words[1]?.text : undefined;
      if (path === undefined) continue;
      const paths = globs !== undefined && isPattern(path) ? (globs.get(path) ?? []) : [path];
      const texts = paths.flatMap((one) => files.find((other) => isFile(other.file, one, file.file)) ?? []);
      for (const next of texts) if (!chain.includes(next.file)) follow(next, [...chain, next.file]);
    }
  }
  const [main] = files;
  if (main !== undefined) follow(main, [main.file]);
  return commandLine === undefined ? out : [...out, ...linesOf(commandLine)];
}

function isFile(file: string, path: string, from: string): boolean {
  const beside = from.includes('/') ? `${from.slice(0, from.lastIndexOf('/'))}/${path}` : path;
  return file === path || (!path.startsWith('/') && file === beside);
}

/** fgets and strlen: what follows a NUL in a line is lost, its newline too, so that the next line is joined to it. */
function linesOf({ file, text }: ConfigText): readonly StartLine[] {
  const out: StartLine[] = [];
  let carried: { readonly raw: string; readonly line: number } | undefined;
  for (const [at, physical] of text.split('\n').entries()) {
    const nul = physical.indexOf('\0');
    const raw = (carried?.raw ?? '') + (nul < 0 ? physical : physical.slice(0, nul));
    const line = carried?.line ?? at + 1;
    carried = nul < 0 ? undefined : { raw, line };
    if (carried === undefined) out.push(...lineOf(file, line, raw));
  }
  return carried === undefined ? out : [...out, ...lineOf(file, carried.line, carried.raw)];
}

/** sdstrim takes blanks, tabs and carriage returns away; the words may be none (vertical tab, form feed). */
function lineOf(file: string, line: number, raw: string): readonly StartLine[] {
  const column = raw.search(/[^ \t\r]/) + 1;
  if (column === 0 || raw.charAt(column - 1) === '#') return [];
  const words = scanWords(raw);
  if (words !== null && words.length === 0) return [];
  return [{ file, line, column, raw, words, name: lowerAscii(words?.[0]?.text ?? '') }];
}
