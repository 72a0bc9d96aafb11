import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

const LIMIT = 1000;

/** Whether a path has wildcards as Redis sees them (config.c: any of `*?[`). */
export function hasWildcards(path: string): boolean {
  return /[*?[]/.test(path);
}

/** One segment of a glob(3) pattern as a regular expression; `*` and `?` do not match a leading dot. */
export function segmentPattern(segment: string): RegExp {
  const source = segment.replace(
    /\\(.)|\[(!?)(\]?[^\]]*)\]|([*?])|([^\w-])/gs,
    (all, escaped, not, set, wild, other) => {
      if (escaped !== undefined) return escaped.replace(/\W/g, '\\$&');
      if (set !== undefined) return `[${not ? '^' : ''}${set.replace(/[\\\]^]/g, '\\$&')}]`;
      if (wild !== undefined) return wild === '*' ? '[^/]*' : '[^/]';
      return other === undefined ? all : `\\${other}`;
    },
  );
  return new RegExp(`^${/^[*?[]/.test(segment) ? '(?!\\.)' : ''}${source}$`, 's');
}

/**
 * The paths that match an absolute glob(3) pattern, sorted as glob(3) sorts in the C locale; at most 1000. What cannot
 * be listed matches nothing.
 */
export async function expandGlob(pattern: string): Promise<readonly string[]> {
  let paths = ['/'];
  for (const segment of pattern.split('/').filter((part) => part !== '')) {
    if (!hasWildcards(segment)) {
      paths = paths.map((path) => join(path, segment));
      continue;
    }
    const wanted = segmentPattern(segment);
    const found = await Promise.all(
      paths.map(async (path) => {
        const names = await readdir(path).catch(() => [] as string[]);
        return names.filter((name) => wanted.test(name)).map((name) => join(path, name));
      }),
    );
    paths = found.flat().sort().slice(0, LIMIT);
  }
  return paths;
}
