import { nearest } from '../../inventory/nearest.js';
import type { NodeKind } from '../../model/inventory.js';
import { holdsSecret } from '../../redis/secrets.js';
import { lowerAscii, splitArgs } from '../../redis/tokenise.js';
import type { ConfigText } from '../config-text.js';
import type { Target } from '../target.js';
import { type ReadState, refusedLine } from './judge.js';
import { type StartLine, startLines } from './lines.js';
import { messageOf } from './messages.js';
import {
  candidates,
  isPlaceholder,
  maybeSecret,
  meantDirective,
  startsComment,
  strayCharacters,
  withoutStray,
  written,
} from './nearest-form.js';
import type { Refusal, Stage, StartProblem } from './problem.js';
import {
  beforeMonitor,
  namesMaster,
  queues,
  refusedStatement,
  type SentinelState,
  statements,
} from './sentinel-lines.js';
import { refusedWhole } from './whole.js';

interface Found {
  readonly line: StartLine;
  readonly refusal: Refusal;
}

/** So many problems are looked at for what was meant; a file with more is no config. */
const namedLimit = 200;

const stages: readonly Stage[] = ['reading', 'read', 'sentinel', 'starting'];

/**
 * Every line of the files that keeps a server of this version from starting, in the order in which it would complain: the
 * first is `reported`.
 * `files[0]` is the config that the server is given, the others those that it may include; `commandLine` holds the options
 * behind it, as lines, which are read last. What only the machine can tell (paths, host names, addresses, modules) is not judged here. Pure; any text is taken.
 */
export function startProblems(
  files: readonly ConfigText[],
  kind: NodeKind,
  target: Target,
  commandLine?: ConfigText,
): readonly StartProblem[] {
  const lines = startLines(files, target, commandLine);
  const state = stateOf(lines, kind, target);
  const found = [
    ...lines.flatMap((line) => foundIn(line, state)),
    ...queued(lines, state),
    ...refusedWhole(lines, kind, target),
  ];
  const ordered = found.flatMap((one) => [one, ...alsoNameless(one, state)]).sort((a, b) => rank(a) - rank(b));
  return ordered.map((one, at) => problemOf(one, at, lines, state));
}

/** A line with too many words that names a master whom nothing monitors has a second mistake, shown with the first. */
function alsoNameless({ line, refusal }: Found, state: ReadState): readonly Found[] {
  const [, sub = '', name] = textsOf(line);
  const second = refusal.rule === 'wrong-argument-count' && line.name === 'sentinel' && namesMaster(lowerAscii(sub));
  if (!second || name === undefined || state.sentinel.allMasters.has(name)) return [];
  const says = 'No such master with specified name.';
  return [{ line, refusal: { ...refusal, rule: 'sentinel-unknown-master-name', says, word: 2 } }];
}

function rank({ refusal }: Found): number {
  return stages.indexOf(refusal.stage ?? 'reading');
}

function stateOf(lines: readonly StartLine[], kind: NodeKind, target: Target): ReadState {
  const modules = lines.some((line) => line.name === 'loadmodule');
  return {
    kind,
    target,
    users: new Set(),
    gone: new Set(),
    renamed: new Set(),
    modules,
    sentinel: sentinelState(lines),
  };
}

function sentinelState(lines: readonly StartLine[]): SentinelState {
  const monitors = lines.filter(
    (line) => line.name === 'sentinel' && lowerAscii(line.words?.[1]?.text ?? '') === 'monitor',
  );
  const allMasters = new Set(monitors.map((line) => line.words?.[2]?.text ?? ''));
  return { masters: new Set(), known: new Set(), allMasters, resolves: false };
}

function foundIn(line: StartLine, state: ReadState): readonly Found[] {
  if (line.words === null) {
    const says = 'Unbalanced quotes in configuration line';
    return [{ line, refusal: { rule: 'unbalanced-quotes', says, word: 0 } }];
  }
  const refusal = refusedLine(textsOf(line), state);
  return refusal === undefined ? [] : [{ line, refusal }];
}

/** From 6.2 on: what needs no master, the monitor lines, the rest (sentinel.c:loadSentinelConfigFromQueue). */
function queued(lines: readonly StartLine[], state: ReadState): readonly Found[] {
  if (state.kind === 'redis' || !queues(state.target)) return [];
  const own = lines.filter((line) => line.name === 'sentinel' && (line.words?.length ?? 0) > 1);
  const turn = (line: StartLine): number => {
    const sub = lowerAscii(line.words?.[1]?.text ?? '');
    if (sub === 'monitor') return 1;
    return beforeMonitor.has(sub) ? 0 : 2;
  };
  return [...own]
    .sort((a, b) => turn(a) - turn(b))
    .flatMap((line) => {
      const refusal = refusedStatement(textsOf(line).slice(1), state.sentinel, state.target);
      return refusal === undefined ? [] : [{ line, refusal: { ...refusal, stage: 'sentinel' as const } }];
    });
}

function textsOf(line: StartLine): readonly string[] {
  return line.words?.map((word) => word.text) ?? [];
}

function problemOf({ line, refusal }: Found, at: number, lines: readonly StartLine[], state: ReadState): StartProblem {
  const named: Named =
    at < namedLimit ? namedRefusal(line, refusal, lines, state) : { rule: refusal.rule, word: refusal.word ?? 0 };
  const start = line.words?.[named.word]?.start;
  return {
    file: line.file,
    line: line.line,
    column: start === undefined ? line.column : start + 1,
    rule: named.rule,
    says: refusal.says,
    message: messageOf(named.rule, line, state.target),
    ...(named.nearest === undefined ? {} : { nearest: named.nearest }),
    reported: at === 0,
    dependsOnAll: refusal.stage === 'read' || refusal.stage === 'starting' || byOthers.has(named.rule),
  };
}

