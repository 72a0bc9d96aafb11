import { RunbookError } from '../errors.js';
import type { Consent, Diagnosis, Finding, Lineage, PathChoice } from '../model/diagnosis.js';
import type { Answer, GroupSurvey, Survey } from '../model/survey.js';
import { choosePath, type Told } from './choose-path.js';
import { claimsOf } from './claims.js';
import { electsOneBehind, type Forced, forcedFailover } from './failover.js';
import { findingsOf } from './findings.js';
import { type Graph, graphOf, makerOf } from './graph.js';
import { headlineOf } from './headline.js';
import { leftOutFindings, leftOutIn, saidOfLeftOut } from './left-out.js';
import { naiveRules } from './naive.js';
import { losersOf, onNoDisk } from './on-no-disk.js';
import { epochsOf } from './sentinels.js';
import { mixedServers, olderServers } from './server-versions.js';
import { type State, stateOf } from './state.js';
import { judge, type Verdict } from './verdict.js';

/**
 * From a survey to what is true and what should be done, for one group. Pure: the same survey gives the same answer.
 * When `questions` is not empty, the caller may have them answered and call again with the comparisons.
 */
export function diagnose(survey: Survey, groupName: string, answers: readonly Answer[] = []): Diagnosis {
  const { group, state, graph, losers, verdict, leftOut } = weigh(survey, groupName, answers);
  const cold = state.state === 'down';
  const lost = onNoDisk(losers, group, graph, verdict.winner);
  const epochs = epochsOf(group);
  const path = choosePath(group, state, verdict);
  return {
    schema: 'redis-runbook/diagnosis/1',
    group: groupName,
    at: survey.at,
    state: state.state,
    headline: headlineOf(group, state, verdict, lost),
    claims: claimsOf(group, survey.hosts, graph, state, verdict),
    unknown: unknowns(survey, state),
    findings: [
      ...findingsOf(group, survey.hosts).map((finding) => (state.master ? saidOfLeftOut(finding, leftOut) : finding)),
      ...versionFindings(group, state, verdict.winner),
      ...leftOutFindings(leftOut, survey),
    ],
    leftOut,
    candidates: verdict.candidates,
    ...(verdict.winner === undefined ? {} : { winner: verdict.winner }),
    ...(state.master === undefined ? {} : { serving: state.master.node }),
    consents: [...verdict.consents, ...lossConsent(verdict, lost)],
    possibleTails: verdict.possibleTails,
    ...(lost === undefined ? {} : { onNoDisk: lost }),
    lineage: lineageOf(graph),
    naive: naiveRules(group),
    epochs,
    path,
    questions: cold || path.recommended === 'cold' ? verdict.questions : [],
  };
}

/** The paths as they are with what the operator said. */
export function pathsFor(survey: Survey, groupName: string, answers: readonly Answer[], told: Told): PathChoice {
  const { group, state, verdict } = weigh(survey, groupName, answers);
  return choosePath(group, state, verdict, told);
}

/** What `SENTINEL FAILOVER` would do; throws RunbookError `unsafe-path` when it is not safe. `off`: hosts seen to be off. */
export function failoverOf(
  survey: Survey,
  groupName: string,
  answers: readonly Answer[],
  off: ReadonlySet<string>,
): Forced {
  const { group, state, verdict } = weigh(survey, groupName, answers);
  const forced = forcedFailover(group, state, verdict, off);
  if (!('why' in forced)) return forced;
  throw new RunbookError('unsafe-path', `The path failover is not safe here: ${forced.why}.`, {
    next: ['redis-runbook status --why', 'redis-runbook recover'],
  });
}

interface Weighed {
  readonly group: GroupSurvey;
  readonly state: State;
  readonly graph: Graph;
  readonly losers: ReturnType<typeof losersOf>;
  readonly verdict: Verdict;
  readonly leftOut: ReturnType<typeof leftOutIn>;
}

