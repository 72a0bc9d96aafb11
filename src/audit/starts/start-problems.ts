import type { NodeKind } from '../../model/inventory.js';
import { lowerAscii } from '../../redis/tokenise.js';
import type { ConfigText } from '../config-text.js';
import type { Target } from '../target.js';
import { type ReadState, refusedLine } from './judge.js';
import { type StartLine, startLines } from './lines.js';
import { type Named, namedRefusal } from './meaning.js';
import { messageOf } from './messages.js';
import type { Refusal, Stage, StartProblem } from './problem.js';
import { stateOf, textsOf } from './read-state.js';
import { beforeMonitor, namesMaster, queues, refusedStatement } from './sentinel-lines.js';
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
 * first is `reported`. `files[0]` is the config that the server is given, the others those that it may include;
 * `commandLine` holds the options behind it, as lines, which are read last. What only the machine can tell (paths, host
 * names, addresses, modules) is not judged here. Pure; any text is taken.
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
