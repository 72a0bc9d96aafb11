import type { z } from 'zod';
import { RunbookError } from '../errors.js';
import type { FleetDocument, Mistake } from './document.js';
import { nearest } from './nearest.js';
import { jsonSchema } from './schema.js';

type Issue = z.core.$ZodIssue;

/** Every issue that zod found, as mistakes with their place and what was expected. */
export function fromIssues(issues: readonly Issue[], document: FleetDocument): Mistake[] {
  return issues.flatMap((issue) => fromIssue(issue, [], document));
}

/** All mistakes at once, in the order of the file, each as `FILE:LINE:COLUMN  what was expected`. */
export function fleetFileError(file: string, mistakes: readonly Mistake[]): RunbookError {
  const sorted = [...mistakes].sort((a, b) => a.line - b.line || a.column - b.column);
  const count = sorted.length === 1 ? 'a mistake' : `${sorted.length} mistakes`;
  const shown = sorted.slice(0, 50).map((mistake) => `${file}:${mistake.line}:${mistake.column}  ${mistake.text}`);
  if (sorted.length > shown.length) {
    shown.push(`and ${sorted.length - shown.length} more`);
  }
  return new RunbookError('fleet-file', `the fleet file ${file} has ${count}.`, {
    facts: shown,
    next: ['redis-runbook schema    all keys of fleet.yaml, as JSON Schema'],
  });
}

function fromIssue(issue: Issue, above: readonly PropertyKey[], document: FleetDocument): Mistake[] {
  const path = [...above, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ ...document.at([...path, key], 'key'), text: unknownKey(key, path) }));
  }
  if (issue.code === 'invalid_union') {
    return fromUnion(issue.errors, path, document);
  }
  if (issue.code === 'invalid_key') {
    const key = String(path.at(-1) ?? '');
    const rule = issue.issues[0]?.message ?? 'another name';
    return [{ ...document.at(path, 'key'), text: `${quoted(key)} is not a name: expected ${rule}` }];
  }
  const value = valueAt(document.data, path);
  if (value === undefined) {
    return [{ ...document.at(path), text: `${nameOf(path)} is missing: expected ${expectedOf(issue)}` }];
  }
  return [
    { ...document.at(path), text: `${nameOf(path)}: expected ${expectedOf(issue)}, found ${shown(value, path)}` },
  ];
}

/** Of a union's branches the one that fits best speaks: it got furthest into the value, then with the fewest issues. */
function fromUnion(branches: readonly (readonly Issue[])[], path: PropertyKey[], document: FleetDocument): Mistake[] {
  const value = valueAt(document.data, path);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const known = knownKeys(path);
    const keys = Object.keys(value);
    const strange = keys.filter((key) => !known.includes(key));
    if (strange.length > 0) {
      return strange.map((key) => ({ ...document.at([...path, key], 'key'), text: unknownKey(key, path) }));
    }
    const inside = branches.find((issues) =>
      issues.every((issue) => issue.path.length > 0 && keys.includes(String(issue.path[0]))),
    );
    if (inside !== undefined) {
      return inside.flatMap((issue) => fromIssue(issue, path, document));
    }
    const text = `${nameOf(path)}: expected exactly one of the keys ${known.join(', ')}, found ${keys.join(', ') || 'none'}`;
    return [{ ...document.at(path), text }];
  }
  const words = branches.flatMap((issues) =>
    issues.flatMap((issue) => (issue.code === 'invalid_value' ? issue.values : [])),
  );
  const near = typeof value === 'string' && !isSecret(path) ? nearest(value, words.map(String)) : undefined;
  const meant = near === undefined ? '' : `; did you mean ${quoted(near)}?`;
  const expected = unionText(branches, words.map(String), knownKeys(path));
  const text = `${nameOf(path)}: expected ${expected}, found ${shown(value, path)}${meant}`;
  return [{ ...document.at(path), text }];
}