/** Rules that a line in a file which is not there may satisfy. */
const byOthers: ReadonlySet<string> = new Set([
  'sentinel-unknown-master-name',
  'sentinel-monitor-not-first',
  'sentinel-hostname-needs-resolve',
  'rename-command-unknown',
]);

interface Named {
  readonly rule: string;
  readonly word: number;
  readonly nearest?: string;
}

/** The likeliest mistake behind a refusal: the first rewriting of the line that the server would take tells it. */
function namedRefusal(line: StartLine, refusal: Refusal, lines: readonly StartLine[], state: ReadState): Named {
  const words = textsOf(line);
  const plain: Named = { rule: refusal.rule, word: refusal.word ?? 0 };
  const accepts = (trial: readonly string[]): boolean => isTaken(trial, lines, line, state);
  if (strayCharacters.test(line.raw)) {
    const cleaned = splitArgs(withoutStray(line.raw));
    if (cleaned !== null && accepts(cleaned))
      return { rule: 'bad-file-encoding', word: 0, ...shown(cleaned, state.target) };
  }
  const comment = words.findIndex((word, at) => at > 0 && isComment(words, word) && accepts(words.slice(0, at)));
  if (comment > 0) return { rule: 'inline-comment', word: comment, ...shown(words.slice(0, comment), state.target) };
  if (
    words.slice(1).some(isPlaceholder) &&
    [
      'invalid-value',
      'wrong-argument-count',
      'sentinel-quorum-invalid',
      'sentinel-hostname-needs-resolve',
      'sentinel-time-not-positive',
      'bind-address-not-on-host',
    ].includes(refusal.rule)
  ) {
    return { rule: 'placeholder-value', word: words.findIndex((word, at) => at > 0 && isPlaceholder(word)) };
  }
  if (line.words === null) return { ...plain, ...nearestQuoted(line.raw, accepts) };
  return { ...plain, ...nearestOf(words, refusal, accepts, state) };
}

/** In a user line `#…` is the hash of a password. */
function isComment([directive = '']: readonly string[], word: string): boolean {
  return startsComment(word) && !(lowerAscii(directive) === 'user' && /^#./.test(word));
}

/** The quote closed at the end of the line, or taken away. */
function nearestQuoted(raw: string, accepts: (trial: readonly string[]) => boolean): { readonly nearest?: string } {
  if (holdsSecret(raw) || /pass|auth|user/i.test(raw)) return {};
  const bare = raw.trim();
  const tries = [`${bare}"`, `${bare}'`, bare.replace(/["']/g, '')];
  const legal = tries.find((one) => {
    const words = splitArgs(one);
    return words !== null && accepts(words);
  });
  return legal === undefined ? {} : { nearest: legal };
}

/** Rules of lines that are wrong by themselves, not beside others: only of those another form is right. */
const mendable: ReadonlySet<string> = new Set([
  'invalid-value',
  'wrong-argument-count',
  'filename-is-path',
  'sentinel-quorum-invalid',
  'sentinel-time-not-positive',
]);

function nearestOf(
  words: readonly string[],
  refusal: Refusal,
  accepts: (trial: readonly string[]) => boolean,
  { target, sentinel }: ReadState,
): { readonly nearest?: string } {
  if (refusal.rule === 'unknown-directive' && refusal.word === 1) {
    const sub = nearest(words[1] ?? '', Object.keys(statements));
    return sub === undefined ? {} : { nearest: `sentinel ${sub}` };
  }
  if (refusal.word === 0 && ['unknown-directive', 'directive-not-in-version'].includes(refusal.rule)) {
    const name = meantDirective(words[0] ?? '', target);
    return name === undefined ? {} : { nearest: name };
  }
  if (maybeSecret(words, target) || words.length > 32) return {};
  if (refusal.rule === 'sentinel-unknown-master-name') {
    const [only, ...more] = sentinel.allMasters;
    const name = more.length === 0 ? only : nearest(words[2] ?? '', [...sentinel.allMasters]);
    const named = name === undefined ? undefined : words.with(2, name);
    return named !== undefined && accepts(named) ? { nearest: written(named) } : {};
  }
  if (!mendable.has(refusal.rule)) return {};
  const legal = candidates(words, target).find(accepts);
  return legal === undefined ? {} : { nearest: written(legal) };
}

function shown(words: readonly string[], target: Target): { readonly nearest?: string } {
  return maybeSecret(words, target) ? {} : { nearest: written(words) };
}

/** Whether the server would take these words in the place of a line, the others as they are. */
function isTaken(trial: readonly string[], lines: readonly StartLine[], line: StartLine, state: ReadState): boolean {
  const fresh = stateOf(lines, state.kind, state.target);
  const [name = '', ...args] = trial;
  if (lowerAscii(name) !== 'sentinel' || state.kind === 'redis') return refusedLine(trial, fresh) === undefined;
  const masters = new Set([...fresh.sentinel.allMasters]);
  const monitors = lowerAscii(args[0] ?? '') === 'monitor';
  if (monitors) masters.delete(args[1] ?? '');
  const resolves = lines.some(
    (other) => other !== line && textsOf(other).slice(1, 3).join(' ').toLowerCase() === 'resolve-hostnames yes',
  );
  return refusedStatement(args, { ...fresh.sentinel, masters, resolves }, state.target) === undefined;
}
