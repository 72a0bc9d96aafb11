import { lowerAscii } from '../../redis/tokenise.js';
import { atLeast } from '../../redis/versions.js';
import type { Target } from '../target.js';
import { hasCategory, hasCommand, isTable } from './known.js';
import type { Refusal } from './problem.js';

const syntax = 'Syntax error';
const unknown = 'Unknown command or category name in ACL';
const afterAllKeys =
  "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. Try 'resetkeys' to start with an empty list of patterns";
const afterAllChannels =
  "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any effect. Try 'resetchannels' to start with an empty list of channels";

interface Walk {
  readonly target: Target;
  readonly sentinel: boolean;
  allKeys: boolean;
  allChannels: boolean;
  allCommands: boolean;
  readonly passwords: Set<string>;
}

const plain: ReadonlySet<string> = new Set([
  'on',
  'off',
  'nopass',
  'resetpass',
  'allcommands',
  'nocommands',
  'reset',
  'resetkeys',
]);
const plainLater: ReadonlySet<string> = new Set(['resetchannels', 'sanitize-payload', 'skip-sanitize-payload']);

/** The reason against the rules of a `user` line (acl.c:ACLSetUser), `args` from the name on; `word` counts the directive. */
export function refusedUser(args: readonly string[], target: Target, sentinel: boolean): Refusal | undefined {
  const [name = '', ...rules] = args;
  const walk: Walk = { target, sentinel, allKeys: false, allChannels: false, allCommands: false, passwords: new Set() };
  let late: Refusal | undefined;
  for (const [at, rule] of merged(rules, target).entries()) {
    const says = rule === undefined ? unmatched(target) : refusedRule(walk, rule);
    if (says === undefined) continue;
    const refusal = { rule: 'acl-rule-invalid', word: at + 2 };
    if (says !== unknown || rule === undefined) return { ...refusal, says: `Error in user declaration: ${says}` };
    late ??= { ...refusal, stage: 'starting', says: `Error loading ACL rule for the user named '${name}': ${unknown}` };
  }
  if (/\s/.test(name)) {
    return { rule: 'acl-rule-invalid', word: 1, stage: 'starting', says: 'Spaces not allowed in ACL usernames' };
  }
  return sentinel && !isTable(target) ? undefined : late;
}

function unmatched(target: Target): string {
  return target.flavour === 'redis' && !atLeast(target.version, '7.2') ? unknown : 'Wrong format';
}

/** From 7.0 on the words of a selector in parentheses are one rule; undefined stands for one that does not end. */
function merged(rules: readonly string[], target: Target): readonly (string | undefined)[] {
  if (!isTable(target)) return rules;
  const out: (string | undefined)[] = [];
  let open: string | undefined;
  for (const rule of rules) {
    open = open === undefined ? (rule.startsWith('(') ? rule : undefined) : `${open} ${rule}`;
    if (open === undefined) out.push(rule);
    else if (rule.endsWith(')')) {
      out.push(open);
      open = undefined;
    }
  }
  return open === undefined ? out : [...out, undefined];
}

