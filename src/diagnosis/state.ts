import type { Diagnosis } from '../model/diagnosis.js';
import { known } from '../model/seen.js';
import type { GroupSurvey, RedisSurvey, SentinelSurvey, SentinelView } from '../model/survey.js';
import { listOf } from './names.js';
import { holderOf, isLoading, isTurnedAway } from './not-answering.js';

/** What the fleet is doing now, from live answers alone. */
export interface State {
  readonly state: Diagnosis['state'];
  readonly why: string;
  readonly master?: RedisSurvey;
  readonly running: readonly RedisSurvey[];
  /** What is not as it should be, one phrase each. */
  readonly amiss: readonly string[];
  /** The same without what is amiss on hosts that a run left out: empty where nothing but their return is missing. */
  readonly amissElsewhere: readonly string[];
}

export function addressOf(node: { readonly address: string; readonly port: number }): string {
  return `${node.address}:${node.port}`;
}

/** Healthy, Sentinel at work, degraded, down or unknown. "Did not answer" never counts as "is down". */
export function stateOf(group: GroupSurvey, leftOut: readonly string[] = []): State {
  const running = group.redis.filter((node) => node.running.ok);
  const masters = running.filter((node) => known(node.running)?.role === 'master');
  const master = masters.length === 1 ? masters[0] : electedAmong(masters, group);
  const unseen = group.redis.filter((node) => !node.process.ok);
  if (running.length === 0 && unseen.length === group.redis.length)
    return { state: 'unknown', why: 'no redis host could be looked at', running, ...nothingAmiss };
  const away = group.redis.filter(isTurnedAway);
  if (!master && away.length > 0) return { state: 'unknown', why: refuses(away), running, ...nothingAmiss };
  if (running.length === 0) return { state: 'down', why: whyNothingRuns(group), running, ...nothingAmiss };
  const served = servedUnseen(group);
  if (!master && served !== undefined) return { state: 'unknown', why: served, running, ...nothingAmiss };
  const work = sentinelAtWork(group, master);
  if (work) return { state: 'sentinel-at-work', why: work, running, ...nothingAmiss, ...(master ? { master } : {}) };
  if (!master) return { state: 'down', why: whyNoMaster(masters, running), running, ...nothingAmiss };
  const amiss = [...amissOnRedis(group, master, masters), ...amissOnSentinels(group, master)];
  const near = without(group, leftOut);
  const amissElsewhere = [...amissOnRedis(near, master, masters), ...amissOnSentinels(near, master, group)];
  return {
    state: amiss.length === 0 ? 'healthy' : 'degraded',
    why: amiss.join('; ') || 'all agree',
    master,
    running,
    amiss,
    amissElsewhere,
  };
}

const nothingAmiss = { amiss: [], amissElsewhere: [] } as const;

function without(group: GroupSurvey, hosts: readonly string[]): GroupSurvey {
  const near = ({ host }: { readonly host: string }) => !hosts.includes(host);
  return { ...group, redis: group.redis.filter(near), sentinels: group.sentinels.filter(near) };
}

function refuses(nodes: readonly RedisSurvey[]): string {
  return `${listOf(nodes.map(({ node }) => node))} ${nodes.length === 1 ? 'runs and refuses' : 'run and refuse'} the password`;
}

/** Nodes whose link to this one is up: it lives and takes writes, whoever cannot log in on its host. */
export function linkedTo(node: RedisSurvey, group: GroupSurvey): readonly string[] {
  return group.redis.flatMap((each) => {
    const running = known(each.running);
    return running?.masterLinkUp === true && running.masterAddress === addressOf(node) ? [each.node] : [];
  });
}

function servedUnseen(group: GroupSurvey): string | undefined {
  const node = group.redis.find((each) => !each.process.ok && linkedTo(each, group).length > 0);
  if (node === undefined) return undefined;
  const links = linkedTo(node, group);
  return `${node.node} could not be looked at, and it serves: ${listOf(links)} ${links.length === 1 ? 'has' : 'have'} a link to it that is up`;
}

