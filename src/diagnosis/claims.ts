import type { Claim, Evidence } from '../model/diagnosis.js';
import { known } from '../model/seen.js';
import type { GroupSurvey, HostSurvey } from '../model/survey.js';
import type { Graph } from './holding.js';
import { ancestorsOf } from './relate.js';
import { votesOf } from './sentinels.js';
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
        ? `no redis-server process, port ${node.port} closed`
        : node.process.ok
          ? `pid ${process?.pid} does not answer`
          : `not known: ${node.process.detail}`;
    return {
      from: node.process.from,
      place: running ? 'INFO' : 'process list',
      says,
    };
  });
  return { says: `The group is ${state.state}: ${state.why}`, standing: 'proved', evidence };
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
    says: wins ? `${node} is the freshest` : `No node is proved to be the freshest: ${verdict.noWinnerWhy}`,
    standing: wins ? 'proved' : 'unknown',
    evidence: [...holding.evidence, ...joins(holding.end?.replid, graph), ...votes],
  };
  return [first, ...otherClaims(verdict, graph, holding.node)];
}

function joins(replid: string | undefined, graph: Graph): readonly Unnumbered[] {
  if (replid === undefined) return [];
  const chain = new Set([replid, ...ancestorsOf(replid, graph.edges).keys()]);
  return graph.edges.filter((edge) => edge.exact && chain.has(edge.child)).map((edge) => edge.evidence);
}

function otherClaims(verdict: Verdict, graph: Graph, node: string): readonly Draft[] {
  const candidate = verdict.candidates.find((item) => item.node === node);
  return Object.entries(candidate?.versus ?? {}).map(([other, relation]): Draft => {
    const holding = graph.holdings.find((item) => item.node === other);
    const proved = relation.kind !== 'possible-tail' && relation.kind !== 'incomparable';
    return {
      says: `${other} against ${node}: ${relation.kind === 'contains' ? 'contained' : relation.kind}. ${relation.why}`,
      standing: proved ? 'proved' : 'unknown',
      evidence: holding?.evidence ?? [],
    };
  });
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
        says: host.reached.ok ? `${host.host} was looked at` : `${host.host}: ${host.reached.detail}`,
      }),
    ),
  };
}
