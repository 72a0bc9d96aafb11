import type { Candidate, Consent, Question, Relation } from '../model/diagnosis.js';
import { known } from '../model/seen.js';
import type { Answer, AofComparison, GroupSurvey } from '../model/survey.js';
import { candidateOf, type Versus } from './candidate.js';
import type { Graph } from './graph.js';
import type { Holding } from './holding.js';
import { oldestFirst } from './oldest-first.js';
import { flushQuestion, questionsOf } from './questions.js';
import { relate } from './relate.js';
import { lastElected } from './sentinels.js';
import { tooOldFor } from './server-versions.js';
import { shrunk } from './shrunk.js';
import { addressOf } from './state.js';
import { throughOthers } from './through.js';
import { witnessOf } from './witness.js';

/** Who may become master, how every other node stands to it, and what only the operator may accept. */
export interface Verdict {
  readonly candidates: readonly Candidate[];
  readonly winner?: string;
  /** Who else bears out that the winner is ahead; absent when only the operator's typed name stands for it. */
  readonly witness?: string;
  /** The lead of the winner, or of the favourite, is its own word and nothing else; in words. */
  readonly byItsWord?: string;
  /** Why no node wins by itself. */
  readonly noWinnerWhy?: string;
  readonly consents: readonly Consent[];
  readonly possibleTails: readonly { readonly node: string; readonly boundSeconds?: number; readonly why: string }[];
  readonly questions: readonly Question[];
  /** The node that would be recommended if the operator gives the rest up, when nobody wins by itself. */
  readonly favourite?: string;
}

/** What else the judgement rests on. */
export interface Beside {
  /** The winner is asked for by name in any case: a loss has to be accepted. */
  readonly asked: boolean;
  /** Hosts that were not reached: a finding of its own blocks until they are, or are given up by name. */
  readonly dark: ReadonlySet<string>;
  /** The one node that serves as master now. */
  readonly serving?: string | undefined;
}

/** Relations under which nothing of the other node can be missed. */
const covered: ReadonlySet<Relation['kind']> = new Set(['contains', 'equal', 'empty']);

/** Weighs every node against every other one. Nothing is ranked by size, age or a bare offset. */
export function judge(group: GroupSurvey, graph: Graph, answers: readonly Answer[], beside: Beside): Verdict {
  const comparisons = answers.flatMap((answer) => ('within' in answer ? [answer] : []));
  const versus = throughOthers(new Map(graph.holdings.map((own) => [own.node, relationsOf(own, graph, comparisons)])));
  const { ranked, oldest } = oldestFirst(rank(group, graph, versus, beside.serving), versus);
  const top = ranked[0];
  const beaten = top ? Object.entries(versus.get(top.node) ?? {}) : [];
  const usable = top !== undefined && !top.empty && top.source !== 'unknown';
  const dark = new Set(graph.holdings.flatMap((each) => (beside.dark.has(each.redis.host) ? [each.node] : [])));
  const open = beaten.filter(
    ([node, relation]) => !covered.has(relation.kind) && relation.kind !== 'possible-tail' && !dark.has(node),
  );
  const witness = top && usable ? witnessOf(top, versus.get(top.node) ?? {}, group, graph) : undefined;
  // Nothing anywhere: the loss is there already, and the operator accepts it by name (`onNoDisk`).
  const nothingAnywhere = top !== undefined && graph.holdings.every((holding) => holding.empty);
  const wins = nothingAnywhere || (usable && open.length === 0 && (witness !== undefined || beside.asked));
  const winner = wins ? top?.node : undefined;
  return {
    candidates: ranked.map((holding) =>
      candidateOf(holding, winner, versus, {
        tooOld: tooOldFor(holding.redis, group.redis),
        ...(holding.node === winner ? { witness, oldest } : {}),
      }),
    ),
    ...(winner === undefined ? {} : { winner }),
    ...(winner === undefined || witness === undefined ? {} : { witness }),
    ...(top && usable && witness === undefined && leads(beaten) ? { byItsWord: itsWord(top) } : {}),
    ...(winner === undefined && top ? { noWinnerWhy: whyNobody(top, usable, open, witness), favourite: top.node } : {}),
    consents: winner === undefined ? asides(open) : shrunk(winner, graph, answers),
    possibleTails: winner === undefined ? [] : tailsOf(beaten),
    questions: [...questionsOf(graph, versus, comparisons), ...flushQuestion(graph, winner ?? top?.node, answers)],
  };
}