/** Off, silent and unseen are three things. */
function whyNothingRuns(group: GroupSurvey): string {
  const named = (nodes: readonly RedisSurvey[]): string => listOf(nodes.map((node) => node.node));
  const off = group.redis.filter((node) => node.process.ok && node.process.value === null);
  const silent = group.redis.filter((node) => node.process.ok && node.process.value !== null);
  const unseen = group.redis.filter((node) => !node.process.ok);
  return [
    ...(off.length > 0
      ? [off.length === 1 ? `Redis does not run on ${named(off)}` : `Redis runs on none of ${named(off)}`]
      : []),
    ...(silent.length > 0
      ? [`${named(silent)} ${silent.length === 1 ? 'runs and does' : 'run and do'} not answer`]
      : []),
    ...(unseen.length > 0 ? [`${named(unseen)} could not be looked at`] : []),
  ].join('; ');
}

function whyNoMaster(masters: readonly RedisSurvey[], running: readonly RedisSurvey[]): string {
  if (masters.length > 1)
    return `${listOf(masters.map((node) => node.node))} each say that they are master, and the sentinels do not agree on one`;
  const names = listOf(running.map((node) => node.node));
  return running.length === 1 ? `only ${names} runs, and it is no master` : `${names} run, and none of them is master`;
}

function electedAmong(masters: readonly RedisSurvey[], group: GroupSurvey): RedisSurvey | undefined {
  const views = group.sentinels.flatMap((sentinel) => known(sentinel.view) ?? []);
  return masters.find((node) => views.length > 0 && views.every((view) => view.master === addressOf(node)));
}

function amissOnRedis(group: GroupSurvey, master: RedisSurvey, masters: readonly RedisSurvey[]): string[] {
  const amiss: string[] = [];
  for (const node of masters) if (node !== master) amiss.push(`${node.node} says that it is master, too`);
  if (known(master.running)?.loading) amiss.push(`${master.node} is loading its data`);
  for (const node of group.redis) {
    if (node === master || masters.includes(node)) continue;
    const running = known(node.running);
    if (isTurnedAway(node)) amiss.push(refuses([node]));
    else if (!running) amiss.push(whyOff(node));
    else if (isLoading(node)) amiss.push(`${node.node} is loading its data`);
    else if (running.masterAddress !== addressOf(master))
      amiss.push(`${node.node} follows ${nameOf(running.masterAddress, group)}, not ${master.node}`);
    else if (running.syncInProgress) amiss.push(`${node.node} is receiving a full copy from ${master.node}`);
    else if (!running.masterLinkUp) amiss.push(`${node.node} has no link to ${master.node}`);
  }
  return amiss;
}

/** The node at an address, as the operator names it; the address itself where fleet.yaml has none there. */
function nameOf(address: string | undefined, group: GroupSurvey): string {
  if (address === undefined) return 'nobody';
  return group.redis.find((node) => addressOf(node) === address)?.node ?? address;
}

function whyOff(node: RedisSurvey): string {
  const [why, holder] = [whyNoAnswer(node.node, node.process), holderOf(node)];
  return holder === undefined ? why : `${why}, and ${holder}`;
}

function whyNoAnswer(who: string, process: RedisSurvey['process']): string {
  if (!process.ok) return `${who} could not be looked at`;
  return process.value === null ? `${who} does not run` : `${who} runs and does not answer`;
}

function amissOnSentinels(group: GroupSurvey, master: RedisSurvey, all = group): string[] {
  const amiss: string[] = [];
  const epochs = new Set(group.sentinels.flatMap((sentinel) => known(sentinel.view)?.configEpoch ?? []));
  if (epochs.size > 1) amiss.push('the sentinels hold different epochs');
  for (const sentinel of group.sentinels) amiss.push(...amissOn(sentinel, master, all));
  return amiss;
}

function amissOn(sentinel: SentinelSurvey, master: RedisSurvey, group: GroupSurvey): string[] {
  const others = group.sentinels.length - 1;
  const view = known(sentinel.view);
  if (!view) return [whyNoAnswer(`the sentinel on ${sentinel.host}`, sentinel.process)];
  if (view.master !== addressOf(master))
    return [`the sentinel on ${sentinel.host} says that ${nameOf(view.master, group)} is master`];
  const flags = view.flags.filter((flag) => flag !== 'master');
  if (flags.length > 0) return [`the sentinel on ${sentinel.host} says ${flags.join(', ')} of ${master.node}`];
  if (known(sentinel.running)?.tilt) return [`the sentinel on ${sentinel.host} is in TILT`];
  if (view.ckquorum.ok && !view.ckquorum.value.ok) return [`the sentinel on ${sentinel.host} finds no quorum`];
  if (view.peers.length !== others)
    return [`the sentinel on ${sentinel.host} knows ${view.peers.length} other sentinels, not ${others}`];
  return [];
}

