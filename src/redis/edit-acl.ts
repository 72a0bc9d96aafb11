import type { FileIntent } from '../model/plan.js';
import { diffLines } from './diff.js';
import { showRaw } from './secrets.js';

type AclIntent = Extract<FileIntent, { kind: 'users.acl' }>;

/** A user as an ACL file has it. */
export interface AclUser {
  readonly name: string;
  /** Everything but how it proves who it is, in the order of the file. */
  readonly rules: readonly string[];
  /** `>…`, `#…`, `nopass` and the like, in the order of the file; replaced ones left out. */
  readonly passwords: readonly string[];
  /** The file was kept without its secrets: passwords stood here that nobody knows. */
  readonly isWithheld: boolean;
}

/** The words that say how a user proves who it is (acl.c:ACLSetUser). A selector holds none. */
const isPassword = (word: string) => /^[><#!]/.test(word) || /^(?:nopass|resetpass)$/i.test(word);
const isReplaced = (word: string) => /^[><#!]\{secret:[0-9a-f]{16}\}$/.test(word);

/** The user of one line; undefined for any other line. Words are split at blanks, quotes mean nothing (acl.c:ACLLoadFromFile). */
function userOf(line: string): AclUser | undefined {
  const [keyword, name, ...words] = line.trim().split(/ +/);
  if (keyword?.toLowerCase() !== 'user' || name === undefined) return undefined;
  const passwords = words.filter(isPassword);
  return {
    name,
    rules: words.filter((word) => !isPassword(word)),
    passwords: passwords.filter((word) => !isReplaced(word)),
    isWithheld: passwords.some(isReplaced),
  };
}

/** The users of an ACL file, in its order. A name that stands there twice is there twice. */
export function aclUsers(text: string): readonly AclUser[] {
  return text.split('\n').flatMap((line) => userOf(line) ?? []);
}

/**
 * Gives users of an ACL file the rules of the intent. A user that is there keeps its own passwords, whatever they were
 * then; one that is not comes to the end, with what `passwords` has for it: without any it cannot log in. Every other
 * line stays byte for byte, and applying twice changes nothing more.
 */
export function applyAclIntent(
  text: string,
  intent: AclIntent,
  passwords: ReadonlyMap<string, readonly string[]>,
): { readonly text: string; readonly diff: readonly string[] } {
  const lines = text.split('\n');
  const wanted = new Map(intent.users.map((user) => [user.name, user.rules]));
  const there = new Set(aclUsers(text).map(({ name }) => name));
  const changed = lines.map((line) => {
    const user = userOf(line);
    const rules = user && wanted.get(user.name);
    if (user === undefined || rules === undefined || isSame(user.rules, rules)) return line;
    return `${lineOf(user.name, rules, user.passwords)}${line.endsWith('\r') ? '\r' : ''}`;
  });
  const missing = intent.users.filter(({ name }) => !there.has(name));
  const added = missing.map(({ name, rules }) => lineOf(name, rules, passwords.get(name) ?? []));
  const body = changed.at(-1) === '' ? changed.slice(0, -1) : changed;
  const after = added.length === 0 ? changed : [...body, ...added, ''];
  const diff = diffLines(lines, after).filter(({ op }) => op !== ' ');
  return { text: after.join('\n'), diff: diff.map((one) => one.op + showRaw(one.text)) };
}

/** `reset` among the rules takes away what stands before it: passwords come last. */
function lineOf(name: string, rules: readonly string[], passwords: readonly string[]): string {
  return ['user', name, ...rules, ...passwords].join(' ');
}

/**
 * Lines that differ between two texts and that the intent does not explain: of another user, a rule that it does not give,
 * a password of a user that was there before. Secrets shown as `(secret)`.
 */
export function aclDiffersBeyond(kept: string, now: string, intent: AclIntent): readonly string[] {
  const wanted = new Map(intent.users.map((user) => [user.name, user.rules]));
  const before = new Map(aclUsers(kept).map((user) => [user.name, user]));
  const explained = (line: string): boolean => {
    const user = userOf(line);
    const rules = user && wanted.get(user.name);
    if (user === undefined || rules === undefined) return line.trim() === '';
    const was = before.get(user.name);
    return isSame(user.rules, rules) && (was === undefined || isSame(user.passwords, was.passwords));
  };
  return diffLines(kept.split('\n'), now.split('\n')).flatMap(({ op, text }) => {
    if (op === ' ' || (op === '+' && explained(text))) return [];
    const name = userOf(text)?.name;
    const isGivenAnew = op === '-' && name !== undefined && wanted.has(name) && hasUser(now, name);
    return isGivenAnew || text.trim() === '' ? [] : [op + showRaw(text)];
  });
}

function hasUser(text: string, name: string): boolean {
  return aclUsers(text).some((user) => user.name === name);
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((word, at) => word === b[at]);
}
