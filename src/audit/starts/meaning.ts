import { nearest } from '../../inventory/nearest.js';
import { holdsSecret } from '../../redis/secrets.js';
import { lowerAscii, splitArgs } from '../../redis/tokenise.js';
import type { Target } from '../target.js';
import { type ReadState, refusedLine } from './judge.js';
import type { StartLine } from './lines.js';
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
import type { Refusal } from './problem.js';
import { stateOf, textsOf } from './read-state.js';
import { refusedStatement, statements } from './sentinel-lines.js';

/** What was probably meant: the rule of the mistake, the first wrong word, and a legal form where one is near. */
export interface Named {
  readonly rule: string;
  readonly word: number;
  readonly nearest?: string;
}

/** The likeliest mistake behind a refusal: the first rewriting of the line that the server would take tells it. */
export function namedRefusal(line: StartLine, refusal: Refusal, lines: readonly StartLine[], state: ReadState): Named {
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
