import { inDirectory } from '../../redis/includes.js';
import { parseConfig } from '../../redis/redis-conf.js';

/** A given file that a main file includes: the name under which Redis will open it, and the path as shown. */
export interface IncludedFile {
  readonly opened: string;
  readonly path: string;
}

const mostIncludes = 200;

/** The given files by path, and by the last part of it. */
export interface GivenTexts {
  readonly byPath: ReadonlyMap<string, string>;
  readonly byName: ReadonlyMap<string, readonly string[]>;
}

/** Indexes the texts for the look-up of includes. */
export function givenTexts(byPath: ReadonlyMap<string, string>): GivenTexts {
  const byName = new Map<string, string[]>();
  for (const path of byPath.keys()) {
    const name = baseName(path);
    byName.set(name, [...(byName.get(name) ?? []), path]);
  }
  return { byPath, byName };
}

/**
 * The files that a main file includes, and those that these include, as far as they were given: next to it, or below it
 * with the end of the path that the include names. Files that were not given are not looked for.
 */
export function includesOf(main: string, given: GivenTexts): IncludedFile[] {
  const found = new Map<string, IncludedFile>();
  const todo: IncludedFile[] = [{ opened: main, path: main }];
  for (let next = todo.shift(); next !== undefined && found.size < mostIncludes; next = todo.shift()) {
    for (const include of includeLines(given.byPath.get(next.path) ?? '')) {
      for (const file of filesFor(include, next, given)) {
        if (found.has(file.opened) || file.path === main) continue;
        found.set(file.opened, file);
        todo.push(file);
      }
    }
  }
  return [...found.values()];
}

function includeLines(text: string): string[] {
  if (!/include/i.test(text)) return [];
  return parseConfig('', text).flatMap((line) =>
    line.name === 'include' && line.args.length === 1 ? [line.args[0] ?? ''] : [],
  );
}

function filesFor(include: string, from: IncludedFile, given: GivenTexts): IncludedFile[] {
  const folder = include.slice(0, include.lastIndexOf('/') + 1);
  const near = areaOf(from.path);
  return namesFor(baseName(include), given).flatMap(([name, paths]) => {
    const path = bestOf(paths, inDirectory(near, include), near);
    return path === undefined ? [] : [{ opened: folder + name, path }];
  });
}

/** The given path that is meant: the very one, else the one in the same directory or below it that shares most of its end. */
function bestOf(paths: readonly string[], exact: string, near: string): string | undefined {
  if (paths.includes(exact)) return exact;
  const wanted = exact.split('/').reverse();
  const shared = (path: string) => {
    const parts = path.split('/').reverse();
    return parts.findIndex((part, at) => part !== wanted[at]);
  };
  const close = paths.filter((path) => areaOf(path) === near || path.startsWith(`${near}/`));
  return [...close].sort((a, b) => shared(b) - shared(a))[0];
}

function namesFor(name: string, given: GivenTexts): (readonly [string, readonly string[]])[] {
  if (/[*?[]/.test(name)) return [...given.byName].filter(([given]) => patternRule(name)(given));
  const paths = given.byName.get(name);
  return paths === undefined ? [] : [[name, paths]];
}

function patternRule(name: string): (given: string) => boolean {
  const rule = new RegExp(
    `^${name
      .replace(/[.+^${}()|\\]/g, '\\$&')
      .replace(/\*+/g, '.*')
      .replace(/\?/g, '.')
      .replace(/\[(?![^\]]*\])/g, '\\[')}$`,
  );
  return (given) => !given.startsWith('.') && rule.test(given);
}

function areaOf(path: string): string {
  return path.split('/').slice(0, -1).join('/') || '.';
}

function baseName(path: string): string {
  return path.split('/').at(-1) ?? path;
}
