import { leftOutIn } from '../diagnosis/left-out.js';
import { RunbookError } from '../errors.js';
import type { Diagnosis, Relation } from '../model/diagnosis.js';
import type { LeftOutHost } from '../model/left-out.js';
import { known } from '../model/seen.js';
import type { GroupSurvey, RedisSurvey, SentinelSurvey, Survey } from '../model/survey.js';
import { wordOfBlocking } from './blocking.js';

/** What the operator said about the host that is to come back. */
export interface RejoinChoice {
  readonly host: string;
  readonly setAside: readonly string[];
  readonly reason?: string;
  /** By node, how its keys compare with the master's, where only that could tell. */
  readonly compared?: ReadonlyMap<string, Compared>;
}

/** Keys that a node has and the master has not, or has otherwise; or why that was not found out. */
export type Compared =
  | { readonly ok: true; readonly only: bigint; readonly different: bigint }
  | { readonly ok: false; readonly why: string };

/** A stopped node of the host that may hold what the master never got. */
export interface Doubt {
  readonly node: RedisSurvey;
  readonly master: RedisSurvey;
  readonly relation: Relation | undefined;
}

/** How a host takes part again: behind whom, and which of its nodes have to be touched for it. */
export interface Rejoin {
  readonly host: string;
  readonly master: string;
  /** Nodes of the host that are held, kept, rewritten and started; empty: everything on it is as it should be. */
  readonly works: readonly string[];
  readonly setAside: readonly string[];
  readonly reason?: string;
  /** The notes about this host that are open. */
  readonly notes: readonly LeftOutHost[];
}

/**
 * Decides how a host comes back to a group that serves without it. Throws RunbookError: `usage` for a host that fleet.yaml
 * does not have there, `unreachable` or `too-little-seen` where it could not be looked at, `blocked` where nothing serves or
 * its servers or files do not fit, `split` where it holds writes that the master does not have and nobody set them aside.
 */
export function decideRejoin(survey: Survey, diagnosis: Diagnosis, choice: RejoinChoice): Rejoin {
  const group = survey.groups[diagnosis.group];
  const redis = group?.redis.filter(({ host }) => host === choice.host) ?? [];
  const sentinels = group?.sentinels.filter(({ host }) => host === choice.host) ?? [];
  if (!group || redis.length + sentinels.length === 0) throw unknownHost(group, choice.host);
  refuseUnreached(survey, choice.host);
  const master = servingWithout(group, choice.host);
  const works = [
    ...redis.filter((node) => !isSoundReplica(node, master)),
    ...sentinels.filter((node) => !isSoundSentinel(node, master, group)),
  ].map(({ node }) => node);
  refuseBlocking(diagnosis, works);
  for (const node of redis.filter(({ node }) => works.includes(node))) {
    refuseUnfit(node, master, diagnosis);
    refuseOwnWrites(node, master, diagnosis, choice);
  }
  for (const node of sentinels.filter(({ node }) => works.includes(node))) refuseUnmonitored(node, diagnosis.group);
  const setAside = redis.flatMap(({ node }) => (isSetAside(node, choice) && works.includes(node) ? [node] : []));
  return {
    host: choice.host,
    master: master.node,
    works,
    setAside,
    ...(choice.reason === undefined ? {} : { reason: choice.reason }),
    notes: leftOutIn(survey, group.group).filter(({ host }) => host === choice.host),
  };
}

/** The stopped nodes of a host whose data the records alone do not show to be contained in the master's; none where nothing serves. */
export function doubtsOf(survey: Survey, diagnosis: Diagnosis, host: string): readonly Doubt[] {
  const group = survey.groups[diagnosis.group];
  const master = group && mastersWithout(group, host).found;
  if (!group || !master) return [];
  return group.redis.flatMap((node): Doubt[] => {
    const isOff = node.process.ok && node.process.value === null && node.config.ok;
    if (node.host !== host || !isOff) return [];
    const relation = relationOf(node.node, master.node, diagnosis);
    return relation && harmless.has(relation.kind) ? [] : [{ node, master, relation }];
  });
}

