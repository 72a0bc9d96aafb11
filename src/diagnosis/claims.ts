import type { Claim, Evidence, Relation } from '../model/diagnosis.js';
import { known } from '../model/seen.js';
import type { GroupSurvey, HostSurvey } from '../model/survey.js';
import { besideData, clockOf } from './beside-data.js';
import type { Graph } from './graph.js';
import { holderOf } from './not-answering.js';
import { votesOf } from './sentinels.js';
import { ancestorsOf } from './shares.js';
import type { State } from './state.js';
import type { Verdict } from './verdict.js';

type Unnumbered = Omit<Evidence, 'id'>;
interface Draft {
  readonly says: string;
  readonly standing: Claim['standing'];
  readonly evidence: readonly Unnumbered[];
}

/** The sentences of the verdict with what speaks for each, numbered E1, E2, … in the order of reading. */
export function claimsOf(
  group: GroupSurvey,
  hosts: readonly HostSurvey[],
  graph: Graph,
  state: State,
  verdict: Verdict,
): readonly Claim[] {
  const drafts = [
    stateClaim(group, state),
    ...(state.state === 'healthy' ? [] : [...winnerClaims(group, graph, verdict), sightClaim(group, hosts)]),
  ];
  let number = 0;
  return drafts.map((draft) => ({
    says: draft.says,
    standing: draft.standing,
    evidence: draft.evidence.map((evidence) => {
      number += 1;
      return { id: `E${number}`, ...evidence };
    }),
  }));
}

function stateClaim(group: GroupSurvey, state: State): Draft {
  const evidence = group.redis.map((node): Unnumbered => {
    const running = known(node.running);
    const process = node.process.ok ? node.process.value : undefined;
    const says = running
      ? `${running.role}, offset ${running.offset}, ${running.keys} keys`
      : process === null
        ? `no redis-server process, ${holderOf(node) ?? `port ${node.port} closed`}`
        : node.process.ok
          ? `pid ${process?.pid} does not answer`
          : `not known: ${node.process.detail}`;
    return {
      from: node.process.from,
      place: running ? 'INFO' : 'process list',
      says,
    };
  });
  return { says: stateSentence(group, state), standing: state.state === 'unknown' ? 'unknown' : 'proved', evidence };
}

function stateSentence(group: GroupSurvey, state: State): string {
  switch (state.state) {
    case 'healthy':
      return 'The group is healthy, and all agree on it';
    case 'sentinel-at-work':
      return `Sentinel is at work: ${state.why}`;
    case 'degraded':
      return `${state.master?.node ?? group.group} serves, and this is amiss: ${state.why}`;
    case 'down':
      return `The group is down: ${state.why}`;
    case 'unknown':
      return `Nothing can be said of the group: ${state.why}`;
  }
}

function winnerClaims(group: GroupSurvey, graph: Graph, verdict: Verdict): readonly Draft[] {
  const node = verdict.winner ?? verdict.favourite;
  const holding = graph.holdings.find((item) => item.node === node);
  if (!holding) return [];
  const wins = verdict.winner !== undefined;
  const votes = votesOf(group).map(
    (vote): Unnumbered => ({
      from: {
        host: vote.sentinel.split('/')[0] ?? vote.sentinel,
        node: vote.sentinel,
        source: vote.live ? 'SENTINEL MASTER' : 'sentinel.conf',
      },
      place: vote.live ? 'SENTINEL MASTER' : 'sentinel.conf',
      says: `${vote.master} is master, config-epoch ${vote.configEpoch}`,
    }),
  );
  const first: Draft = {
    says: wins
      ? `${node} is the freshest${verdict.witness === undefined ? '' : `: ${verdict.witness}`}`
      : `No node is proved to be the freshest: ${verdict.noWinnerWhy}`,
    standing: wins ? (verdict.witness === undefined ? 'claimed' : 'proved') : 'unknown',
    evidence: [
      ...holding.evidence,
      ...besideData(holding.redis, group),
      ...joins(holding.end?.replid, graph),
      ...votes,
    ],
  };
  return [first, ...otherClaims(verdict, graph, group, holding.node)];
}

function joins(replid: string | undefined, graph: Graph): readonly Unnumbered[] {
  if (replid === undefined) return [];
  const chain = new Set([replid, ...ancestorsOf(replid, graph).keys()]);
  return graph.edges.filter((edge) => edge.exact && chain.has(edge.child)).map((edge) => edge.evidence);
}

function otherClaims(verdict: Verdict, graph: Graph, group: GroupSurvey, node: string): readonly Draft[] {
  const candidate = verdict.candidates.find((item) => item.node === node);
  return Object.entries(candidate?.versus ?? {}).map(([other, relation]): Draft => {
    const holding = graph.holdings.find((item) => item.node === other);
    const proved = relation.kind !== 'possible-tail' && relation.kind !== 'incomparable';
    return {
      says: relationSentence(node, other, relation),
      standing: proved ? 'proved' : 'unknown',
      evidence: holding ? [...holding.evidence, ...besideData(holding.redis, group)] : [],
    };
  });
}

/** How the other node stands to this one, in a sentence that ends with the reason. */
function relationSentence(node: string, other: string, relation: Relation): string {
  switch (relation.kind) {
    case 'contains':
      return `${node} holds all that ${other} holds: ${relation.why}`;
    case 'equal':
      return `${other} holds the same as ${node}: ${relation.why}`;
    case 'contained':
      return `${other} holds all that ${node} holds, and more: ${relation.why}`;
    case 'empty':
      return relation.why;
    case 'possible-tail':
      return `${other} may hold a few last writes that ${node} never got: ${relation.why}`;
    case 'forked':
      return `${other} and ${node} each hold writes that the other lacks: ${relation.why}`;
    case 'incomparable':
      return `${other} cannot be compared with ${node}: ${relation.why}`;
  }
}

function sightClaim(group: GroupSurvey, hosts: readonly HostSurvey[]): Draft {
  const dark = hosts.filter((host) => !host.reached.ok);
  const darkData = dark.filter((host) => group.redis.some((node) => node.host === host.host));
  return {
    says:
      darkData.length === 0
        ? 'No fresher data can be out of sight'
        : `Fresher data may be out of sight on ${darkData.map((host) => host.host).join(', ')}`,
    standing: darkData.length === 0 ? 'proved' : 'unknown',
    evidence: hosts.map(
      (host): Unnumbered => ({
        from: host.reached.from,
        place: 'fleet.yaml',
        says: host.reached.ok ? `${host.host} was looked at${clockOf(host)}` : `${host.host}: ${host.reached.detail}`,
      }),
    ),
  };
}
