import { readFileSync, writeFileSync } from 'node:fs';
import { RunbookError } from '../../errors.js';
import type { Resp } from '../../model/raw-host.js';
import { configOf, type LabHost, redisPort, sentinelPort } from '../layout.js';
import { hostsRunning, signalNodes } from '../nodes.js';
import { askOnce } from '../resp.js';
import type { LabState } from '../state.js';
import { holds, notYet, until } from '../until.js';
import { masterOf, SETTLE_LIMIT_MS, sentinelView, untilSettled } from '../view.js';
import { askRedis, untilLinked } from './hand.js';

/** A failover that was asked for can be given up without a word: the replica's INFO was too old, or it was too slow. */
const MOST_ATTEMPTS = 8;
const ATTEMPT_LIMIT_MS = 12_000;

/** One command to a sentinel of the lab. */
export function askSentinel(host: LabHost, ...command: readonly string[]): Promise<Resp> {
  return askOnce(host.address, sentinelPort, undefined, ...command);
}

/** Hosts that run a sentinel and no redis first: they can be turned off without touching data. */
export function sentinelHosts(state: LabState): readonly LabHost[] {
  const own = state.hosts.filter((host) => host.runs.includes('sentinel'));
  return [...own.filter((host) => host.runs.length === 1), ...own.filter((host) => host.runs.length > 1)];
}

/** The sentinel-only host of that place in the order of the lab; throws RunbookError `lab` where there is none. */
export function sentinelOnly(state: LabState, index: number): LabHost {
  const host = sentinelHosts(state)[index];
  if (host !== undefined && host.runs.length === 1) return host;
  throw new RunbookError('lab', 'The scenario needs two hosts that run a sentinel only; use --sentinels 5.');
}

/** A failover that somebody asked a sentinel for, each time another one; the new master once all agree on it. */
export async function moveMaster(state: LabState, from: LabHost): Promise<LabHost> {
  const sentinels = hostsRunning(state, 'sentinel');
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    const asked = sentinels[attempt % sentinels.length];
    if (asked === undefined) throw new RunbookError('lab', 'No sentinel runs.');
    await begunFailover(state, asked);
    const next = await untilSettled(state, ATTEMPT_LIMIT_MS, from.name).catch(() => undefined);
    if (next !== undefined) return next;
    // One that is over, and only not settled yet, is not asked for again: it would move the master once more.
    const now = await masterOf(state);
    if (now !== undefined && now.name !== from.name) break;
  }
  return untilSettled(state, SETTLE_LIMIT_MS, from.name);
}

function begunFailover(state: LabState, sentinel: LabHost): Promise<void> {
  return until('a sentinel to begin a failover', SETTLE_LIMIT_MS, async () => {
    await askSentinel(sentinel, 'SENTINEL', 'FAILOVER', state.group);
    return holds(undefined);
  });
}

/** Ends sentinels one way or the other; nobody's redis. */
export function stopSentinels(
  state: LabState,
  hosts: readonly LabHost[],
  signal: 'SIGTERM' | 'SIGKILL',
): Promise<void> {
  const names = new Set(hosts.map((host) => host.name));
  return signalNodes(state, (host, kind) => kind === 'sentinel' && names.has(host.name), signal);
}

/** What a person with an editor makes of a sentinel.conf: this master at this epoch, nothing known of replicas. */
export function editMaster(state: LabState, host: LabHost, master: LabHost, epoch: number): void {
  const { group } = state;
  const generated = /^sentinel (known-replica|config-epoch|leader-epoch|current-epoch) /;
  const lines = readSentinel(host)
    .split('\n')
    .filter((line) => !generated.test(line))
    .map((line) =>
      line.startsWith(`sentinel monitor ${group} `)
        ? `sentinel monitor ${group} ${master.address} ${redisPort} ${state.quorum}`
        : line,
    );
  const epochs = [`sentinel config-epoch ${group} ${epoch}`, `sentinel current-epoch ${epoch}`];
  writeSentinel(host, [...lines, ...epochs, ''].join('\n'));
}

/** The text of a sentinel.conf. */
export function readSentinel(host: LabHost): string {
  return readFileSync(configOf(host, 'sentinel'), 'utf8');
}

/** Replaces a sentinel.conf whose owner does not run. */
export function writeSentinel(host: LabHost, text: string): void {
  writeFileSync(configOf(host, 'sentinel'), text);
}

/** The roles turned by hand on running nodes, and written into their files. */
export async function followByHand(state: LabState, master: LabHost): Promise<void> {
  await askRedis(state, master, 'REPLICAOF', 'NO', 'ONE');
  await askRedis(state, master, 'CONFIG', 'REWRITE');
  for (const host of hostsRunning(state, 'redis').filter((one) => one.name !== master.name)) {
    await askRedis(state, host, 'REPLICAOF', master.address, String(redisPort));
    await untilLinked(state, host, master);
    await askRedis(state, host, 'CONFIG', 'REWRITE');
  }
}

/** The address of the master that a sentinel names for a group. */
export async function masterNamed(sentinel: LabHost, group: string): Promise<string> {
  const answer = await askSentinel(sentinel, 'SENTINEL', 'GET-MASTER-ADDR-BY-NAME', group);
  return Array.isArray(answer) ? String(answer[0]) : 'nobody';
}

/** Waits until that sentinel names the host as master. */
export function untilNames(state: LabState, sentinel: LabHost, master: LabHost): Promise<void> {
  return until(`the sentinel of ${sentinel.name} to name ${master.name}`, SETTLE_LIMIT_MS, async () => {
    const view = await sentinelView(state, sentinel);
    return view.master === master.address ? holds(undefined) : notYet(view.master);
  });
}
