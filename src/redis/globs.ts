import { isPattern } from './includes.js';
import { parseConfig } from './redis-conf.js';

/**
 * Which of the texts each `include` pattern names, in the order of glob(): the host followed the patterns, and this finds
 * its answers again. By the pattern as written; a relative one matches at the end of a path.
 */
export function globsOf(texts: ReadonlyMap<string, string>): ReadonlyMap<string, readonly string[]> {
  // A backslash may hide the letters of a directive.
  const including = [...texts].filter(([, text]) => /include|\\/i.test(text));
  const patterns = including.flatMap(([path, text]) =>
    parseConfig(path, text).flatMap((line) => (line.name === 'include' ? line.args.filter(isPattern) : [])),
  );
  const paths = [...texts.keys()].sort();
  return new Map(patterns.map((pattern) => [pattern, paths.filter((path) => globRule(pattern).test(path))]));
}

/** `*` and `?` stop at a slash and do not match a leading dot, as in glob(7). */
function globRule(pattern: string): RegExp {
  const bare = pattern.replace(/^(?:\.\/+)+/, '');
  const start = bare.startsWith('/') ? '^' : '(?:^|/)';
  return new RegExp(`${start}${bare.split('/').map(segmentRule).join('/')}$`);
}

function segmentRule(segment: string): string {
  const rule = segment
    .replace(/[.+^${}()|\\]/g, '\\$&')
    .replace(/\*/g, '[^/]*')
    .replace(/\?/g, '[^/]')
    .replace(/\[(?:!|\\\^)(?!\^)/g, '[^')
    .replace(/\[\^\/\]/g, '[^/]');
  return /^[*?[]/.test(segment) ? `(?!\\.)${rule}` : rule;
}