/** Everything that a union takes: numbers, texts of a form, words, maps. */
function unionText(branches: readonly (readonly Issue[])[], words: readonly string[], keys: readonly string[]): string {
  const forms = branches.flatMap((issues) =>
    issues.flatMap((issue) => {
      const isNumber = issue.code === 'invalid_type' && (issue.expected === 'int' || issue.expected === 'number');
      const isForm = issue.code === 'invalid_format' || issue.code === 'too_small' || issue.code === 'too_big';
      return isNumber || isForm ? [expectedOf(issue)] : [];
    }),
  );
  const all = [
    ...forms,
    ...(words.length === 0 ? [] : [`${words.length > 1 || forms.length === 0 ? 'one of ' : ''}${words.join(', ')}`]),
    ...(keys.length === 0 ? [] : [`a map with one of the keys ${keys.join(', ')}`]),
  ];
  return [...new Set(all)].join(', or ');
}

function expectedOf(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return typeWords[issue.expected] ?? issue.expected;
    case 'invalid_value':
      return `one of ${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return issue.origin === 'array' ? 'at least one entry' : `a number of at least ${issue.minimum}`;
    case 'too_big':
      return issue.origin === 'array' ? `at most ${issue.maximum} entries` : `at most ${issue.maximum}`;
    default:
      return issue.message;
  }
}

const typeWords: Readonly<Record<string, string>> = {
  string: 'a text',
  int: 'a whole number',
  number: 'a whole number',
  array: 'a list ([a, b])',
  object: 'a map (key: value)',
  record: 'a map (name: value)',
  boolean: 'true or false',
};

function unknownKey(key: string, path: readonly PropertyKey[]): string {
  const known = knownKeys(path);
  const near = nearest(key, known);
  const where = path.length === 0 ? '' : ` in ${nameOf(path)}`;
  return near === undefined
    ? `unknown key ${quoted(key)}${where}; known here: ${known.join(', ')}`
    : `unknown key ${quoted(key)}${where}; did you mean ${quoted(near)}?`;
}

interface SchemaNode {
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly additionalProperties?: SchemaNode | boolean;
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
}

function knownKeys(path: readonly PropertyKey[]): string[] {
  let nodes: SchemaNode[] = [jsonSchema()];
  for (const step of path) {
    nodes = nodes.flatMap((node) => alternatives(node)).flatMap((node) => below(node, step));
  }
  const keys = nodes.flatMap((node) => alternatives(node)).flatMap((node) => Object.keys(node.properties ?? {}));
  return [...new Set(keys)];
}

function alternatives(node: SchemaNode): SchemaNode[] {
  return node.anyOf === undefined ? [node] : node.anyOf.flatMap(alternatives);
}

function below(node: SchemaNode, step: PropertyKey): SchemaNode[] {
  const named =
    typeof step === 'string' && Object.hasOwn(node.properties ?? {}, step) ? node.properties?.[step] : undefined;
  const rest = typeof node.additionalProperties === 'object' ? node.additionalProperties : undefined;
  const found = typeof step === 'number' ? node.items : (named ?? rest);
  return found === undefined ? [] : [found];
}

function valueAt(data: unknown, path: readonly PropertyKey[]): unknown {
  let value = data;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) {
      return undefined;
    }
    value = (value as Record<PropertyKey, unknown>)[step];
  }
  return value;
}

function nameOf(path: readonly PropertyKey[]): string {
  const steps = path.map((step) => (typeof step === 'number' ? `[${step + 1}]` : `.${String(step)}`));
  return steps.join('').replace(/^\./, '') || 'the file';
}

/** Where a mistaken value may be a password, or an address that is as good as one. */
function isSecret(path: readonly PropertyKey[]): boolean {
  return ['password', 'sudo-password', 'ping'].some((key) => path.includes(key));
}

/** What stands there instead; never where a secret may stand. */
function shown(value: unknown, path: readonly PropertyKey[]): string {
  if (isSecret(path) && value !== null && typeof value !== 'object') {
    return 'something else (not shown)';
  }
  if (value === null) {
    return 'nothing';
  }
  if (Array.isArray(value)) {
    return value.length === 0 ? 'an empty list' : 'a list';
  }
  if (typeof value === 'object') {
    return 'a map';
  }
  return typeof value === 'string' ? quoted(value) : String(value);
}

function quoted(text: string): string {
  const short = text.length > 40 ? `${text.slice(0, 40)}...` : text;
  return `"${short}"`;
}
