import type { Question } from '../model/diagnosis.js';
import type { Answer, AofComparison } from '../model/survey.js';
import type { Versus } from './candidate.js';
import type { Graph } from './graph.js';

/** Where two AOFs can settle what the logs leave open, ask for the comparison once. */
export function questionsOf(graph: Graph, versus: Versus, answered: readonly AofComparison[]): readonly Question[] {
  const questions: Question[] = [];
  for (const own of graph.holdings)
    for (const other of graph.holdings) {
      const relation = versus.get(own.node)?.[other.node];
      if (own.source !== 'aof' || other.source !== 'aof') continue;
      if (relation?.kind !== 'possible-tail' && relation?.kind !== 'incomparable') continue;
      if (!answered.some((item) => item.of === other.node && item.within === own.node))
        questions.push({ kind: 'aof-contained', of: other.node, within: own.node });
    }
  return questions;
}

/** What the node that is to be master would load from its AOF may begin anew in the middle: nothing but the file tells. */
export function flushQuestion(
  graph: Graph,
  node: string | undefined,
  answered: readonly Answer[],
): readonly Question[] {
  const holding = graph.holdings.find((each) => each.node === node);
  if (node === undefined || holding?.source !== 'aof') return [];
  const isAnswered = answered.some((answer) => 'flushed' in answer && answer.flushed === node);
  return isAnswered ? [] : [{ kind: 'aof-flushed', of: node }];
}
