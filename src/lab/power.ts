import { RunbookError } from '../errors.js';
import type { NodeKind } from '../model/inventory.js';
import type { LabHost } from './layout.js';
import { hostsRunning, isHeld, runningIn, signalNodes, startNode } from './nodes.js';
import type { LabState } from './state.js';
import { type Stop, signalOf } from './stop.js';
import { holds, notYet, until } from './until.js';
import { masterOf, redisView, sentinelView, untilSettled } from './view.js';

export interface Cycled {
  /** The master once the fleet had settled; undefined when everything that could be one is held. */
  readonly master?: string;
  /** `host/kind` of the nodes that a hold kept off. */
  readonly held: readonly string[];
  readonly elapsedMs: number;
}

export interface Drill {
  readonly from: string;
  readonly to: string;
  /** From the kill until a majority of all the group's sentinels named a new master that serves. */
  readonly elapsedMs: number;
}

/**
 * All machines off (as SIGTERM or SIGKILL) and on again, side by side, each its redis before its sentinel. What a hold file
 * names stays off. Waits until what was started has settled, at most `limitMs`.
 */
export async function powerCycle(state: LabState, stop: Stop, limitMs: number): Promise<Cycled> {
  const began = Date.now();
  await signalNodes(state, () => true, signalOf(stop));
  const held = (await Promise.all(state.hosts.map((host) => startHost(state, host)))).flat();
  const settled = hostsRunning(state, 'redis').length === 0 ? undefined : await untilSettled(state, limitMs);
  return {
    ...(settled === undefined ? {} : { master: settled.name }),
    held,
    elapsedMs: Date.now() - began,
  };
}

/** Starts what the host runs and is not held; returns what was held. */
async function startHost(state: LabState, host: LabHost): Promise<readonly string[]> {
  const held: string[] = [];
  for (const kind of ['redis', 'sentinel'] satisfies NodeKind[]) {
    if (!host.runs.includes(kind)) continue;
    if (isHeld(host, kind)) held.push(`${host.name}/${kind}`);
    else await startNode(state, host, kind);
  }
  return held;
}

/** Kills the master's redis and waits until the sentinels have replaced it. The killed node stays off. */
export async function failoverDrill(state: LabState, limitMs: number): Promise<Drill> {
  const old = await masterOf(state);
  if (old === undefined) throw new RunbookError('lab', 'No master serves: there is nothing to fail over from.');
  const began = Date.now();
  await signalNodes(state, (host, kind) => host.name === old.name && kind === 'redis', 'SIGKILL');
  const to = await until(`a master other than ${old.name}`, limitMs, async () => newMaster(state, old));
  return { from: old.name, to: to.name, elapsedMs: Date.now() - began };
}

async function newMaster(state: LabState, old: LabHost) {
  const sentinels = state.hosts.filter((host) => host.runs.includes('sentinel')).length;
  const views = await Promise.all(hostsRunning(state, 'sentinel').map((host) => sentinelView(state, host)));
  const count = (host: LabHost) => views.filter((view) => view.master === host.address).length;
  const next = state.hosts.find((host) => host.name !== old.name && count(host) * 2 > sentinels);
  if (next === undefined)
    return notYet(views.map((view) => `${view.host.name}: ${view.master} ${view.flags}`).join('; '));
  const { role } = await redisView(state, next);
  return role === 'master' ? holds(next) : notYet(`${next.name} says ${role}`);
}

/** Starts everything of a new lab: the redis nodes side by side, then the sentinels. */
export async function startAll(state: LabState): Promise<void> {
  for (const kind of ['redis', 'sentinel'] satisfies NodeKind[]) {
    const hosts = state.hosts.filter((host) => host.runs.includes(kind) && !isHeld(host, kind));
    await Promise.all(hosts.map((host) => startNode(state, host, kind)));
  }
  if (runningIn(state).length === 0) throw new RunbookError('lab', 'Nothing of the lab is running.');
}
