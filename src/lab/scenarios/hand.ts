import type { Resp } from '../../model/raw-host.js';
import { type LabHost, redisPort } from '../layout.js';
import { hostsRunning, signalNodes } from '../nodes.js';
import { untilCaughtUp } from '../phases.js';
import type { Prng } from '../prng.js';
import { appendRecord, type LacksLine, nextSeq, type WriteLine } from '../record.js';
import { askOnce } from '../resp.js';
import { type LabState, readState } from '../state.js';
import { type Stop, signalOf } from '../stop.js';
import { holds, notYet, until } from '../until.js';
import { redisView, SETTLE_LIMIT_MS } from '../view.js';
import { usualShape, writeTo } from '../writer.js';

/** One command to a redis of the lab. */
export function askRedis(state: LabState, host: LabHost, ...command: readonly string[]): Promise<Resp> {
  return askOnce(host.address, redisPort, state.password, ...command);
}

/** Recorded writes to a node that takes them, as many as are drawn between `low` and `high`. */
export function writeSome(
  state: LabState,
  host: LabHost,
  prng: Prng,
  low: number,
  high: number,
): Promise<readonly WriteLine[]> {
  return writeTo(readState(state.directory), host, { ...usualShape, count: prng.between(low, high) }, prng);
}

/** Writes to the master that every replica has before it goes on. */
export async function sharedWrites(state: LabState, master: LabHost, prng: Prng): Promise<void> {
  await writeSome(state, master, prng, 30, 200);
  await untilCaughtUp(state, master, SETTLE_LIMIT_MS);
}

/** Notes which of the writes so far the data of these nodes does not hold, and was never to hold. */
export function noteLacks(
  state: LabState,
  holders: readonly LabHost[],
  what: Pick<LacksLine, 'node' | 'fromSeq' | 'beforeSeq' | 'why'>,
): void {
  appendRecord(
    state.directory,
    holders.map((holder) => ({ type: 'lacks', holder: holder.name, beforeSeq: nextSeq(state.directory), ...what })),
  );
}

/** The other hosts whose redis runs. */
export function othersRunning(state: LabState, than: LabHost): readonly LabHost[] {
  return hostsRunning(state, 'redis').filter((host) => host.name !== than.name);
}

/** Whole machines off, all at once. */
export function turnOff(state: LabState, hosts: readonly LabHost[], stop: Stop): Promise<void> {
  const names = new Set(hosts.map((host) => host.name));
  return signalNodes(state, (host) => names.has(host.name), signalOf(stop));
}

/** Every redis of the lab's own group off, all at once; the sentinels stay. */
export function turnOffRedis(state: LabState, stop: Stop): Promise<void> {
  return signalNodes(state, (_, kind) => kind === 'redis', signalOf(stop));
}

/** One of several ways, the next for the next seed: as many seeds in a row as there are ways see all of them. */
export function inTurn<T>(state: LabState, ways: readonly [T, ...T[]]): T {
  return ways[state.seed % ways.length] ?? ways[0];
}

/** Waits until no replica is linked to the node. */
export function untilAlone(state: LabState, host: LabHost): Promise<void> {
  return until(`${host.name} to lose its replicas`, SETTLE_LIMIT_MS, async () => {
    const { replicas } = await redisView(state, host);
    return replicas === 0 ? holds(undefined) : notYet(`${replicas} are linked`);
  });
}

/** Waits until a BGSAVE or BGREWRITEAOF that this starts has ended. */
export async function saveNow(state: LabState, host: LabHost, command: 'BGSAVE' | 'BGREWRITEAOF'): Promise<void> {
  await askRedis(state, host, command);
  await until(`${host.name} to end its ${command}`, SETTLE_LIMIT_MS, async () => {
    const view = await redisView(state, host);
    return view.saving ? notYet('in progress') : holds(undefined);
  });
}

/** Waits until the node follows that master and has all of it. */
export function untilLinked(state: LabState, host: LabHost, master: LabHost): Promise<void> {
  return until(`${host.name} to follow ${master.name}`, SETTLE_LIMIT_MS, async () => {
    const view = await redisView(state, host);
    const linked = view.linkUp && view.masterAddress === master.address && !view.saving && !view.loading;
    return linked ? holds(undefined) : notYet(`${view.role} of ${view.masterAddress ?? 'nobody'}`);
  });
}