function relationsOf(own: Holding, graph: Graph, comparisons: readonly AofComparison[]): Record<string, Relation> {
  const relations: Record<string, Relation> = {};
  for (const other of graph.holdings)
    if (other.node !== own.node) relations[other.node] = relate(own, other, graph, comparisons);
  return relations;
}

/**
 * A node that covers all others first, with the fewest possible tails; where none does, the one that covers most. Among
 * equals the one that serves as master now, then the one that the sentinels elected last (a stale file may say another),
 * then one that runs, then the order of fleet.yaml. Equal data makes the order a matter of the fewest changes, not of safety.
 */
function rank(group: GroupSurvey, graph: Graph, versus: Versus, knownToServe: string | undefined): readonly Holding[] {
  const elected = lastElected(group)?.address;
  const masters = graph.holdings.filter((each) => known(each.redis.running)?.role === 'master');
  const serving = knownToServe ?? (masters.length === 1 ? masters[0]?.node : undefined);
  const score = (holding: Holding): readonly number[] => {
    const relations = Object.values(versus.get(holding.node) ?? {});
    const count = (kinds: readonly Relation['kind'][]): number =>
      relations.filter((relation) => kinds.includes(relation.kind)).length;
    return [
      holding.source === 'unknown' ? 0 : 1,
      holding.empty ? 0 : 1,
      coversAll(holding, graph, versus) ? 1 + count(['contains', 'equal', 'empty']) : 0,
      count(['contains', 'equal', 'empty', 'possible-tail']),
      holding.node === serving ? 1 : 0,
      addressOf(holding.redis) === elected ? 1 : 0,
      count(['contains', 'equal', 'empty']),
      -count(['contained']),
      known(holding.redis.running)?.role === 'master' ? 1 : 0,
      holding.source === 'running' ? 1 : 0,
    ];
  };
  return [...graph.holdings].sort((a, b) => compareScores(score(b), score(a)));
}

/** Nothing of any other node whose data is known can be missed, but for a possible tail. */
function coversAll(own: Holding, graph: Graph, versus: Versus): boolean {
  return graph.holdings.every((other) => {
    if (other === own || other.source === 'unknown') return true;
    const kind = versus.get(own.node)?.[other.node]?.kind;
    return kind !== undefined && (covered.has(kind) || kind === 'possible-tail');
  });
}

function compareScores(a: readonly number[], b: readonly number[]): number {
  for (let index = 0; index < a.length; index++) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function whyNobody(
  top: Holding,
  usable: boolean,
  open: readonly (readonly [string, Relation])[],
  witness: string | undefined,
): string {
  if (!usable) return top.empty ? 'no node would load any data' : `${top.node}: ${top.sourceWhy}`;
  const first = open[0];
  if (first) return first[1].why.startsWith(`${first[0]}: `) ? first[1].why : `${first[0]}: ${first[1].why}`;
  return witness === undefined ? itsWord(top) : '';
}

function itsWord({ node }: Holding): string {
  return `only ${node} itself says that it is ahead, and no other node or sentinel bears it out`;
}

/** It says that it holds more than another node that holds something. */
function leads(beaten: readonly (readonly [string, Relation])[]): boolean {
  return beaten.some(([, { kind }]) => kind === 'contains');
}

function asides(open: readonly (readonly [string, Relation])[]): Consent[] {
  return open.map(([node, relation]) => ({
    kind: 'set-aside' as const,
    node,
    ...(relation.kind === 'forked' && relation.otherEndUnknown !== true ? { ownBytes: relation.otherBytes } : {}),
    why: relation.why,
  }));
}

function tailsOf(beaten: readonly (readonly [string, Relation])[]): Verdict['possibleTails'] {
  return beaten.flatMap(([node, relation]) =>
    relation.kind === 'possible-tail'
      ? [
          {
            node,
            why: relation.why,
            ...(relation.boundSeconds === undefined ? {} : { boundSeconds: relation.boundSeconds }),
          },
        ]
      : [],
  );
}
