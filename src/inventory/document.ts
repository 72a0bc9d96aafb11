import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, visit } from 'yaml';

/** One mistake in the fleet file; line and column count from 1. */
export interface Mistake {
  readonly line: number;
  readonly column: number;
  readonly text: string;
}

/** A YAML text as plain data, with a way back from a path in the data to the place in the text. */
export interface FleetDocument {
  readonly data: unknown;
  readonly mistakes: readonly Mistake[];
  /** Place of the value at `path`, or of its key; the nearest parent that exists when there is no such value. */
  at(path: readonly PropertyKey[], what?: 'key' | 'value'): { readonly line: number; readonly column: number };
}

const deepest = 32;

/**
 * Reads YAML 1.2 core without custom tags, merge keys, duplicate keys, many aliases or deep nesting. Never throws: what
 * is wrong comes back as mistakes, and `data` is then undefined.
 */
export function readDocument(text: string): FleetDocument {
  const lines = new LineCounter();
  const tooDeep = findTooDeep(text);
  if (tooDeep !== undefined) {
    return broken([{ ...placeOf(text, tooDeep), text: `more than ${deepest} levels deep` }]);
  }
  const document = parseDocument(text, {
    strict: true,
    uniqueKeys: true,
    merge: false,
    customTags: [],
    prettyErrors: false,
    lineCounter: lines,
  });
  const place = (position: number) => {
    const { line, col } = lines.linePos(position);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const mistakes: Mistake[] = [...document.errors, ...document.warnings].map((error) => ({
    ...place(error.pos[0]),
    text: plainError(error.code, error.message),
  }));
  mistakes.push(...strangeKeys(document, place));
  if (mistakes.length > 0) {
    return broken(mistakes);
  }
  try {
    const data: unknown = document.toJS({ maxAliasCount: 50 });
    return { data, mistakes: [], at: (path, what = 'value') => place(positionOf(document, path, what)) };
  } catch {
    return broken([{ line: 1, column: 1, text: 'too many aliases (*name): at most 50 copies' }]);
  }
}

function broken(mistakes: readonly Mistake[]): FleetDocument {
  return { data: undefined, mistakes, at: () => ({ line: 1, column: 1 }) };
}

function placeOf(text: string, position: number): { line: number; column: number } {
  const before = text.slice(0, position);
  return { line: before.split('\n').length, column: position - before.lastIndexOf('\n') };
}

/** The parser recurses: a megabyte of brackets or dashes would exhaust its stack, so depth is bounded before it. */
function findTooDeep(text: string): number | undefined {
  let depth = 0;
  let start = 0;
  for (const line of text.split('\n')) {
    const dashes = /^[\s?:-]*/.exec(line)?.[0].replace(/\s/g, '').length ?? 0;
    if (dashes > deepest) {
      return start;
    }
    for (let column = 0; column < line.length; column += 1) {
      const letter = line[column];
      if (letter === '[' || letter === '{') {
        depth += 1;
      } else if (letter === ']' || letter === '}') {
        depth = Math.max(0, depth - 1);
      }
      if (depth > deepest) {
        return start + column;
      }
    }
    const indent = line.search(/\S/);
    if (indent > 16 * deepest) {
      return start + indent;
    }
    start += line.length + 1;
  }
  return undefined;
}

function plainError(code: string, message: string): string {
  switch (code) {
    case 'DUPLICATE_KEY':
      return 'the same key stands here a second time';
    case 'TAG_RESOLVE_FAILED':
      return 'tags (!name) are not read in this file';
    case 'MULTIPLE_DOCS':
      return 'a second document (---) begins here; the file holds one';
    case 'TAB_AS_INDENT':
      return 'a tab stands where blanks are expected';
    default:
      return `not readable as YAML: ${message.split('\n')[0]}`;
  }
}

type Place = (position: number) => { line: number; column: number };

function strangeKeys(document: Document, place: Place): Mistake[] {
  const mistakes: Mistake[] = [];
  visit(document, {
    Pair(_, pair) {
      const key = pair.key;
      if (!isScalar(key) || (typeof key.value !== 'string' && typeof key.value !== 'number')) {
        const position = isScalar(key) || isMap(key) || isSeq(key) ? (key.range?.[0] ?? 0) : 0;
        mistakes.push({ ...place(position), text: 'a key must be a plain word' });
      } else if (key.value === '__proto__') {
        mistakes.push({ ...place(key.range?.[0] ?? 0), text: '__proto__ is not a key' });
      }
    },
  });
  return mistakes;
}

function resolved(document: Document, node: unknown): unknown {
  return isAlias(node) ? node.resolve(document) : node;
}

function positionOf(document: Document, path: readonly PropertyKey[], what: 'key' | 'value'): number {
  let node: unknown = document.contents;
  let position = start(node);
  for (const [depth, step] of path.entries()) {
    const inside = resolved(document, node);
    if (isMap(inside)) {
      const pair = inside.items.find((item) => isScalar(item.key) && String(item.key.value) === String(step));
      if (pair === undefined) {
        return position;
      }
      const wantsKey = what === 'key' && depth === path.length - 1;
      node = pair.value;
      const keyAt = start(pair.key);
      position = wantsKey || node === null ? keyAt : start(node, keyAt);
    } else if (isSeq(inside)) {
      node = inside.items[Number(step)];
      position = start(node, position);
    } else {
      return position;
    }
  }
  return position;
}

function start(node: unknown, otherwise = 0): number {
  return (node as Node | null | undefined)?.range?.[0] ?? otherwise;
}