function refusedRule(walk: Walk, rule: string): string | undefined {
  const word = lowerAscii(rule);
  if (plain.has(word)) return resetBy(walk, word);
  const later = walk.target.flavour === 'valkey' || atLeast(walk.target.version, '6.2');
  if (later && plainLater.has(word)) {
    if (word === 'resetchannels') walk.allChannels = false;
    return undefined;
  }
  if (isTable(walk.target) && word === 'clearselectors') return undefined;
  if (isTable(walk.target) && rule.startsWith('(')) return refusedSelector(walk, rule);
  if (/^[><#!]/.test(rule)) return refusedPassword(walk, rule);
  return refusedPermission(walk, rule, later);
}

function resetBy(walk: Walk, word: string): undefined {
  if (word === 'resetkeys' || word === 'reset') walk.allKeys = false;
  if (word === 'reset') walk.allChannels = false;
  if (word === 'allcommands') walk.allCommands = true;
  if (word === 'nocommands' || word === 'reset') walk.allCommands = false;
  if (['reset', 'resetpass', 'nopass'].includes(word)) walk.passwords.clear();
  return undefined;
}

function refusedSelector(walk: Walk, rule: string): string | undefined {
  const inner: Walk = { ...walk, allKeys: false, allChannels: false, allCommands: false, passwords: new Set() };
  const rules = rule
    .slice(1, -1)
    .split(' ')
    .filter((word) => word !== '');
  return rules.map((word) => refusedPermission(inner, word, true)).find((says) => says !== undefined);
}

/** A token of the redacted text stands for a password or a hash of the right form. */
function refusedPassword(walk: Walk, rule: string): string | undefined {
  const [sign, word] = [rule.charAt(0), rule.slice(1)];
  const token = /^\{secret:[0-9a-f]{16}\}$/.test(word);
  if ((sign === '#' || sign === '!') && !token && !/^[0-9a-f]{64}$/.test(word)) {
    return 'The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters';
  }
  if (sign === '>' || sign === '#') {
    walk.passwords.add(`${sign}${word}`);
    return undefined;
  }
  const [same, other] = sign === '<' ? ['>', '#'] : ['#', '>'];
  if (walk.passwords.delete(`${same}${word}`)) return undefined;
  // A token does not tell whether the hash that was added is that of the password.
  if (token && [...walk.passwords].some((added) => added.startsWith(other))) return undefined;
  return 'The password you are trying to remove from the user does not exist';
}

/** Rules of keys, channels and commands: those that may stand in a selector too (acl.c:ACLSetSelector). */
function refusedPermission(walk: Walk, rule: string, later: boolean): string | undefined {
  const word = lowerAscii(rule);
  if (word === 'allkeys' || rule === '~*') walk.allKeys = true;
  if (word === 'allkeys' || rule === '~*' || word === 'resetkeys') return undefined;
  if (later && (word === 'allchannels' || rule === '&*')) {
    walk.allChannels = true;
    return undefined;
  }
  if (later && word === 'resetchannels') return undefined;
  if (['allcommands', 'nocommands'].includes(word)) return resetBy(walk, word);
  const table = isTable(walk.target);
  const key = table ? /^(?:~|%(?:[RrWw]{1,2})~)(.*)$/s.exec(rule)?.[1] : /^~(.*)$/s.exec(rule)?.[1];
  if (key !== undefined) return walk.allKeys ? afterAllKeys : /[\s\0]/.test(key) ? syntax : undefined;
  if (later && rule.startsWith('&'))
    return walk.allChannels ? afterAllChannels : /[\s\0]/.test(rule) ? syntax : undefined;
  return /^[+-]/.test(rule) ? refusedCommand(walk, rule) : syntax;
}

function refusedCommand(walk: Walk, rule: string): string | undefined {
  const name = rule.slice(1);
  if (name.startsWith('@')) {
    if (/^@all$/i.test(name)) walk.allCommands = rule.startsWith('+');
    return hasCategory(name.slice(1), walk.target) ? undefined : unknown;
  }
  if (isTable(walk.target)) return refusedSubcommand(walk, rule, name);
  if (rule.startsWith('-') || !name.includes('|'))
    return hasCommand(name, walk.target, walk.sentinel) ? undefined : unknown;
  const [command = '', ...rest] = name.split('|');
  if (!hasCommand(command, walk.target, walk.sentinel)) return unknown;
  if (rest.join('|') === '') return syntax;
  if (!walk.allCommands) return undefined;
  return 'Adding a subcommand of a command already fully added is not allowed. Remove the command to start. Example: -DEBUG +DEBUG|DIGEST';
}

/** From 7.0 on subcommands are commands; a first argument may be allowed (not denied) on a command without them. */
function refusedSubcommand(walk: Walk, rule: string, name: string): string | undefined {
  const { target, sentinel } = walk;
  if (hasCommand(name, target, sentinel)) return undefined;
  const [command = '', argument, ...more] = name.split('|');
  if (argument === undefined || !hasCommand(command, target, sentinel)) return unknown;
  if (more.length > 0)
    return hasCommand(`${command}|${argument}`, target, sentinel)
      ? 'Allowing first-arg of a subcommand is not supported'
      : unknown;
  const hasSubcommands = [
    'acl',
    'client',
    'cluster',
    'command',
    'config',
    'debug',
    'function',
    'latency',
    'memory',
    'module',
    'object',
    'pubsub',
    'script',
    'sentinel',
    'slowlog',
    'xgroup',
    'xinfo',
  ];
  if (hasSubcommands.includes(lowerAscii(command)) && lowerAscii(command) !== 'debug') return unknown;
  return rule.startsWith('-') ? unknown : argument === '' ? syntax : undefined;
}
