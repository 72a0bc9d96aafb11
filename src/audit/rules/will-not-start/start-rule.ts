import { each } from '../../need.js';
import { type AuditRule, defineRule, type LineChange, type Problem, type RuleFacts, type Spot } from '../../rule.js';
import type { StartProblem, StartText } from '../../starts/problem.js';
import { startProblems } from '../../starts/start-problems.js';
import type { Target } from '../../target.js';
import type { AnyNode } from '../../view.js';
import { nearestLine, shownLine } from './shown-line.js';

type Fixed = 'id' | 'title' | 'rationale' | 'source' | 'fix' | 'versions';

/** What the page of a rule says whose findings `startProblems` makes. */
export interface StartRuleFacts extends Pick<RuleFacts, Fixed> {
  readonly scope: 'node' | 'redis' | 'sentinel';
  /** The version as which both fixtures are read, where it decides. */
  readonly target?: string;
  /** The diff where no legal form is near. */
  readonly otherwise?: (spot: Spot, target: Target) => readonly LineChange[];
}

/** What is judged of one node. `whole`: every file that it includes is there. */
interface Judged {
  readonly node: AnyNode;
  readonly text: StartText;
  readonly whole: boolean;
}

/** A line that a server refuses, as one rule: its findings are those of `startProblems` that bear its id. */
export function startRule({ otherwise, target, ...facts }: StartRuleFacts): AuditRule {
  const folder = `test/audit/fixtures/${facts.id}`;
  const fixtures = { fails: `${folder}/fails`, nearMiss: `${folder}/near-miss` };
  return defineRule({
    ...facts,
    class: 'will-not-start',
    severity: 'error',
    fixtures: target === undefined ? fixtures : { ...fixtures, target },
    needs: (node: AnyNode) => ({ read: each([judged(node, false), judged(node, true)], 'config files') }),
    check: ({ read }) =>
      read.flatMap((one) => {
        const own = problemsOf(one).filter(({ rule, dependsOnAll }) => rule === facts.id && dependsOnAll === one.whole);
        const shown = own.slice(0, mostShown).map((problem) => found(problem, one, otherwise));
        const [next] = own.slice(mostShown);
        return next === undefined ? shown : [...shown, more(own.length - mostShown, next, one)];
      }),
  });
}

/** More mistakes of one kind in one node's files are counted: nobody reads them one by one. */
const mostShown = 200;

function more(count: number, problem: StartProblem, { node }: Judged): Problem {
  return {
    message: `${count} more lines are refused for the same reason`,
    at: { node: node.at, line: shownLine(problem, node) },
  };
}

function judged(node: AnyNode, whole: boolean) {
  const text = whole ? node.wholeStartText : node.startText;
  return text.ok ? { ...text, value: { node, text: text.value, whole } } : text;
}

const before = new WeakMap<StartText, readonly StartProblem[]>();

/** Judged once for all rules. A file that is included twice says each thing twice: it is shown once. */
function problemsOf({ text, node }: Judged): readonly StartProblem[] {
  const known = before.get(text);
  if (known !== undefined) return known;
  const unique = new Map<string, StartProblem>();
  for (const problem of startProblems(text.files, node.at.kind, node.target, text.commandLine)) {
    const key = JSON.stringify([problem.file, problem.line, problem.rule]);
    if (!unique.has(key)) unique.set(key, problem);
  }
  const problems = [...unique.values()];
  before.set(text, problems);
  return problems;
}

function found(problem: StartProblem, { node }: Judged, otherwise: StartRuleFacts['otherwise']): Problem {
  const line = shownLine(problem, node);
  const spot = { node: node.at, line };
  const now = nearestLine(problem, line, node);
  const changes = now === undefined ? (otherwise?.(spot, node.target) ?? []) : [{ ...spot, now }];
  return {
    message: `${problem.message}: the server says "${problem.says}"`,
    at: spot,
    server: { says: problem.says, stopsHere: problem.reported },
    ...(problem.file.startsWith('(') ? {} : { changes }),
  };
}