function weigh(survey: Survey, groupName: string, answers: readonly Answer[]): Weighed {
  const group = survey.groups[groupName];
  if (!group) throw new Error(`the survey holds no group ${groupName}`);
  const leftOut = leftOutIn(survey, groupName);
  const state = stateOf(
    group,
    leftOut.map(({ host }) => host),
  );
  const graph = graphOf(group);
  const dark = new Set(survey.hosts.flatMap((host) => (host.reached.ok ? [] : [host.host])));
  const weighed = (of: State): Weighed => {
    const losers = of.state === 'down' ? losersOf(group, graph) : [];
    const beside = { asked: losers.length > 0, dark, serving: of.master?.node };
    return { group, state: of, graph, losers, leftOut, verdict: judge(group, graph, answers, beside) };
  };
  const first = weighed(state);
  const why = electsOneBehind(group, state, first.verdict);
  return why === undefined ? first : weighed({ ...state, state: 'down', why });
}

/** A plan is made only where something is amiss; the servers of a fleet that serves are only worth knowing. */
function versionFindings(group: GroupSurvey, { state }: State, winner: string | undefined): readonly Finding[] {
  const planned = state === 'down' || state === 'degraded';
  const blocking = planned && winner !== undefined ? olderServers(group, winner) : [];
  return blocking.length > 0 ? blocking : mixedServers(group);
}

function lossConsent(verdict: Verdict, lost: Diagnosis['onNoDisk']): readonly Consent[] {
  const node = verdict.winner ?? verdict.favourite;
  if (!lost || node === undefined) return [];
  const why = verdict.byItsWord === undefined ? lost.why : `${lost.why}; ${verdict.byItsWord}`;
  return [{ kind: 'accept-loss', node, why, ...(lost.seconds === undefined ? {} : { seconds: lost.seconds }) }];
}

function unknowns(survey: Survey, state: State): readonly string[] {
  const dark = survey.hosts.filter((host) => !host.reached.ok).map((host) => `anything on ${host.host}`);
  return state.state === 'down' ? [...dark, 'what clients were promised beyond what WAIT told them'] : dark;
}

/** Histories in the order of descent, lettered A, B, C …; ends of the nodes in them. Only what leads to a node's end. */
function lineageOf(graph: Graph): Lineage {
  const ordered = inOrderOfDescent(graph);
  const wanted = new Set(ordered);
  const best = new Map<string, (typeof graph.edges)[number]>();
  for (const edge of graph.edges) {
    if (!wanted.has(edge.child) || !wanted.has(edge.parent)) continue;
    const key = `${edge.parent} ${edge.child}`;
    const before = best.get(key);
    if (!before || (edge.exact && !before.exact)) best.set(key, edge);
  }
  return {
    histories: ordered.map((replid, index) => ({ replid, letter: letter(index), ...bornOn(graph, replid) })),
    edges: [...best.values()].map(({ parent, child, cut, how, proof, evidence }) => ({
      parent,
      child,
      cut: cut < 0n ? 0n : cut,
      how,
      ...whenOf(evidence.place),
      proof,
    })),
    ends: graph.holdings.flatMap((holding) => (holding.end ? [{ node: holding.node, end: holding.end }] : [])),
  };
}

function whenOf(place: string): { when?: string } {
  const when = /^redis log (\d\d:\d\d:\d\d)$/.exec(place)?.[1];
  return when === undefined ? {} : { when };
}

/** Every history that a node's end grew out of, parents before children; a circle in hostile logs is cut where it is met. */
function inOrderOfDescent(graph: Graph): readonly string[] {
  const ordered: string[] = [];
  const met = new Set<string>();
  const work = graph.holdings
    .flatMap((holding) => (holding.end ? [{ id: holding.end.replid, done: false }] : []))
    .reverse();
  for (let next = work.pop(); next !== undefined; next = work.pop()) {
    if (next.done) ordered.push(next.id);
    if (next.done || met.has(next.id)) continue;
    met.add(next.id);
    work.push({ id: next.id, done: true });
    for (const edge of graph.parents.get(next.id) ?? []) work.push({ id: edge.parent, done: false });
  }
  return ordered;
}

function bornOn(graph: Graph, replid: string): { bornOn?: string } {
  const maker = makerOf(graph, replid);
  return maker ? { bornOn: maker.node } : {};
}

function letter(index: number): string {
  return index < 26
    ? String.fromCharCode(65 + index)
    : `${String.fromCharCode(65 + (index % 26))}${Math.floor(index / 26)}`;
}
