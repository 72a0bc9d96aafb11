import type { ConfigLine } from '../model/formats.js';
import { type ConfigProblem, parseConfig } from './redis-conf.js';
import { atLeast, type Version } from './versions.js';

/** The lines of a config file and of what it includes, and what could not be followed. */
interface Flattened {
  readonly lines: readonly ConfigLine[];
  /** A missing plain include is fatal at start; a pattern that matches nothing is not, and is no problem here. */
  readonly problems: readonly ConfigProblem[];
}

interface Walk {
  readonly texts: ReadonlyMap<string, string>;
  readonly globs: ReadonlyMap<string, readonly string[]> | undefined;
  readonly lines: ConfigLine[];
  readonly problems: ConfigProblem[];
  /** The directory in which relative includes are opened: `dir` changes it at once (config.c: chdir). */
  dir: string;
}

interface Opened {
  readonly path: string;
  readonly text: string;
}

/** Above this many lines the includes of a hostile file are no longer followed. */
const lineLimit = 100_000;

/**
 * The directives in the order in which Redis executes them, includes in their place (the `include` line itself stays in
 * front of them); comments and lines that cannot be split are left out. `texts` is by the path as the include names it
 * or as it stands after `dir`; `expandGlob` by the pattern as written. Patterns are followed from 7.0 on.
 */
export function flatten(
  main: string,
  texts: ReadonlyMap<string, string>,
  version: Version,
  expandGlob: ReadonlyMap<string, readonly string[]>,
): ConfigLine[] {
  return [...flattened(main, texts, version, expandGlob).lines];
}

/** As `flatten`, with the includes that could not be followed and the lines that could not be split. */
export function flattened(
  main: string,
  texts: ReadonlyMap<string, string>,
  version: Version,
  expandGlob: ReadonlyMap<string, readonly string[]>,
): Flattened {
  const globs = atLeast(version, '7.0.0') ? expandGlob : undefined;
  const walk: Walk = { texts, globs, lines: [], problems: [], dir: '.' };
  const text = texts.get(main);
  if (text === undefined) walk.problems.push({ file: main, line: 0, says: `can't open config file '${main}'` });
  else follow(walk, main, text, []);
  return { lines: walk.lines, problems: walk.problems };
}

/** Whether an include is a pattern from 7.0 on (config.c: any of `*?[`). */
export function isPattern(include: string): boolean {
  return /[*?[]/.test(include);
}

/** `path` as it is opened while `dir` is the working directory. */
export function inDirectory(dir: string, path: string): string {
  if (path.startsWith('/') || dir === '.' || dir === '') return path;
  const rest = path.replace(/^(?:\.\/+)+/, '');
  return rest === '' || rest === '.' ? dir : `${dir.replace(/\/+$/, '')}/${rest}`;
}

function follow(walk: Walk, file: string, text: string, chain: readonly string[]): void {
  for (const line of parseConfig(file, text, chain)) {
    if (walk.lines.length >= lineLimit) return;
    if (line.name !== '') walk.lines.push(line);
    if (line.name === 'dir' && line.args.length === 1) walk.dir = inDirectory(walk.dir, line.args[0] ?? '');
    if (line.name === 'include' && line.args.length === 1) followInclude(walk, line, line.args[0] ?? '');
  }
}

function followInclude(walk: Walk, line: ConfigLine, include: string): void {
  const chain = [...line.includedFrom, `${line.file}:${line.line}`];
  const globbed = walk.globs !== undefined && isPattern(include);
  const paths = globbed
    ? (walk.globs?.get(include) ?? walk.globs?.get(inDirectory(walk.dir, include)) ?? [])
    : [include];
  const texts = paths.flatMap((path) => openInclude(walk, line, path, chain));
  for (const { path, text } of runTogether(walk, line, texts)) follow(walk, path, text, chain);
}

function openInclude(walk: Walk, line: ConfigLine, include: string, chain: readonly string[]): Opened[] {
  const path = walk.texts.has(include) ? include : inDirectory(walk.dir, include);
  const text = walk.texts.get(path);
  if (path === line.file || chain.some((place) => place.startsWith(`${path}:`))) {
    report(walk, line, `include '${include}' leads back to itself`);
    return [];
  }
  if (text !== undefined) return [{ path, text }];
  report(walk, line, `can't open config file '${include}'`);
  return [];
}

/**
 * The files of one pattern are read as one text (config.c:loadServerConfig): where one does not end with a newline, its
 * last line and the first line of the next are one line (seen on 7.0.15).
 */
function runTogether(walk: Walk, line: ConfigLine, files: readonly Opened[]): Opened[] {
  let carried = '';
  return files.map(({ path, text }, at) => {
    const whole = carried + text;
    const cut = at === files.length - 1 ? whole.length : whole.lastIndexOf('\n') + 1;
    carried = whole.slice(cut);
    if (carried !== '') report(walk, line, `'${path}' ends without a newline: its last line runs into the next file`);
    return { path, text: whole.slice(0, cut) };
  });
}

function report(walk: Walk, line: ConfigLine, says: string): void {
  walk.problems.push({ file: line.file, line: line.line, says });
}