function unknownHost(group: GroupSurvey | undefined, host: string): RunbookError {
  const hosts = new Set([...(group?.redis ?? []), ...(group?.sentinels ?? [])].map((node) => node.host));
  return new RunbookError('usage', `${host} is no host of ${group?.group ?? 'this group'}.`, {
    next: [`redis-runbook rejoin takes one of ${[...hosts].join(', ')}`],
  });
}

function refuseUnreached(survey: Survey, host: string): void {
  const seen = survey.hosts.find((each) => each.host === host);
  if (!seen || seen.reached.ok) return;
  throw new RunbookError('unreachable', `${host} could not be looked at: ${seen.reached.detail}.`, {
    facts: [`nothing on ${host} may start before it was rejoined`],
    next: [`redis-runbook doctor ${host}`, `redis-runbook rejoin ${host}   once it answers`],
  });
}

/** The master that the sentinels of the other hosts agree on, or the only one that they could; it serves on another host. */
function mastersWithout(group: GroupSurvey, host: string) {
  const others = group.sentinels.filter((sentinel) => sentinel.host !== host);
  const named = new Set(others.flatMap((sentinel) => known(sentinel.view)?.master ?? []));
  const masters = group.redis.filter(
    (node) => node.host !== host && known(node.running)?.role === 'master' && !known(node.running)?.loading,
  );
  const chosen = named.size > 0 ? masters.filter((node) => named.has(addressOf(node))) : masters;
  const [master, another] = chosen;
  return { named, found: master && !another && named.size <= 1 ? master : undefined };
}

function servingWithout(group: GroupSurvey, host: string): RedisSurvey {
  const { named, found } = mastersWithout(group, host);
  if (found) return found;
  const why =
    named.size > 1
      ? `the sentinels of the other hosts name ${[...named].join(' and ')} as master`
      : `no single master serves on another host than ${host}`;
  throw new RunbookError('blocked', `There is nothing that ${host} could rejoin: ${why}.`, {
    facts: [`a recovery of ${group.group} takes ${host} with it`],
    next: ['redis-runbook status', 'redis-runbook recover'],
  });
}

function addressOf(node: { readonly address: string; readonly port: number }): string {
  return `${node.address}:${node.port}`;
}

function isSoundReplica(node: RedisSurvey, master: RedisSurvey): boolean {
  const running = known(node.running);
  const of = known(node.config)?.replicaOf;
  const follows = running?.masterAddress === addressOf(master) && running.masterLinkUp === true;
  const byFile = of !== undefined && `${of.host}:${of.port}` === addressOf(master);
  return follows && !running.syncInProgress && byFile && !known(node.held);
}

function isSoundSentinel(node: SentinelSurvey, master: RedisSurvey, group: GroupSurvey): boolean {
  const view = known(node.view);
  const other = group.sentinels.find(({ host, view: theirs }) => host !== node.host && theirs.ok);
  const epoch = other && known(other.view)?.configEpoch;
  const agrees = view?.master === addressOf(master) && (epoch === undefined || epoch === view.configEpoch);
  return (
    agrees && view.flags.join() === 'master' && known(node.file)?.master === addressOf(master) && !known(node.held)
  );
}

/** What a plan may never be carried out over, where it is about this host or about the group as a whole. */
function refuseBlocking(diagnosis: Diagnosis, works: readonly string[]): void {
  const everywhere = new Set(['failover-under-way', 'duplicate-myid', 'unknown-node']);
  const about = diagnosis.findings.filter(
    ({ id, blocks, nodes }) =>
      blocks && id !== 'older-server' && (everywhere.has(id) || nodes.some((node) => works.includes(node))),
  );
  const [first, ...more] = about;
  if (!first || works.length === 0) return;
  throw new RunbookError(wordOfBlocking(first), `${first.says}.`, {
    facts: more.map(({ says }) => says),
    next: about.flatMap(({ next }) => next ?? []),
  });
}

