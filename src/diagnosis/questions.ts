import type { Question, Relation } from '../model/diagnosis.js';
import { known } from '../model/seen.js';
import type { Answer, AofComparison } from '../model/survey.js';
import type { Versus } from './candidate.js';
import type { Graph } from './graph.js';
import type { Holding } from './holding.js';

/** Where two AOFs can settle what the logs leave open, ask for the comparison once. */
export function questionsOf(graph: Graph, versus: Versus, answered: readonly AofComparison[]): readonly Question[] {
  const questions: Question[] = [];
  for (const own of graph.holdings)
    for (const other of graph.holdings) {
      const relation = versus.get(own.node)?.[other.node];
      if (!hasAof(own) || other.source !== 'aof' || !isOpen(own, relation)) continue;
      if (!answered.some((item) => item.of === other.node && item.within === own.node))
        questions.push({ kind: 'aof-contained', of: other.node, within: own.node });
    }
  return questions;
}

/** A running node writes what it applies to its file before it goes on (aof.c:flushAppendOnlyFile). */
function hasAof({ source, redis }: Holding): boolean {
  if (source !== 'running') return source === 'aof';
  return known(redis.config)?.appendonly === true && known(redis.running)?.aofEnabled === true && redis.aof.ok;
}

/** A dead master holds all that a running node has of its history; whether it holds more, only the bytes can tell. */
function isOpen(own: Holding, relation: Relation | undefined): boolean {
  if (own.source === 'running' && relation?.kind === 'contained') return true;
  return relation?.kind === 'possible-tail' || relation?.kind === 'incomparable';
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
