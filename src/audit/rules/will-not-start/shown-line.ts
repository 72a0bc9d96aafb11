import { nearest } from '../../../inventory/nearest.js';
import type { ConfigLine } from '../../../model/formats.js';
import { parseLine } from '../../../redis/redis-conf.js';
import { holdsSecret } from '../../../redis/secrets.js';
import { lowerAscii, splitArgs } from '../../../redis/tokenise.js';
import type { ConfigText } from '../../config-text.js';
import { nearestDirective } from '../../starts/judge.js';
import { isDirective } from '../../starts/known.js';
import { maybeSecret, strayCharacters, withoutStray } from '../../starts/nearest-form.js';
import type { StartProblem } from '../../starts/problem.js';
import { statements } from '../../starts/sentinel-lines.js';
import { startProblems } from '../../starts/start-problems.js';
import type { Target } from '../../target.js';
import type { AnyNode } from '../../view.js';

const hidden = '(hidden)';

/**
 * The line of a problem as it may be shown. Secrets are tokens in it already where their directive was recognised; of
 * any other line that may hold one (`requirepas hunter2`) only the directive is left. The column says nothing of the
 * length of a secret: behind one it is that of the secret.
 */
export function shownLine(problem: StartProblem, node: AnyNode): ConfigLine {
  const raw = rawOf(problem, node);
  const bare = mayBeShown(raw, node.target) ? namedStray(raw) : withoutArguments(raw);
  const token = raw.indexOf('{secret:');
  const column = token >= 0 ? Math.min(problem.column, token + 1) : problem.column;
  return { ...parseLine(problem.file, problem.line, bare), column: bare === raw ? column : bare.search(/\S/) + 1 };
}

/** The legal line to put in its place: where only a name is near, with the arguments that stand there. */
export function nearestLine(problem: StartProblem, line: ConfigLine, node: AnyNode): string | undefined {
  const { nearest: form, rule } = problem;
  if (form === undefined) return undefined;
  if (rule !== 'unknown-directive' && rule !== 'directive-not-in-version') return form;
  const rest = line.raw.trim().split(/\s+/).slice(form.split(' ').length).join(' ');
  const now = `${form} ${rest}`.trimEnd();
  const taken = now.includes(hidden) || form.startsWith('sentinel ') || isTaken(now, node);
  return taken ? now : undefined;
}

function isTaken(text: string, { at, target }: AnyNode): boolean {
  const left = startProblems([{ file: '', text }], at.kind, target);
  return left.every(({ dependsOnAll }) => dependsOnAll);
}

function rawOf({ file, line }: StartProblem, { startText, texts }: AnyNode): string {
  const given = startText.ok ? startText.value.commandLine : undefined;
  const all = [...(texts.ok ? texts.value : []), ...(given === undefined ? [] : [given])];
  const text = all.find((one) => one.file === file);
  return text === undefined ? '' : (linesOf(text)[line - 1] ?? '');
}

const split = new WeakMap<ConfigText, readonly string[]>();

/** Split once: a file may have a mistake in each of its lines. */
function linesOf(text: ConfigText): readonly string[] {
  const lines = split.get(text) ?? text.text.split('\n');
  split.set(text, lines);
  return lines;
}

/** Characters that no screen shows, by name: `<U+FEFF>port 6379`. */
function namedStray(raw: string): string {
  return raw.replace(
    new RegExp(strayCharacters, 'g'),
    (char) => `<U+${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}>`,
  );
}

function mayBeShown(given: string, target: Target): boolean {
  if (holdsSecret(given)) return true;
  const raw = withoutStray(given);
  if (holdsSecret(raw)) return false;
  const words = splitArgs(raw) ?? raw.trim().split(/\s+/);
  const name = lowerAscii(words[0] ?? '');
  if (name === 'user') return false;
  if (name === 'sentinel') return isPlain(lowerAscii(words[1] ?? ''), Object.keys(statements));
  if (!maybeSecret(words, target)) return true;
  if (isDirective(name)) return !/pass|auth/.test(name);
  const meant = nearestDirective(name, target);
  return meant !== undefined && !maybeSecret([meant], target);
}

function isPlain(sub: string, known: readonly string[]): boolean {
  return sub === '' || !/pass|auth/.test(known.includes(sub) ? sub : (nearest(sub, known) ?? 'pass'));
}

/** Rules of a `user` line that cannot be a password stay. */
function withoutArguments(raw: string): string {
  const [, lead = '', name = '', rest = ''] = /^(\s*)(\S+)(.*)$/s.exec(raw) ?? [];
  if (rest.trim() === '') return raw;
  if (lowerAscii(name) !== 'user') return `${lead}${name} ${hidden}`;
  const [who = '', ...rules] = rest.trim().split(/\s+/);
  const plain = /^(?:[-+~&%@()].*|on|off|nopass|reset\w*|all\w+|no\w+|(?:skip-)?sanitize-payload|clearselectors)$/i;
  return `${lead}${name} ${[who, ...rules.map((rule) => (plain.test(rule) ? rule : hidden))].join(' ')}`;
}