function refuseUnfit(node: RedisSurvey, master: RedisSurvey, diagnosis: Diagnosis): void {
  if (!node.config.ok)
    throw new RunbookError('blocked', `${node.node} has no config file that could be read: ${node.config.detail}.`, {
      facts: ['a replaced machine needs its server and its redis.conf first; the data comes from the master'],
      next: [`put the redis.conf of ${node.node} back (a backup has it), then type this again`],
    });
  const old = diagnosis.candidates
    .find((candidate) => candidate.node === master.node)
    ?.tooOld?.find((each) => each.node === node.node);
  if (!old) return;
  throw new RunbookError('blocked', `${node.node} could not copy from ${master.node}: ${old.why}.`, {
    next: [`upgrade the server on ${node.host}, then type this again`],
  });
}

function refuseUnmonitored(node: SentinelSurvey, group: string): void {
  const file = known(node.file);
  if (file && file.master !== '') return;
  const why = node.file.ok ? 'names no master' : node.file.detail;
  throw new RunbookError('blocked', `The sentinel.conf of ${node.node} does not monitor ${group}: ${why}.`, {
    facts: ['quorum, password and timeouts of the group stand in that file; nothing else knows them for this host'],
    next: [`put the sentinel.conf of ${node.node} back (a backup has it, or another host's without its myid line)`],
  });
}

const harmless: ReadonlySet<Relation['kind']> = new Set(['contains', 'equal', 'empty']);

function isSetAside(node: string, { host, setAside }: RejoinChoice): boolean {
  return setAside.includes(node) || setAside.includes(host);
}

/** What only this node may hold is given up by name and with a reason, or it is not touched. */
function refuseOwnWrites(node: RedisSurvey, master: RedisSurvey, diagnosis: Diagnosis, choice: RejoinChoice): void {
  const relation = relationOf(node.node, master.node, diagnosis);
  if (relation && harmless.has(relation.kind)) return;
  const keys = choice.compared?.get(node.node);
  const isOpen = relation?.kind === 'possible-tail' || relation?.kind === 'incomparable';
  if (isOpen && keys?.ok === true && keys.only === 0n && keys.different === 0n) return;
  if (isSetAside(node.node, choice)) {
    if (choice.reason !== undefined) return;
    throw new RunbookError('usage', 'Data is set aside only with a reason; it goes into the report.', {
      next: ['add --reason "..."'],
    });
  }
  throw new RunbookError('split', `${node.node} may hold writes that ${master.node} never got.`, {
    facts: [ownWrites(node.node, relation), ...keysSay(node.node, master.node, keys)],
    next: [
      'redis-runbook status --why',
      `redis-runbook rejoin ${node.host} --set-aside ${node.node} --reason "..."   keeps its files there and here`,
    ],
  });
}

/** How a node's data stands to the master's; undefined when the diagnosis does not say. */
function relationOf(node: string, master: string, diagnosis: Diagnosis): Relation | undefined {
  return diagnosis.candidates.find((candidate) => candidate.node === master)?.versus[node];
}

function keysSay(node: string, master: string, keys: Compared | undefined): readonly string[] {
  if (keys === undefined) return [];
  if (!keys.ok) return [`their keys could not be compared: ${keys.why}`];
  return [
    `compared key by key: ${keys.only} keys only on ${node}, ${keys.different} with another value than on ${master} ` +
      '(older or newer: a value alone does not say)',
  ];
}

function ownWrites(node: string, relation: Relation | undefined): string {
  if (relation?.kind === 'forked') return `${node} alone holds ${relation.otherBytes} bytes: ${relation.why}`;
  if (relation?.kind === 'contained')
    return `${node} holds more${relation.lagBytes === undefined ? '' : ` by ${relation.lagBytes} bytes`}: ${relation.why}`;
  if (relation?.kind === 'possible-tail')
    return `${relation.boundSeconds === undefined ? 'of an unknown time' : `of at most ${relation.boundSeconds} s`}: ${relation.why}`;
  return relation?.why ?? 'nothing is known of its data';
}
