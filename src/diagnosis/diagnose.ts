import type { Consent, Diagnosis, Lineage } from '../model/diagnosis.js';
import type { AofComparison, Survey } from '../model/survey.js';
import { choosePath } from './choose-path.js';
import { claimsOf } from './claims.js';
import { findingsOf } from './findings.js';
import { headlineOf } from './headline.js';
import { type Graph, graphOf } from './holding.js';
import { naiveRules } from './naive.js';
import { onNoDisk } from './on-no-disk.js';
import { ancestorsOf } from './relate.js';
import { epochsOf } from './sentinels.js';
import { type State, stateOf } from './state.js';
import { judge } from './verdict.js';

/**
 * From a survey to what is true and what should be done, for one group. Pure: the same survey gives the same answer.
 * When `questions` is not empty, the caller may have them answered and call again with the comparisons.
 */
export function diagnose(survey: Survey, groupName: string, comparisons: readonly AofComparison[] = []): Diagnosis {
  const group = survey.groups[groupName];
  if (!group) throw new Error(`the survey holds no group ${groupName}`);
  const state = stateOf(group);
  const graph = graphOf(group);
  const verdict = judge(group, graph, comparisons);
  const cold = state.state === 'down';
  const lost = cold ? onNoDisk(group, graph, verdict.winner) : undefined;
  const epochs = epochsOf(group);
  return {
    schema: 'redis-runbook/diagnosis/1',
    group: groupName,
    at: survey.at,
    state: state.state,
    headline: headlineOf(group, state, verdict, lost),
    claims: claimsOf(group, survey.hosts, graph, state, verdict),
    unknown: unknowns(survey, state),
    findings: findingsOf(group, survey.hosts),
    candidates: verdict.candidates,
    ...(verdict.winner === undefined ? {} : { winner: verdict.winner }),
    consents: [...verdict.consents, ...lossConsent(verdict.winner ?? verdict.favourite, lost)],
    possibleTails: verdict.possibleTails,
    ...(lost === undefined ? {} : { onNoDisk: lost }),
    lineage: lineageOf(graph),
    naive: naiveRules(group),
    epochs,
    path: choosePath(group, state, verdict.winner),
    questions: cold ? verdict.questions : [],
  };
}

function lossConsent(node: string | undefined, lost: Diagnosis['onNoDisk']): readonly Consent[] {
  if (!lost || node === undefined) return [];
  return [
    { kind: 'accept-loss', node, why: lost.why, ...(lost.seconds === undefined ? {} : { seconds: lost.seconds }) },
  ];
}

function unknowns(survey: Survey, state: State): readonly string[] {
  const dark = survey.hosts.filter((host) => !host.reached.ok).map((host) => `anything on ${host.host}`);
  return state.state === 'down' ? [...dark, 'what clients were promised beyond what WAIT told them'] : dark;
}

/** Histories in the order of descent, lettered A, B, C …; ends of the nodes in them. */
function lineageOf(graph: Graph): Lineage {
  const ids = new Set<string>();
  for (const edge of graph.edges) ids.add(edge.parent).add(edge.child);
  for (const holding of graph.holdings) if (holding.end) ids.add(holding.end.replid);
  const depth = (id: string): number => ancestorsOf(id, graph.edges).size;
  const ordered = [...ids].sort((a, b) => depth(a) - depth(b));
  const best = new Map<string, (typeof graph.edges)[number]>();
  for (const edge of graph.edges) {
    const key = `${edge.parent} ${edge.child}`;
    const before = best.get(key);
    if (!before || (edge.exact && !before.exact)) best.set(key, edge);
  }
  return {
    histories: ordered.map((replid, index) => ({ replid, letter: letter(index), ...bornOn(graph, replid) })),
    edges: [...best.values()].map(({ parent, child, cut, how, proof }) => ({ parent, child, cut, how, proof })),
    ends: graph.holdings.flatMap((holding) => (holding.end ? [{ node: holding.node, end: holding.end }] : [])),
  };
}

function bornOn(graph: Graph, replid: string): { bornOn?: string } {
  const origin = graph.holdings.find((holding) =>
    holding.timeline.spans.some((span) => span.id === replid && span.as === 'origin'),
  );
  return origin ? { bornOn: origin.node } : {};
}

function letter(index: number): string {
  return index < 26
    ? String.fromCharCode(65 + index)
    : `${String.fromCharCode(65 + (index % 26))}${Math.floor(index / 26)}`;
}
