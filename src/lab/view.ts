import type { NodeKind } from '../model/inventory.js';
import type { LabHost } from './layout.js';
import { redisPort, sentinelPort } from './layout.js';
import { hostsRunning } from './nodes.js';
import { askOnce, infoFields, pairFields } from './resp.js';
import type { LabState } from './state.js';
import { holds, notYet, type Probe, until } from './until.js';

/** Long enough for a failover on a machine that many share. */
export const SETTLE_LIMIT_MS = 60_000;

/** What a running redis of the lab says of its place. */
export interface RedisView {
  readonly host: LabHost;
  readonly role: string;
  readonly replicas: number;
  readonly masterAddress?: string;
  readonly linkUp: boolean;
  readonly loading: boolean;
  readonly saving: boolean;
}

/** What a running sentinel of the lab says of the group. */
export interface SentinelViewOfLab {
  readonly host: LabHost;
  readonly master: string;
  readonly flags: string;
  /** Where a failover is that this sentinel leads. */
  readonly failoverState?: string;
  readonly replicas: number;
  readonly peers: number;
}

/** Asks a redis for INFO; rejects when it does not answer. */
export async function redisView(state: LabState, host: LabHost): Promise<RedisView> {
  const info = infoFields(await askOnce(host.address, redisPort, state.password, 'INFO', 'all'));
  const masterHost = info.get('master_host');
  const busy = [
    'rdb_bgsave_in_progress',
    'aof_rewrite_in_progress',
    'aof_rewrite_scheduled',
    'master_sync_in_progress',
  ];
  return {
    host,
    role: info.get('role') ?? 'unknown',
    replicas: Number(info.get('connected_slaves') ?? 0),
    ...(masterHost === undefined ? {} : { masterAddress: masterHost }),
    linkUp: info.get('master_link_status') === 'up',
    loading: info.get('loading') === '1' || info.get('async_loading') === '1',
    saving: busy.some((field) => (info.get(field) ?? '0') !== '0'),
  };
}

/** Asks a sentinel for the group; rejects when it does not answer. */
export async function sentinelView(state: LabState, host: LabHost): Promise<SentinelViewOfLab> {
  const fields = pairFields(await askOnce(host.address, sentinelPort, undefined, 'SENTINEL', 'MASTER', state.group));
  return {
    host,
    master: fields.get('ip') ?? '',
    flags: fields.get('flags') ?? '',
    ...(fields.has('failover-state') ? { failoverState: fields.get('failover-state') ?? '' } : {}),
    replicas: Number(fields.get('num-slaves') ?? 0),
    peers: Number(fields.get('num-other-sentinels') ?? 0),
  };
}

/** Views of every redis and sentinel that runs and is not `apart`; one that does not answer rejects. */
async function fleetView(
  state: LabState,
  apart: readonly string[],
): Promise<{ readonly redis: readonly RedisView[]; readonly sentinels: readonly SentinelViewOfLab[] }> {
  const running = (kind: NodeKind) => hostsRunning(state, kind).filter((host) => !apart.includes(host.name));
  const [redis, sentinels] = await Promise.all([
    Promise.all(running('redis').map((host) => redisView(state, host))),
    Promise.all(running('sentinel').map((host) => sentinelView(state, host))),
  ]);
  return { redis, sentinels };
}

/**
 * The host that serves as master: it says so itself and, where sentinels run, more than half of all the group's
 * sentinels name it. Undefined when there is none.
 */
export async function masterOf(state: LabState): Promise<LabHost | undefined> {
  const running = hostsRunning(state, 'redis');
  const views = (await Promise.all(running.map((host) => redisView(state, host).catch(() => undefined)))).flatMap(
    (view) => (view === undefined ? [] : [view]),
  );
  const masters = views.filter((view) => view.role === 'master').map((view) => view.host);
  const sentinels = hostsRunning(state, 'sentinel');
  if (sentinels.length === 0) return masters.length === 1 ? masters[0] : undefined;
  const named = await Promise.all(sentinels.map((host) => sentinelView(state, host).catch(() => undefined)));
  const all = state.hosts.filter((host) => host.runs.includes('sentinel')).length;
  return masters.find((host) => named.filter((view) => view?.master === host.address).length * 2 > all);
}

/**
 * Waits until what runs is settled and returns the master: one master, every other running redis linked to it and not
 * busy loading or saving, every running sentinel naming it without a failover or a down flag, and knowing all others. Hosts
 * that are `apart` are not asked: frozen, or cut off.
 */
export async function untilSettled(
  state: LabState,
  limitMs: number,
  not?: string,
  apart: readonly string[] = [],
): Promise<LabHost> {
  return until('the fleet to settle', limitMs, async () => judgeSettled(state, await fleetView(state, apart), not));
}

function judgeSettled(
  state: LabState,
  view: Awaited<ReturnType<typeof fleetView>>,
  not: string | undefined,
): Probe<LabHost> {
  const masters = view.redis.filter((one) => one.role === 'master');
  const master = masters[0];
  if (master === undefined || masters.length > 1) return notYet(`${masters.length} masters`);
  if (master.host.name === not) return notYet(`${not} is still the master`);
  const behind = view.redis.find((one) => one !== master && (!one.linkUp || one.masterAddress !== master.host.address));
  if (behind !== undefined) return notYet(`${behind.host.name} is not linked to ${master.host.name}`);
  if (master.replicas !== view.redis.length - 1) return notYet(`${master.replicas} replicas are linked`);
  const busy = view.redis.find((one) => one.loading || one.saving);
  if (busy !== undefined) return notYet(`${busy.host.name} is loading or saving`);
  const sentinels = state.hosts.filter((host) => host.runs.includes('sentinel')).length;
  const apart = view.sentinels.find(
    (one) =>
      one.master !== master.host.address ||
      one.flags !== 'master' ||
      one.replicas < view.redis.length - 1 ||
      one.peers < sentinels - 1,
  );
  if (apart !== undefined) {
    return notYet(`the sentinel of ${apart.host.name} says ${apart.master} ${apart.flags}, ${apart.peers} peers`);
  }
  return holds(master.host);
}
