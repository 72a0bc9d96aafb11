import { editDistance } from '../../model/edit-distance.js';
import type { NodeKind } from '../../model/inventory.js';
import { lowerAscii } from '../../redis/tokenise.js';
import { atLeast } from '../../redis/versions.js';
import type { Target } from '../target.js';
import { refusedUser } from './acl-rules.js';
import {
  directivesOf,
  hasCommand,
  hasDirective,
  isDirective,
  isNewer,
  isTable,
  keepsUnknown,
  valuesOf,
} from './known.js';
import { nearestZero } from './numbers.js';
import type { Refusal } from './problem.js';
import { queues, refusedStatement, type SentinelState } from './sentinel-lines.js';
import { isSpecial, refusedSpecial } from './specials.js';
import { refusedValue } from './values.js';

/** What earlier lines did that later ones depend on. */
export interface ReadState {
  readonly kind: NodeKind;
  readonly target: Target;
  readonly users: Set<string>;
  /** Commands that were renamed away, and their new names. */
  readonly gone: Set<string>;
  readonly renamed: Set<string>;
  readonly sentinel: SentinelState;
  /** Modules bring directives of their own. */
  readonly modules: boolean;
}

const count = 'wrong number of arguments';
const bad = 'Bad directive or wrong number of arguments';
const unresolved = 'Module Configuration detected without loadmodule directive or no ApplyConfig call: aborting';

/** The reason against one line, given as its words; undefined when the server takes it. Sentinel lines that are queued are left for later. */
export function refusedLine(words: readonly string[], state: ReadState): Refusal | undefined {
  const { target } = state;
  const [first = '', ...args] = words;
  const name = lowerAscii(first);
  if (name === 'sentinel') return refusedSentinel(args, state);
  if (!hasDirective(name, target)) return refusedUnknown(name, args, state);
  if (name === 'rename-command') return refusedRename(args, state);
  if (name === 'user') return refusedUserLine(args, state);
  const reasons = valuesOf(name, target).map((value) => refusedAs(name, value, args, target));
  return reasons.length > 0 && reasons.every((reason) => reason !== undefined) ? reasons[0] : undefined;
}

function refusedSentinel(args: readonly string[], state: ReadState): Refusal | undefined {
  if (args.length === 0) return undefined;
  if (state.kind === 'redis') {
    return { rule: 'sentinel-line-in-redis-conf', says: 'sentinel directive while not in sentinel mode', word: 0 };
  }
  return queues(state.target) ? undefined : refusedStatement(args, state.sentinel, state.target);
}

function refusedUnknown(name: string, args: readonly string[], state: ReadState): Refusal | undefined {
  const { target, kind, modules } = state;
  const rule = isDirective(name) ? 'directive-not-in-version' : 'unknown-directive';
  const sure = () => rule === 'directive-not-in-version' || nearestDirective(name, target) !== undefined;
  if (isNewer(target) && !sure()) return undefined;
  const kept = (keepsUnknown(target) || (isTable(target) && name.includes('.'))) && args.length > 0;
  if (!kept) return { rule, says: bad, word: 0 };
  if (name.includes('.') && args.length !== 1 && !keepsUnknown(target)) {
    return { rule: 'wrong-argument-count', says: 'Module config specified without value', word: 0 };
  }
  if (kind === 'sentinel' || (modules && !sure())) return undefined;
  return { rule, says: unresolved, word: 0, stage: 'starting' };
}

/** The directive of the target that was probably meant: at most two letters away. */
export function nearestDirective(name: string, target: Target): string | undefined {
  if (name.length < 3) return undefined;
  const near = directivesOf(target)
    .filter((known) => Math.abs(known.length - name.length) <= 2)
    .map((known) => ({ known, distance: editDistance(name, known) }))
    .sort((a, b) => a.distance - b.distance);
  return near[0] !== undefined && near[0].distance <= 2 ? near[0].known : undefined;
}