/**
 * Sentinel will act by itself when a majority of the sentinels lives, names one address and can elect, the master is seen
 * as down, and one replica that it could choose is up (sentinel.c:sentinelSelectSlave, sentinelGetLeader).
 */
function sentinelAtWork(group: GroupSurvey, master: RedisSurvey | undefined): string | undefined {
  const views = group.sentinels.flatMap((sentinel) => {
    const view = known(sentinel.view);
    return view ? [{ sentinel, view }] : [];
  });
  const all = views.map(({ view }) => view);
  const majority = Math.floor(group.sentinels.length / 2) + 1;
  if (views.length < majority) return undefined;
  const busy = views.find(
    ({ view }) => view.flags.includes('failover_in_progress') && !isStuck(view) && !isVain(view, all, majority),
  );
  if (busy)
    return `the sentinel on ${busy.sentinel.host} is failing over now (${busy.view.failoverState ?? 'state not said'})`;
  if (master) return undefined;
  const first = views.find(({ view }) => canBeElected(view, all, majority));
  if (!first) return undefined;
  const choosable = first.view.replicas.some((row) => row.flags.join() === 'slave' && row.priority > 0);
  if (views.some(({ sentinel, view }) => isStuck(view) || foundNone(sentinel))) return undefined;
  const delay = views.flatMap(({ sentinel }) => nextAttempt(sentinel)).at(-1);
  if (!choosable) return undefined;
  return `${views.length} sentinels live and can elect a new master${delay ? `; next attempt not before ${delay}` : ''}`;
}

/**
 * Whether enough sentinels name the address that this one names. One that names another has no master there to vote on
 * (sentinel.c:sentinelCommand, is-master-down-by-addr; seen on 7.0.15).
 */
function canBeElected(view: SentinelView, all: readonly SentinelView[], majority: number): boolean {
  const voters = all.filter(({ master }) => master === view.master).length;
  return voters >= Math.max(majority, view.quorum);
}

/**
 * An attempt that waits for votes that it will not get, or that would find nobody to promote: it is given up, and begun again
 * and again. One that somebody asked for needs no vote (`force_failover`).
 */
function isVain(view: SentinelView, all: readonly SentinelView[], majority: number): boolean {
  if (view.failoverState !== 'wait_start' || view.flags.includes('force_failover')) return false;
  const someone = view.replicas.some((row) => row.flags.includes('slave') && row.priority > 0);
  return !someone || !canBeElected(view, all, majority);
}

/**
 * A failover whose promoted node is down never ends: the leader waits for it without a limit and answers INPROG, and the
 * others are not elected meanwhile (sentinel.c:sentinelFailoverDetectEnd; seen on 7.0.15).
 */
export function isStuck(view: SentinelView): boolean {
  if (!view.flags.includes('failover_in_progress')) return false;
  return view.replicas.some((row) => row.flags.includes('promoted') && row.flags.includes('s_down'));
}

/** The events of a failover that say how far it has come. */
const stations: ReadonlySet<string> = new Set(['+odown', '-odown', '+try-failover', '+switch-master']);

/** Its last attempt found no replica that it would choose; the next one finds the same (sentinel.c:sentinelSelectSlave). */
function foundNone(sentinel: SentinelSurvey): boolean {
  const last = (known(sentinel.log) ?? []).findLast(
    (event) =>
      event.kind === 'failover-aborted' ||
      event.kind === 'switch-master' ||
      (event.kind === 'other' && stations.has(event.event)),
  );
  return last?.kind === 'failover-aborted' && last.reason === 'no-good-slave';
}

function nextAttempt(sentinel: SentinelSurvey): string[] {
  const last = (known(sentinel.log) ?? []).findLast(
    (event) => event.kind === 'next-failover-delay' || event.kind === 'switch-master',
  );
  return last?.kind === 'next-failover-delay' ? [last.until] : [];
}
