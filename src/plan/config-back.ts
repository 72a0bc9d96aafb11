import type { ConfigLine } from '../model/formats.js';
import type { FileIntent } from '../model/plan.js';
import { diffLines } from '../redis/diff.js';
import { canonicalName } from '../redis/directive-names.js';
import { applyRedisIntent } from '../redis/edit-redis.js';
import { parseConfig } from '../redis/redis-conf.js';
import { showRaw } from '../redis/secrets.js';

type RedisIntent = Extract<FileIntent, { kind: 'redis.conf' }>;

/** What bringing a config file back would change, and what of the difference is left to a person. */
export interface ConfigBack {
  /** All differences, ` `, `-` as it is now, `+` as it was; secrets replaced. */
  readonly diff: readonly string[];
  /** What would be written; undefined when nothing may be. */
  readonly intent: FileIntent | undefined;
  /** What `intent` changes. */
  readonly changes: readonly string[];
  /** Directives, statements and users that differ and are not touched, each with why. */
  readonly byHand: readonly { readonly directive: string; readonly why: string }[];
  /** What else a person must know before the yes. */
  readonly remarks?: readonly string[];
}

/** The same of a file whose lines are directives: what would be set and dropped. */
interface DirectivesBack extends ConfigBack {
  readonly intent: RedisIntent | undefined;
}

const never: Readonly<Record<string, string>> = {
  replicaof: 'the role is what the fleet is now',
  masterauth: 'a secret',
  masteruser: 'a secret',
  requirepass: 'a secret',
  'tls-key-file-pass': 'a secret',
  'tls-client-key-file-pass': 'a secret',
  user: 'users and their passwords',
  aclfile: 'users and their passwords',
  include: 'another file',
  loadmodule: 'another file',
  'rename-command': 'clients and this tool would not find a command',
  dir: 'it decides which data a start loads',
  dbfilename: 'it decides which data a start loads',
  appendonly: 'it decides which data a start loads',
  appendfilename: 'it decides which data a start loads',
  appenddirname: 'it decides which data a start loads',
  port: 'it decides how the node is reached',
  'tls-port': 'it decides how the node is reached',
  bind: 'it decides how the node is reached',
  unixsocket: 'it decides how the node is reached',
  'protected-mode': 'it decides how the node is reached',
};

/**
 * A redis.conf of a backup against the one that is there now. Only single directives that neither hold a secret nor decide
 * role, data or reach are brought back; a placeholder for a secret never is. Pure.
 */
export function configBack(now: string, then: string): DirectivesBack {
  const [is, was] = [directives(now), directives(then)];
  const names = [...new Set([...is.keys(), ...was.keys()])];
  const differing = names.filter((name) => wordsOf(is.get(name)) !== wordsOf(was.get(name)));
  const byHand = differing.flatMap((directive) => {
    const why = whyNot(directive, is.get(directive) ?? [], was.get(directive) ?? []);
    return why === undefined ? [] : [{ directive, why }];
  });
  const free = differing.filter((name) => !byHand.some(({ directive }) => directive === name));
  const set = free.flatMap((directive) => {
    const [line] = was.get(directive) ?? [];
    return line === undefined ? [] : [{ directive: line.name, value: line.args }];
  });
  const intent: RedisIntent = { kind: 'redis.conf', set, drop: free.filter((name) => !was.has(name)) };
  return {
    diff: diffLines(shownLines(now), shownLines(then))
      .filter(({ op }) => op !== ' ')
      .map(({ op, text }) => op + text),
    intent: free.length === 0 ? undefined : intent,
    changes: free.length === 0 ? [] : applyRedisIntent(now, intent).diff,
    byHand,
  };
}

function directives(text: string): ReadonlyMap<string, readonly ConfigLine[]> {
  const found = new Map<string, ConfigLine[]>();
  for (const line of parseConfig('redis.conf', text)) {
    if (line.name === '') continue;
    const name = canonicalName(line.name);
    found.set(name, [...(found.get(name) ?? []), line]);
  }
  return found;
}

/** A secret and its placeholder are the same words here: what they are cannot be compared. */
function wordsOf(lines: readonly ConfigLine[] | undefined): string {
  return (lines ?? [])
    .map(({ raw, name, args }) => (isSecret(raw) ? name : [canonicalName(name), ...args].join('\0')))
    .join('\n');
}

function isSecret(raw: string): boolean {
  return showRaw(raw) !== raw.replace(/\r$/, '');
}

function whyNot(name: string, is: readonly ConfigLine[], was: readonly ConfigLine[]): string | undefined {
  if (Object.hasOwn(never, name)) return never[name];
  if ([...is, ...was].some(({ raw }) => isSecret(raw))) return 'a secret';
  return is.length > 1 || was.length > 1 ? 'it stands there more than once' : undefined;
}

function shownLines(text: string): readonly string[] {
  return parseConfig('redis.conf', text).flatMap(({ name, raw }) => (name === '' ? [] : [showRaw(raw)]));
}