function refusedRename(args: readonly string[], state: ReadState): Refusal | undefined {
  const [from = '', to = ''] = args.map(lowerAscii);
  if (args.length !== 2) return countRefusal(bad, 'rename-command', args, 2, state);
  const exists =
    state.renamed.has(from) || (!state.gone.has(from) && hasCommand(from, state.target, state.kind === 'sentinel'));
  if (!exists) return { rule: 'rename-command-unknown', says: 'No such command in rename-command', word: 1 };
  if (from.includes('|')) {
    return {
      rule: 'rename-command-unknown',
      says: "ASSERTION FAILED: 'retval == DICT_OK' is not true",
      word: 1,
      stage: 'starting',
    };
  }
  state.gone.add(from);
  state.renamed.delete(from);
  if (to === '') return undefined;
  const taken =
    state.renamed.has(to) || (!state.gone.has(to) && hasCommand(to, state.target, state.kind === 'sentinel'));
  if (taken) return { rule: 'rename-command-unknown', says: 'Target command name already exists', word: 2 };
  state.renamed.add(to);
  return undefined;
}

function countRefusal(
  says: string,
  name: string,
  args: readonly string[],
  most: number,
  state: ReadState,
): Refusal | undefined {
  const refusal: Refusal = { rule: 'wrong-argument-count', says, word: Math.min(args.length, most) + 1 };
  if (!keepsUnknown(state.target) || args.length === 0) return refusal;
  return state.kind === 'sentinel'
    ? undefined
    : { ...refusal, says: unresolved, stage: 'starting', word: name === '' ? 0 : (refusal.word ?? 0) };
}

function refusedUserLine(args: readonly string[], state: ReadState): Refusal | undefined {
  const [name] = args;
  if (name === undefined) return { rule: 'wrong-argument-count', says: bad, word: 0 };
  if (state.users.has(name) && isTable(state.target)) {
    const says = 'Error in user declaration: Duplicate user found. A user can only be defined once in config files';
    return { rule: 'acl-rule-invalid', says, word: 1 };
  }
  state.users.add(name);
  return refusedUser(args, state.target, state.kind === 'sentinel');
}

function refusedAs(name: string, value: string, args: readonly string[], target: Target): Refusal | undefined {
  if (isSpecial(value)) {
    const says = refusedSpecial(value, args, target);
    if (says === undefined) return undefined;
    const counted = says === count || says === bad || says.startsWith('Wrong number');
    return { rule: counted ? 'wrong-argument-count' : 'invalid-value', says, word: 1 };
  }
  if (value.startsWith('words ')) return refusedWords(value.slice('words '.length).split('|'), args);
  if (args.length !== 1) {
    const old = target.flavour === 'redis' && !atLeast(target.version, '6.0');
    if (value.startsWith('any') && keepsUnknown(target) && args.length > 0) {
      return { rule: 'wrong-argument-count', says: unresolved, word: 2, stage: 'starting' };
    }
    return {
      rule: 'wrong-argument-count',
      says: old || value.startsWith('any') ? bad : count,
      word: args.length === 0 ? 0 : 2,
    };
  }
  return refusedSole(name, value, args[0] ?? '', target);
}

/** Before 6.0 numbers were read by atoi and most of them taken as they came: only words are judged. */
function refusedSole(name: string, value: string, word: string, target: Target): Refusal | undefined {
  const old = target.flavour === 'redis' && !atLeast(target.version, '6.0');
  if (old && !value.startsWith('bool') && !value.startsWith('enum')) return undefined;
  if (value === 'any' && name === 'unixsocketperm') {
    const mode = nearestZero(word, 8);
    const fine = mode >= 0n && mode <= 0o777n;
    return fine ? undefined : { rule: 'invalid-value', says: 'Invalid socket file permissions', word: 1 };
  }
  const says = refusedValue(value, word, isTable(target) ? 'argument(s)' : 'argument');
  if (says === undefined) return undefined;
  const path = says.includes('path');
  return {
    rule: path ? 'filename-is-path' : 'invalid-value',
    says: path || says.includes('empty') ? `${name} ${says}` : says,
    word: 1,
  };
}

function refusedWords(known: readonly string[], args: readonly string[]): Refusal | undefined {
  const words = args.length === 1 ? (args[0] ?? '').split(' ').filter((word) => word !== '') : args;
  const odd = words.findIndex((word) => !known.includes(word.toLowerCase()));
  if (words.length === 0 || odd >= 0) {
    return {
      rule: 'invalid-value',
      says: `argument(s) must be one of the following: ${known.join(', ')}`,
      word: odd + 1,
    };
  }
  const lower = words.map((word) => word.toLowerCase());
  const both = lower.includes('save') && lower.includes('nosave');
  return both
    ? { rule: 'invalid-value', says: "shutdown options SAVE and NOSAVE can't be used simultaneously", word: 1 }
    : undefined;
}
